#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# `grus check --fix` on a copy of each model here: every diagnostic that showed a `fix:` is gone, and
# no further fix is left to apply. A `help:` is never applied unasked.
#
#   fixes.sh GRUS [DIR]
set -eu
grus=$1
cd "${2:-$(dirname "$0")}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
count=0

complain() {
  printf '%s\n' "$*"
  cat "$work/after"
  failed=1
}

# The code of each diagnostic of a rendering, with "fix" if it shows one.
outline() {
  awk '/^(error|warning)\[/ { if (code) print code, fix; code = $0; sub(/^[a-z]*\[/, "", code); sub(/\].*/, "", code); fix = "" }
       /^fix: / { fix = "fix" }
       END { if (code) print code, fix }' "$1"
}

[ ! -d used ] || cp -r used "$work/used"
for rendering in *.out; do
  name=${rendering%.out}
  [ -f "$name.grus" ] || continue
  outline "$rendering" >"$work/outline"
  cp "$name.grus" "$work/$name.grus"
  args=
  [ ! -f "$name.args" ] || args=$(cat "$name.args")
  # shellcheck disable=SC2086 # several arguments
  (cd "$work" && "$grus" check --fix $args "$name.grus") >/dev/null 2>"$work/after" || true
  if ! grep -q ' fix$' "$work/outline"; then
    cmp -s "$name.grus" "$work/$name.grus" || complain "$name: --fix changed it, but no fix is shown"
    continue
  fi
  count=$((count + 1))
  if grep -q '^fix: ' "$work/after"; then complain "$name: a fix is left:"; fi
  for code in $(sed -n 's/ fix$//p' "$work/outline" | sort -u); do
    before=$(grep -c "^$code " "$work/outline")
    fixed=$(grep -c "^$code fix$" "$work/outline")
    after=$(grep -c "^[a-z]*\[$code\]: " "$work/after" || true)
    [ "$after" -le $((before - fixed)) ] || complain "$name: $code is there after its fix:"
  done
done
printf '%s models fixed\n' "$count"
[ "$count" -gt 0 ] || failed=1
exit $failed
