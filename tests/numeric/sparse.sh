#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# sparse.sh GRUS WORK few|all: models whose weights have blocks of zeros. Leaving them out gives the bits of
# multiplying by them, on every target of this machine, by LLVM and by the C compiler, one by one and in batches;
# both agree with the evaluator; NaN in the input is NaN in the output. Code for weights that come at run time
# leaves out nothing. `few` takes two targets, LLVM at -O0 and one precision.
set -eu
grus=$1 work=$2 ways=$3
here=$(cd "$(dirname "$0")" && pwd)/sparse
rm -rf "$work"
mkdir -p "$work"
failed=0

fail() {
  echo "$*"
  failed=1
}

targets=generic
[ "$(uname -m)" = aarch64 ] && targets="generic aarch64"
if [ "$(uname -m)" = x86_64 ]; then
  targets="generic x86-64-v2"
  grep -q avx2 /proc/cpuinfo && targets="$targets x86-64-v3"
  grep -q avx512vl /proc/cpuinfo && targets="$targets x86-64-v4"
fi

level=2
if [ "$ways" = few ]; then
  targets="generic ${targets##* }"
  level=0
fi

# run NAME FOLDER FLAGS...: the outputs of a model.
run() {
  model=$1 out=$2
  shift 2
  "$grus" run "$here/${model}_whole.grus" -O$level "x=$here/x.npy" "z=$here/z.npy" -q "$@" -o "$work/$out" || fail "$model $*: no run"
}

for target in $targets; do
  for model in rows columns; do
    run "$model" left_out --target "$target"
    run "$model" kept --target "$target" --keep-zeros
    run "$model" batch --target "$target" --batch 9
    if [ "$ways" = all ]; then
      run "$model" by_c --target "$target" --backend c
    else
      cp -r "$work/left_out" "$work/by_c"
    fi
    for out in kept batch by_c; do
      for value in y d e; do
        cmp "$work/left_out/$value.npy" "$work/$out/$value.npy" || fail "$model $target: $out differs in $value"
      done
      rm -r "${work:?}/$out"
    done
  done
done

for model in rows_whole rows_stream columns_whole columns_stream; do
  "$grus" verify "$here/$model.grus" -O$level -q >"$work/verify.txt" || {
    cat "$work/verify.txt"
    fail "$model: not as the evaluator"
  }
done

# Integers: sums are exact in any order, so targets agree, too. A weight of zero stays zero where others are rounded.
precisions=i16
[ "$ways" = all ] && precisions="i16 i16x16 i8 w8"
for precision in $precisions; do
  for model in rows columns; do
    ranges=
    if [ "$precision" != w8 ]; then
      ranges="--ranges $work/$model.ranges"
      "$grus" calibrate "$here/${model}_whole.grus" "x=$here/x.npy" "z=$here/z.npy" --precision "$precision" -q \
        -o "$work/$model.ranges" >/dev/null 2>"$work/calibrate.txt" || fail "$model $precision: $(cat "$work/calibrate.txt")"
    fi
    # shellcheck disable=SC2086
    "$grus" inspect "$here/${model}_whole.grus" --precision "$precision" $ranges 2>/dev/null | grep -q 'zeros left out' ||
      fail "$model $precision: no block is left out"
    # shellcheck disable=SC2086
    "$grus" verify "$here/${model}_whole.grus" -O$level --precision "$precision" $ranges -q >"$work/verify.txt" || {
      cat "$work/verify.txt"
      fail "$model $precision: not as the evaluator"
    }
    for target in ${targets#generic }; do
      # shellcheck disable=SC2086
      {
        run "$model" left_out --target "$target" --precision "$precision" $ranges
        run "$model" kept --target "$target" --precision "$precision" $ranges --keep-zeros
      }
      for value in y d e; do
        cmp "$work/left_out/$value.npy" "$work/kept/$value.npy" || fail "$model $precision $target: differs in $value"
      done
    done
  done
done

# What is left out, and what is not.
"$grus" build "$here/rows_stream.grus" -q -o "$work/rows.c" >/dev/null
grep -q '_W_index\[' "$work/rows.c" || fail "rows: no block is left out"
"$grus" build "$here/rows_stream.grus" -q --weights=extern -o "$work/extern.c" >/dev/null
! grep -q '_W_index' "$work/extern.c" || fail "extern weights: blocks are left out"
"$grus" build "$here/rows_stream.grus" -q --keep-zeros -o "$work/kept.c" >/dev/null
! grep -q '_W_index' "$work/kept.c" || fail "--keep-zeros: blocks are left out"
# Weights without zeros: the code is that of a model without any.
"$grus" build "$here/rows_stream.grus" -q --weights=random:1 -o "$work/random.c" >/dev/null
! grep -q 'guard' "$work/random.c" || fail "random weights: blocks are left out"

# One NaN, one infinity: what depends on them is NaN, though most weights of it are zeros.
for special in NAN INFINITY; do
  cat >"$work/special.c" <<END
#include "rows.h"
#include <math.h>
#include <stdio.h>
int main(void) {
  rows_state s;
  float x[20] = {0}, z[288] = {0}, y[16], d[24];
  rows_reset(&s);
  x[7] = z[100] = $special;
  rows_step(&s, x, z, y, d);
  for (int i = 0; i < 24; i++)
    if (!isnan(d[i]) || (i < 16 && !isnan(y[i]))) return printf("%d is %g, %g\n", i, (double)d[i], (double)y[i % 16]), 1;
  return 0;
}
END
  (cd "$work" && cc -std=c99 -O1 -ffp-contract=off special.c rows.c -lm -o special && ./special) || fail "$special is lost"
done
exit $failed
