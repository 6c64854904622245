#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Colour when it is asked for and not otherwise: a pipe, NO_COLOR, --color. A coloured rendering is
# the plain one with escape sequences.
set -eu
grus=$1
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
unset NO_COLOR
escape=$(printf '\033')

check() { # FILE, arguments
  file=$1
  shift
  "$grus" check "$@" e301_stacked.grus 2>"$work/$file" && failed=1 || true
}

plain() { # FILE, what it is
  if grep -q "$escape" "$work/$1"; then
    printf 'colour %s\n' "$2"
    failed=1
  fi
}

check pipe
plain pipe "into a pipe"
check never --color=never
plain never "with --color=never"
check always --color=always
grep -q "$escape" "$work/always" || { echo "no colour with --color=always"; failed=1; }
sed "s/$escape\[[0-9;]*m//g" "$work/always" >"$work/stripped"
cmp "$work/stripped" "$work/pipe" || failed=1

# On a terminal, where `script` of util-linux can make one.
if command -v script >/dev/null 2>&1; then
  script -qec "TERM=xterm '$grus' check e301_stacked.grus" /dev/null >"$work/terminal" </dev/null || true
  grep -q "$escape\[1;31m" "$work/terminal" || { echo "no colour on a terminal"; failed=1; }
  script -qec "TERM=xterm NO_COLOR=1 '$grus' check e301_stacked.grus" /dev/null >"$work/no_color" </dev/null || true
  plain no_color "with NO_COLOR set"
  script -qec "TERM=dumb '$grus' check e301_stacked.grus" /dev/null >"$work/dumb" </dev/null || true
  plain dumb "on a dumb terminal"
else
  echo "skipped: no program \`script\` to make a terminal with"
fi
exit $failed
