# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the commands of docs/errors/W703.md need beside them.
awk 'BEGIN { print "x"; for (i = 0; i < 2000; i++) { v = 1.05 * sin(i * 0.05); print (v > 1 ? 1 : v < -1 ? -1 : v) } }' >loud.csv
