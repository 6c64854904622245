#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Every model given computes in a precision of integers, compiled by a backend, the bits of the integer
# evaluator. What has no such form is refused with E703 and nothing else.
#   integers.sh GRUS BACKEND LEVEL PRECISION MODEL..., LEVEL as -O has it
set -eu
grus=$1 backend=$2 level=$3 precision=$4
shift 4
checked=0 exact=0
# Integers behind layers that compute in f32: what lies between two steps of 8 bits may fall to either.
rtol=1e-4
[ "$precision" != i8 ] || rtol=1e-2
for model in "$@"; do
  status=0
  out=$("$grus" verify "$model" --weights random:1 --precision "$precision" --backend "$backend" -O "$level" --rtol $rtol 2>&1) || status=$?
  if [ $status = 1 ] && printf '%s\n' "$out" | grep -q '^error\[E703\]'; then
    echo "$(basename "$model"): refused"
    continue
  fi
  [ $status = 0 ] || {
    echo "$model $precision $backend: exit $status"
    printf '%s\n' "$out"
    exit 1
  }
  checked=$((checked + 1))
  exact=$((exact + $(printf '%s\n' "$out" | grep -c 'compiled = integers' || true)))
done
echo "$checked models, $exact outputs equal in every bit"
[ $checked -gt 0 ]
[ "$precision" = w8 ] || [ $exact -gt 0 ]
