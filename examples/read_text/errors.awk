# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# How many signs have to be inserted, deleted or changed.
#   awk -f errors.awk lines.txt read.txt
# Both files have a line for each picture: what it says, and what was read.
function least(a, b) { return a < b ? a : b }
function distance(a, b,    i, j, before, kept, row) {
  for (j = 0; j <= length(b); j++) row[j] = j
  for (i = 1; i <= length(a); i++) {
    before = row[0]
    row[0] = i
    for (j = 1; j <= length(b); j++) {
      kept = row[j]
      row[j] = least(least(row[j], row[j - 1]) + 1, before + (substr(a, i, 1) != substr(b, j, 1)))
      before = kept
    }
  }
  return row[length(b)]
}
NR == FNR { said[FNR] = $0; next }
{ lines++; right += $0 == said[FNR]; signs += length(said[FNR]); wrong += distance(said[FNR], $0) }
END { printf "%d of %d signs wrong, %d of %d lines right\n", wrong, signs, right, lines }
