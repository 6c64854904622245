# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the commands of docs/errors/E601.md need beside them.
"$MAKE_WEIGHTS" "$ROOT/tests/cli/weights/e601.weights" fall.safetensors
