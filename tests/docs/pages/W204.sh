# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the commands of docs/errors/W204.md need beside them.
cat >net.weights <<'E'
tensor y.dense.weight 32x32 random 1
tensor y.dense.bias 32 random 2
tensor y.dense_2.weight 32x32 random 3
tensor y.dense_2.bias 32 random 4
E
"$MAKE_WEIGHTS" net.weights net.safetensors
