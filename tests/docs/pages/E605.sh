# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the commands of docs/errors/E605.md need beside them.
cat >gru.weights <<'E'
tensor gru.kernel 4x24 random 1
tensor gru.recurrent_kernel 8x24 random 2
tensor gru.bias 2x24 random 3
E
"$MAKE_WEIGHTS" gru.weights model.safetensors
