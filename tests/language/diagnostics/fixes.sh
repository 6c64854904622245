#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Applies every `fix:` of the expected outputs: the model must change and have no errors left.
#
#   fixes.sh GRUS DIR
set -eu
grus=$1
dir=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
count=0
for expected in "$dir"/*.txt; do
  grep -q '^fix: ' "$expected" || continue
  name=$(basename "$expected" .txt)
  count=$((count + 1))
  cp "$dir/$name.grus" "$work/model.grus"
  "$grus" check -q --fix "$work/model.grus" >/dev/null 2>&1 || true
  if cmp -s "$dir/$name.grus" "$work/model.grus"; then
    echo "$name: --fix changed nothing"
    failed=1
  fi
  "$grus" check -q --diagnostics=short "$work/model.grus" >/dev/null 2>"$work/errors" || true
  if grep -q ' error\[E' "$work/errors"; then
    echo "$name: after --fix:"
    cat "$work/errors"
    failed=1
  fi
done
[ "$count" -gt 0 ] || { echo "$dir: no fixes found"; exit 1; }
echo "$count models fixed"
exit $failed
