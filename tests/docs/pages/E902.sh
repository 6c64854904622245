# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the commands of docs/errors/E902.md need beside them.
cp "$ROOT/tests/conformance/keras/fixtures/refused/image_cells_E902.keras" summary.keras
