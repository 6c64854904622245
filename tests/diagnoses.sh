#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Checks models and compares code and line of every diagnostic with the list beside each.
#
#   diagnoses.sh GRUS DIR
#
#   NAME.grus        the model
#   NAME.out         a line `E301 8` (code, line) for each diagnostic, or the one word `legal`
#   NAME.fixed.grus  if there: the model after the suggested change; it must have no errors, and
#                    where `check --fix` changes NAME.grus, what it leaves must have none either
set -eu
grus=$1
dir=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
count=0

complain() {
  printf '%s\n' "$*"
  failed=1
}

# The diagnostics of FILE as `code line`, sorted; the exit status must go with them.
diagnose() {
  status=0
  "$grus" check --diagnostics=short "$1" 2>"$work/stderr" >/dev/null || status=$?
  sed -n 's/^.*:\([0-9]*\):[0-9]*: [a-z]*\[\([EW][0-9]*\)\]: .*/\2 \1/p' "$work/stderr" |
    LC_ALL=C sort >"$work/got"
  want=0
  if grep -q '^E' "$work/got"; then want=1; fi
  if [ "$status" -ne "$want" ]; then
    complain "$1: exit status $status, expected $want"
    cat "$work/stderr"
  fi
}

no_errors() { # FILE, what it is
  diagnose "$1"
  if grep -q '^E' "$work/got"; then
    complain "$2 has errors:"
    cat "$work/stderr"
  fi
}

for expect in "$dir"/*.out; do
  model=${expect%.out}.grus
  count=$((count + 1))
  diagnose "$model"
  grep -v '^legal$' "$expect" | LC_ALL=C sort >"$work/want" || true
  if ! diff -u --label "$expect" --label "what grus reports" "$work/want" "$work/got"; then
    failed=1
    cat "$work/stderr"
  fi
  fixed=${expect%.out}.fixed.grus
  if [ -f "$fixed" ]; then
    no_errors "$fixed" "$fixed"
    cp "$model" "$work/model.grus"
    "$grus" check --fix "$work/model.grus" >/dev/null 2>&1 || true
    cmp -s "$model" "$work/model.grus" || no_errors "$work/model.grus" "$model after --fix"
  fi
done
[ "$count" -gt 0 ] || complain "$dir: no models found"
printf '%s models checked\n' "$count"
exit $failed
