# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The share of rows whose largest column is the right one.
#   awk -F, -f accuracy.awk label.csv probabilities.csv
# label.csv: one class number a line, from 0. probabilities.csv: a row for each, a column a class, or
# one column, the probability of class 1; lines that do not start with a number are headings.
NR == FNR { label[FNR] = $1; next }
/^[-+.0-9]/ {
  best = 1
  for (i = 2; i <= NF; i++) if ($i + 0 > $best + 0) best = i
  class = NF == 1 ? $1 + 0 > 0.5 : best - 1
  right += class == label[++rows]
}
END {
  if (rows == 0) { print "no rows"; exit 1 }
  printf "%d of %d right, %.2f %%\n", right, rows, 100 * right / rows
}
