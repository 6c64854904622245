#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Sourced by the scripts beside it: sh CASE.sh GRUS MAKE_WEIGHTS ARRAYS. Works in a folder of its own
# with a TMPDIR of its own; `t` runs grus and shows the command, what it printed and its exit status.
set -u
GRUS=$1
MAKE_WEIGHTS=$2
ARRAYS=$3
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
NO_COLOR=1
LC_ALL=C
export NO_COLOR LC_ALL
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
TMPDIR=$work/tmp
export TMPDIR
mkdir "$TMPDIR" "$work/dir"
cd "$work/dir" || exit 2

say() { printf '\n# %s\n' "$*"; }
# Figures that depend on the machine's arithmetic: five places of numbers, errors and ratios not at all.
rounded() {
  sed -e 's/max error [^ ]* of \([^ ]*\), SNR [^ ]* dB/max error E of \1, SNR N dB/' \
    -e 's/max error 0 of \([^ ]*\), the same numbers/max error E of \1, SNR N dB/' \
    -e 's/\([0-9]\.[0-9]\{4\}\)[0-9]*/\1/g'
}
# Shows the command, what it printed (paths of this run taken out), and its exit status.
t() {
  printf '$ grus %s\n' "$*"
  "$GRUS" "$@" >"$work/said" 2>&1 </dev/null
  status=$?
  sed -e '/^grus: compiled by `cc`: this grus has no LLVM backend$/d' \
    -e "s|$TMPDIR/grus-[A-Za-z0-9]*|TMP|g" -e "s|$work|WORK|g" -e 's|\(largest difference\) [0-9.e+-]*|\1 SMALL|' "$work/said"
  [ $status -eq 0 ] || printf '[%s]\n' $status
}
# The same without what it printed.
q() {
  "$GRUS" "$@" >"$work/said" 2>&1 </dev/null
  status=$?
  [ $status -eq 0 ] || { printf '$ grus %s\n' "$*" && cat "$work/said" && printf '[%s]\n' $status; }
}
# What is in the working folder and in the folder for temporary files.
left() {
  printf 'left: %s\n' "$(find . -mindepth 1 | sort | tr '\n' ' ')"
  find "$TMPDIR" -mindepth 1 | sed "s|$work/||; s/^/left behind: /"
}
weights() { # OUT [TYPE...], the description on standard input
  cat >"$work/description"
  "$MAKE_WEIGHTS" "$work/description" "$@"
}
