#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Generated C under cppcheck and its MISRA addon, compared with docs/misra.md: every rule that is
# reported is listed there, and (with `all`, which builds every kind of file) every rule listed is
# reported. Skipped where there is no cppcheck.
#
#   misra.sh GRUS DOCS/misra.md quick|all
set -eu
here=$(cd "$(dirname "$0")" && pwd)
command -v cppcheck >/dev/null || { echo "skipped: cppcheck is not installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
grus=$1 page=$2 set=$3

# check NAME MODEL OPTION...: what cppcheck says of one file, a line `FILE:LINE: ID` each.
check() {
  name=$1 model=$2
  shift 2
  mkdir "$work/$name"
  "$grus" build "$here/$model.grus" --weights=random:1 -q -o "$work/$name/$model.c" "$@"
  cppcheck --addon=misra --enable=style,performance,portability --std=c99 -q --template='{file}:{line}: {id}' \
    --suppress=missingIncludeSystem --suppress=unusedFunction "$work/$name/$model.c" 2>>"$work/said"
}

check m4 stream --target cortex-m4
if [ "$set" = all ]; then
  for target in generic cortex-m4 cortex-m55 x86-64-v3; do
    for model in whole stream bounded; do
      check "$target-$model" $model --target $target
    done
  done
  check selftest whole --target cortex-m4 --selftest
  check queue stream --target cortex-m4 --queue 8 --flush
  check extern stream --target cortex-m4 --weights=extern
  check f16 whole --target cortex-m4 --precision f16
  check w8 whole --target cortex-m4 --precision w8
  check multi whole --dispatch
fi
sed -n 's/.*: \([A-Za-z][A-Za-z0-9.-]*\)$/\1/p' "$work/said" | sed 's/^misra-c2012-//' | sort -u >"$work/found"
sed -n 's/^| \([0-9][0-9]*\.[0-9][0-9]*\|[a-z][A-Za-z]*\) |.*/\1/p' "$page" | grep -v -x -e rule -e id | sort -u >"$work/listed"
[ -s "$work/found" ] || { echo "cppcheck reported nothing: is its MISRA addon installed?"; exit 1; }
status=0
for id in $(comm -23 "$work/found" "$work/listed"); do
  echo "docs/misra.md does not list $id: $(grep -m 1 -e "[ -]$id\$" "$work/said")"
  status=1
done
[ "$set" = quick ] || for id in $(comm -13 "$work/found" "$work/listed"); do
  echo "docs/misra.md lists $id, which cppcheck does not report any more"
  status=1
done
exit $status
