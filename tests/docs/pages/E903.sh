# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the commands of docs/errors/E903.md need beside them.
cp "$ROOT/tests/conformance/keras/fixtures/refused/always_training_E903.keras" sensors.keras
