#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# sh imports.sh GRUS FOLDER: what import says of each archive in the folder and in FOLDER/refused. One that
# leaves the length of its sequences open is imported again with a length, as the message says.
set -u
work=$(mktemp -d) && cd "$2" || exit 1
trap 'rm -rf "$work"' EXIT

try() {
  printf '%s\n' "$*"
  if "$grus" import "$@" -o "$work/m.grus" >"$work/out" 2>"$work/err"; then
    sed -n 's/^note: \(checked against the graph of the file\): .*/  \1/p; s/^note: \(the sizes\|input .*traced\)/  \1/p' "$work/out"
    sed -n '/^model/,$p' "$work/m.grus" | sed -n 's/^  \(in \|out \|let \||>\)/    \1/p; s/^    |>/      |>/p' | sed 's/ *#.*//'
  else
    sed -n 's/^\(error\|help\)/  \1/p; s/^  = note/  note/p; s/^          /    /p' "$work/err"
  fi
}

case $1 in
/*) grus=$1 ;;
*) grus=$OLDPWD/$1 ;;
esac
for file in *.pt refused/*.pt; do
  try "$file"
  if grep -q -e '--time N' "$work/err"; then try "$file" --time 9; fi
done
try refused/rate.pt --set rate=16000
try refused/rate.pt --set rate=8000
try refused/pixels.pt --set x.0=1 --set x.1=1 --set x.2=4 --set x.3=4
try refused/either.pt --set x.0=1 --set x.1=4
try refused/loop.pt --set x.1=9
try traced_filters.pt --stream
