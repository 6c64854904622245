# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the commands of docs/errors/W704.md need beside them: one knock, then near silence.
awk 'BEGIN { print "x"; for (i = 0; i < 900; i++) print (i == 3 ? 20 : 0.15 * sin(i * 0.05)) }' >knock.csv
