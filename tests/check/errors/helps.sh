#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Makes each change that a `help:` suggests (those with a blank to fill left out) on a copy, and checks
# that the diagnostic is gone, and that what is left can be read: no syntax error, no unknown name.
set -eu
grus=$1
reader=$2
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
count=0

how_often() { # FILE, TEXT
  grep -cF -- "$2" "$1" || true
}

for model in *.grus; do
  name=${model%.grus}
  args=
  [ ! -f "$name.args" ] || args=$(cat "$name.args")
  # shellcheck disable=SC2086 # several arguments
  "$grus" check --diagnostics=json $args "$model" 2>"$work/json" || true
  grep -q '"applicability":"maybe"' "$work/json" || continue
  # shellcheck disable=SC2086
  "$grus" check --diagnostics=short $args "$model" 2>"$work/before" || true
  mkdir "$work/$name"
  "$reader" helps "$work/$name" <"$work/json" >"$work/list" || failed=1
  while read -r n code message; do
    count=$((count + 1))
    # shellcheck disable=SC2086
    (cd "$work/$name/$n" && "$grus" check --diagnostics=short $args "$model") 2>"$work/after" || true
    worse=
    for bad in $(sed -n 's/.*\[\(E1[0-9]*\|E20[0-9]\)\]: .*/\1/p' "$work/after" | sort -u); do
      [ "$(how_often "$work/after" "[$bad]: ")" -le "$(how_often "$work/before" "[$bad]: ")" ] || worse=$bad
    done
    text="[$code]: $message"
    if [ "$(how_often "$work/after" "$text")" -ge "$(how_often "$work/before" "$text")" ] || [ -n "$worse" ]; then
      printf '%s: a suggestion for %s, made, gives:\n' "$name" "$code"
      diff "$model" "$work/$name/$n/$model" | sed 's/^/    /' || true
      sed 's/^/  /' "$work/after"
      failed=1
    fi
  done <"$work/list"
done
printf '%s suggestions made\n' "$count"
[ "$count" -gt 0 ] || failed=1
exit $failed
