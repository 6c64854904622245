# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the commands of docs/errors/W706.md need beside them.
awk 'BEGIN { print "x"; for (i = 0; i < 49; i++) print 0.7 * sin(i * 0.05) }' >one_word.csv
