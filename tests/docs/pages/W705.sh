# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the commands of docs/errors/W705.md need beside them: the forget gate of the first unit is nearly 1.
cat >slow.weights <<'W'
tensor y.lstm.kernel 1x8 all 0.5
tensor y.lstm.recurrent_kernel 2x8 all 0.1
tensor y.lstm.bias 8 all 0
set 2 12
W
"$MAKE_WEIGHTS" slow.weights slow.safetensors
awk 'BEGIN { print "x"; for (i = 0; i < 900; i++) print sin(i * 0.05) }' >minutes.csv
