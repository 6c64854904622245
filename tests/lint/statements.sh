#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# A statement does one thing: `return` has no comma, the condition of an `if` does not assign, and what is assigned
# to is not chosen by a conditional. The size of an array is no product that the formatter takes for a pointer:
# `ARENA_ARRAY(arena, float, (rows * columns))`.
set -eu
lint=$(cd "$(dirname "$0")" && pwd)
cd "$1"
"$lint/files.sh" . '\.[ch]$' | tr '\n' '\0' | xargs -0 -r awk -f "$lint/strip_c.awk" | awk '
  function report(what) {
    print file ":" line ": " what
    bad = 1
  }
  # Whether text has `mark` outside of all parentheses and braces.
  function has_bare(text, mark,    i, depth, c) {
    for (i = 1; i <= length(text); i++) {
      c = substr(text, i, 1)
      if (c ~ /[({[]/) depth++
      if (c ~ /[])}]/) depth--
      if (c == mark && depth == 0) return 1
    }
    return 0
  }
  # Up to the parenthesis that closes the one that text begins with.
  function in_parentheses(text,    i, depth, c) {
    for (i = 1; i <= length(text); i++) {
      c = substr(text, i, 1)
      depth += (c == "(") - (c == ")")
      if (depth == 0) return substr(text, 1, i)
    }
    return ""
  }
  {
    split($0, part, ":")
    if (part[1] != file) statement = ""
    file = part[1]
    if (statement == "") line = part[2]
    code = substr($0, length(part[1]) + length(part[2]) + 3)
    if (code ~ /ARENA_ARRAY\(.*[A-Za-z0-9_)\]] \*\(?[A-Za-z_]/) {
      report("a product that reads like a pointer: put it into parentheses")
    }
    if (statement == "" && code !~ /(^|[^A-Za-z0-9_])(return|if \()/ && code !~ /^ *\*?\(.*\?/) next
    statement = statement " " code
    if (match(statement, /(^|[^A-Za-z0-9_])if \(/)) {
      condition = in_parentheses(substr(statement, RSTART + RLENGTH - 1))
      if (condition == "") next
      gsub(/\{[^}]*\}/, "", condition) # the fields of a value
      if (condition ~ /[^=!<>+*\/|&^%-]=[^=]/) report("the condition assigns")
    }
    if (match(statement, /(^|[^A-Za-z0-9_])return[^A-Za-z0-9_]/)) {
      rest = substr(statement, RSTART + RLENGTH - 1)
      if (rest !~ /;/ && length(rest) < 4000) next
      sub(/;.*/, "", rest)
      if (has_bare(rest, ",")) report("`return` with a comma")
    }
    if (statement ~ /^ *\*?\([^()]*\?[^()]*:[^()]*\) *[-+*\/|&^%]?=[^=]/) report("assigns through a conditional")
    statement = ""
  }
  END { exit bad }'
