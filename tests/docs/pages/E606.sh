# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the commands of docs/errors/E606.md need beside them.
cat >net.weights <<'E'
tensor fc1.weight 32x32 random 1
tensor fc1.bias 32 random 2
tensor fc2.weight 32x32 random 3
tensor fc2.bias 32 random 4
E
"$MAKE_WEIGHTS" net.weights net.safetensors
