#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Sourced by the scripts beside it: sh CASE.sh MODELS ARRAYS. Works in a folder of its own; `t` runs a
# model and shows the command, what it printed and its exit status.
set -u
MODELS=$1
ARRAYS=$2
NO_COLOR=1
export NO_COLOR
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work" || exit 2

say() { printf '\n# %s\n' "$*"; }
m() { "$MODELS" "$@"; }
t() {
  printf '$ %s\n' "$*"
  "$MODELS" "$@" 2>&1 </dev/null
  status=$?
  [ $status -eq 0 ] || printf '[%s]\n' $status
}
# What is in the working folder or below, hidden files too.
left() {
  [ -e "${1:-.}" ] || { echo "left: no $1" && return; }
  printf 'left: %s\n' "$(find "${1:-.}" -mindepth 1 | LC_ALL=C sort | tr '\n' ' ')"
}
npy() { "$ARRAYS" npy "$@"; }
wav() { "$ARRAYS" wav "$@"; }
raw() { "$ARRAYS" raw "$@"; }
show() { "$ARRAYS" show "$@"; }
