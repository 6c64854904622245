#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# An error about what grus lacks in a file of another framework (E902, E903, E904) says the nearest thing
# that works: functions named ..._lacks take it as an argument, and a Diag gets it with diag_fix. So a
# call of ..._refuse or foreign_report with one of these codes whose result nobody takes is an error;
# lift_refuse says what the row of the operator in graph_ops.def has. Each such error that a test expects
# has the line `help:`.
set -eu
lint=$(cd "$(dirname "$0")" && pwd)
cd "$1"
status=0
"$lint/files.sh" . '^compiler/import/.*\.c$' | tr '\n' '\0' | xargs -0 -r awk -f "$lint/strip_c.awk" | awk '
  # A line is file:line:code.
  {
    split($0, part, ":")
    code = substr($0, length(part[1]) + length(part[2]) + 3)
    gsub(/lift_refuse\(/, "advised(", code)
  }
  part[1] != file { statement = "" }
  { file = part[1] }
  statement == "" && code ~ /(refuse|foreign_report|foreign_refuse_node)\(/ { at = part[2]; statement = before " " }
  statement != "" { statement = statement code }
  statement != "" && code ~ /[;{]/ {
    taken = statement ~ /Diag \*[a-z]+ *=/ || statement ~ /diag_fix\(/
    if (statement ~ /E90[234]/ && !taken) {
      print file ":" at ": an error without the nearest thing that works; use a function named `..._lacks`"
      bad = 1
    }
    statement = ""
  }
  { before = code ~ /[;{}] *$/ ? "" : code }
  END { exit bad }' || status=1
"$lint/files.sh" . '^tests/.*\.(out|list)$' | tr '\n' '\0' | xargs -0 -r awk '
  function end() {
    if (at != "" && !helped) { print at ": an error without the nearest thing that works"; bad = 1 }
    at = ""
  }
  FNR == 1 { end(); began = "" }
  # one error in a line, in the lists of files that are refused
  / E90[2-6] / && /^[^ ]/ && FILENAME ~ /\.list$|refusals\.out$/ {
    if ($0 !~ /help: /) { at = FILENAME ":" FNR; helped = 0; end() }
    next
  }
  # an error as grus prints it
  /^error\[E90[2-6]\]/ { end(); began = FILENAME ":" FNR; next }
  began != "" && /^ *--> / { at = began; helped = 0 }
  { began = "" }
  at != "" && /^help: / { helped = 1 }
  at != "" && /^(\$|error|$)/ { end() }
  END { end(); exit bad }' || status=1
exit $status
