#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# stepping.sh few|all TOOL RUNTIME MODEL.grus...: stepping a stream equals running it whole, bit for bit, with
# the scalar and with a vector schedule; `few` takes them in turn, at -O0.
set -eu
ways=$1 tool=$2 runtime=$3
shift 3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
targets=generic
if [ "$(uname -m)" = x86_64 ] && grep -q avx2 /proc/cpuinfo; then targets="generic x86-64-v3"; fi
level=-O2
[ "$ways" = all ] || level=-O0
. "$(dirname "$0")/../ccache.sh"
compared=0 turn=0
for model in "$@"; do
  turn=$((1 - turn))
  for target in $targets; do
    # One of the two: they change places with every model.
    case $ways$turn$target in few0x86-64-v3 | few1generic) [ "$targets" = generic ] || continue ;; esac
    rm -rf "$dir/m" && mkdir "$dir/m"
    code=0
    "$tool" "$model" "$target" "$dir/m" || code=$?
    [ $code = 77 ] && continue 2
    [ $code = 0 ] || exit 1
    flags=
    [ $target = generic ] || flags=-march=$target
    # shellcheck disable=SC2086
    # Two pieces, for the tables of both programs have the same names.
    (cd "$dir/m" && printf '#include "%s"\n' step_model.c step_program.c stepping.c >one.c && printf '#include "%s"\n' whole_model.c whole_program.c >other.c &&
      for source in one other; do
        $cache gcc -std=c99 $level -ffp-contract=off $flags -I. -I"$runtime/host" -MD -c $source.c -o $source.o || exit 1
      done)
    gcc "$dir/m"/*.o -o "$dir/m/run"
    printf '%s %s: ' "$(basename "$model" .grus)" "$target"
    "$dir/m/run" || exit 1
    compared=$((compared + 1))
  done
done
[ $compared -gt 0 ]
