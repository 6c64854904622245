# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the commands of docs/errors/E904.md need beside them.
cp "$ROOT/tests/conformance/keras/fixtures/refused/open_time_E904.keras" sensors.keras
