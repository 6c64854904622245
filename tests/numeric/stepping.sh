#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# stepping.sh TOOL RUNTIME MODEL.grus...: stepping a stream equals running it whole, bit for bit, with
# the scalar and with a vector schedule.
set -eu
tool=$1 runtime=$2
shift 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
targets=generic
if [ "$(uname -m)" = x86_64 ] && grep -q avx2 /proc/cpuinfo; then targets="generic x86-64-v3"; fi
compared=0
for model in "$@"; do
  for target in $targets; do
    rm -rf "$dir/m" && mkdir "$dir/m"
    code=0
    "$tool" "$model" "$target" "$dir/m" || code=$?
    [ $code = 77 ] && continue 2
    [ $code = 0 ] || exit 1
    flags=
    [ $target = generic ] || flags=-march=$target
    # shellcheck disable=SC2086
    gcc -std=c99 -O2 -ffp-contract=off $flags -I"$dir/m" -I"$runtime/host" "$dir/m"/*.c -o "$dir/m/run"
    printf '%s %s: ' "$(basename "$model" .grus)" "$target"
    "$dir/m/run" || exit 1
    compared=$((compared + 1))
  done
done
[ $compared -gt 0 ]
