#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The pages of docs/worlds from top to bottom: their commands are run in a folder with the models of README.md
# (weights are invented), then their C and C++ is compiled with the headers that this made, and their JavaScript
# and Python is parsed.
#
#   worlds.sh GRUS ROOT PAGE...
set -eu
grus=$1 root=$2
shift 2
status=0
for page in "$@"; do
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  awk -v dir="$work" '
    /^```grus file[(]/ { file = $0; sub(/^[^(]*[(]/, dir "/", file); sub(/[)].*/, "", file); next }
    /^```/ { file = "" }
    file { print > file }' "$root/docs/worlds/README.md"
  awk -v dir="$work" '
    /^```/ { if (kind) { kind = ""; next }
             kind = substr($0, 4); file = dir "/block" ++n "." kind; printf "" > file; next }
    kind   { print > file }' "$page"
  cd "$work"
  commands=0
  for block in block*.sh; do
    [ -f "$block" ] || continue
    while IFS= read -r line; do
      case $line in
      'grus build '*) line="$(echo "$line" | sed 's/^grus build \([a-z]*\.grus\)/build \1 --weights=random:1/')" ;;
      mkdir*) ;;
      *) echo "$page: no test for: $line" && status=1 && continue ;;
      esac
      case $line in mkdir*) ;; *) line="\"$grus\" $line -q" ;; esac
      commands=$((commands + 1))
      eval "$line" >said 2>&1 || { echo "$page: $line" && cat said && status=1; }
    done <"$block"
  done
  for archive in *.zip; do
    [ ! -f "$archive" ] || python3 -m zipfile -e "$archive" .
  done
  includes="-I. -I$root/runtime/host $(find . -path '*/src/*.h' | sed 's|/[^/]*$||; s|^|-I|' | sort -u | tr '\n' ' ')"
  for block in block*; do
    case $block in
    # shellcheck disable=SC2086
    *.c) gcc -std=c99 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror $includes -fsyntax-only "$block" ;;
    # shellcheck disable=SC2086
    *.cpp) g++ -std=c++11 -Wall -Wextra -Werror $includes -include "$root/tests/package/arduino/Arduino.h" -fsyntax-only "$block" ;;
    *.js) cp "$block" "$block.mjs" && { ! command -v node >/dev/null || node --check "$block.mjs"; } ;;
    *.python) python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$block" ;;
    *) true ;;
    esac || { echo "$page: $block does not compile" && status=1; }
  done
  [ "$commands" -gt 0 ] || { echo "$page: has no commands" && status=1; }
  cd "$root" && rm -rf "$work"
done
exit $status
