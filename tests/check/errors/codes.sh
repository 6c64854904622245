#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Every code of diag.def has a page, and a model here that triggers it with the rendering it must
# give, or a line in elsewhere.list; and that list has no other lines.
set -eu
grus=$1
cd "$(dirname "$0")"
root=../../..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

complain() {
  printf '%s\n' "$*"
  failed=1
}

shown_in() { # CODE, file or folder...: expected outputs that show it
  code=$1
  shift
  grep -rlF --include='*.out' "[$code]" "$@" 2>/dev/null || true
}

codes=$(sed -n 's/^ *\(DIAG\|LINT\)(\([EW][0-9]*\).*/\2/p' $root/compiler/base/diag.def)
[ -n "$codes" ] || complain "no codes in diag.def"
unseen=
for code in $codes; do
  [ -f "$root/docs/errors/$code.md" ] || complain "$code: no page docs/errors/$code.md"
  stem=$(printf %s "$code" | tr EW ew)
  here=$(shown_in "$code" "$stem".out "$stem"_*.out)
  listed=$(grep "^$code " elsewhere.list || true)
  if [ -n "$here" ]; then
    [ -z "$listed" ] || complain "$code: a model here triggers it; take it off elsewhere.list"
  elif [ -z "$listed" ]; then
    complain "$code: no model ${stem}_*.grus whose rendering has it, and not in elsewhere.list"
  elif [ "$code" != E115 ] && [ -z "$(shown_in "$code" $root/tests)" ]; then
    unseen="$unseen $code"
    case $listed in *' -') ;; *) complain "$code: no expected output under tests/ shows it" ;; esac
  fi
done

while read -r code _; do
  case $code in '#' | '') continue ;; esac
  printf '%s\n' "$codes" | grep -qx "$code" || complain "elsewhere.list: diag.def has no $code"
done <elsewhere.list

for model in *.grus; do
  [ -f "${model%.grus}.out" ] || complain "$model: no rendering ${model%.grus}.out"
done
for rendering in *.out; do
  [ -f "${rendering%.out}.grus" ] || complain "$rendering: no model"
done

# E115: 64 MiB and one byte, all of it a hole in the file.
dd if=/dev/zero of="$work/large.grus" bs=1 count=1 seek=67108864 2>/dev/null
status=0
"$grus" check --diagnostics=short "$work/large.grus" 2>"$work/stderr" || status=$?
grep -q 'error\[E115\]: ' "$work/stderr" || complain "64 MiB and one byte: $(cat "$work/stderr")"
[ $status -eq 1 ] || complain "64 MiB and one byte: exit status $status"

[ -z "$unseen" ] || printf 'shown by no test:%s\n' "$unseen"
exit $failed
