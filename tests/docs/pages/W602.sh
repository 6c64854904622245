# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the commands of docs/errors/W602.md need beside them.
sed 's/tensor head.weight.*/tensor head.weight 3x8 random 5/' "$ROOT/tests/cli/weights/w602.weights" >net.weights
"$MAKE_WEIGHTS" net.weights net.safetensors
