# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the commands of docs/errors/E602.md need beside them.
cat >kws.weights <<'E'
tensor rnn.weight_ih_l0 192x13 random 1
tensor rnn.weight_hh_l0 192x64 random 2
tensor rnn.bias_ih_l0 192 random 3
tensor rnn.bias_hh_l0 192 random 4
tensor fc.weight 10x64 random 5
tensor fc.bias 10 random 6
E
"$MAKE_WEIGHTS" kws.weights kws.safetensors
