# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the commands of docs/errors/E705.md need beside them.
"$MAKE_WEIGHTS" "$ROOT/tests/docs/pages/kws.weights" kws.safetensors
