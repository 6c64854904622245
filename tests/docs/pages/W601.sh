# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the commands of docs/errors/W601.md need beside them.
cat >net.weights <<'E'
tensor rnn.weight_ih_l0 48x8 random 1
tensor rnn.weight_hh_l0 48x16 random 2
tensor rnn.bias_ih_l0 48 random 3
tensor rnn.bias_hh_l0 48 random 4
tensor norm.weight 16 random 5
tensor norm.bias 16 random 6
tensor fc.weight 4x16 random 7
tensor fc.bias 4 random 8
E
"$MAKE_WEIGHTS" net.weights net.safetensors
