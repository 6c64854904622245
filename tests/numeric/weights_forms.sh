#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# weights_forms.sh GRUS few|all: constants as strings are the same bytes as constants as numbers, in C and in
# C++, for floats, halves and integers, without a warning; small ones stay numbers. `few` compiles floats alone as C++.
set -eu
grus=$1 ways=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.c <<'C'
#include "net.h"
#include <stdio.h>
#include <string.h>
int main(void) {
  static net_state s;
  float x[96], y[96];
  unsigned char bytes[sizeof y];
  net_reset(&s);
  for (int step = 0; step < 3; step++) {
    for (int i = 0; i < 96; i++)
      x[i] = (float)((i * 37 + step * 11) % 101) / 101.0f - 0.5f;
    net_step(&s, x, y);
    memcpy(bytes, y, sizeof y);
    for (unsigned i = 0; i < sizeof y; i++)
      printf("%02x", bytes[i]);
    puts("");
  }
  return 0;
}
C
warnings='-Wall -Wextra -Wpedantic -Wconversion -Werror'
for precision in f32 bf16 w8; do
  cat >net.grus <<GRUS
grus 1
model net {
  precision $precision
  in  x : f32[time .., 96]
  out y : f32[time .., 96] = x |> LSTM(192) |> Dense(96)
  allow state_never_reset
}
GRUS
  for form in numbers strings; do
    "$grus" build net.grus --weights=random:3 -q --c-weights=$form -o net.h
    # shellcheck disable=SC2086  # a list of options
    cc -std=c99 $warnings -O0 -ffp-contract=off main.c -o net
    ./net >$form.$precision
    if [ $ways = all ] || [ $precision = f32 ]; then
      # shellcheck disable=SC2086
      c++ -std=c++11 $warnings -O0 -ffp-contract=off -x c++ main.c -o net
      ./net | cmp - $form.$precision
    fi
    strings=$(grep -c 'static const union' net.h || true)
    case $form$strings in numbers0 | strings[1-9]) ;; *) echo "$form: $strings unions" && exit 1 ;; esac
  done
  cmp numbers.$precision strings.$precision
  grep -q 'static const float net_dense_b\|static const float net_.*b\[96\]' net.h
done
echo "same bytes"
