#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# kernels.sh TOOL MODEL.grus DIR few|all: the model's C, printed and compiled in every way, gives what the
# evaluator gives; the same arithmetic gives the same bits whatever the compiler and its level, in
# batches as in singles; and the code needs nothing from a library. `few` takes the scalar form, the
# widest vectors of this machine and a batch, by one compiler, with -O1 at most.
set -eu
tool=$1 model=$2 dir=$3 ways=$4
. "$(dirname "$0")/../ccache.sh"
strict='-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -Wno-psabi -ffp-contract=off'
rm -rf "$dir"
mkdir -p "$dir"

# make NAME OPTIONS: writes the model to $dir/NAME
make() {
  mkdir -p "$dir/$1"
  name=$1
  shift
  "$tool" "$model" "$dir/$name" "$@"
}

# build NAME LABEL COMPILER FLAGS: compiles NAME, runs its check, keeps the bits in NAME/LABEL.bits
build() {
  at=$dir/$1 label=$2
  shift 2
  machine=
  case "$*" in *-march=x86-64-v3*) machine=-march=x86-64-v3 ;; esac
  # shellcheck disable=SC2086  # lists of options
  if ! (cd "$at" && $cache "$@" $strict -MD -c model.c -o "$label.o") 2>"$at/$label.log"; then
    echo "$at, $label: does not compile"
    head -5 "$at/$label.log"
    exit 1
  fi
  # shellcheck disable=SC2086
  (cd "$at" && $cache gcc -std=c99 -O0 -w -ffp-contract=off $machine -MD -c check.c -o check.o)
  gcc "$at/check.o" "$at/$label.o" -o "$at/$label"
  "$at/$label" >"$at/$label.out" || { echo "$at, $label: $(cat "$at/$label.out")"; exit 1; }
  "$at/$label" bits | sort >"$at/$label.bits"
}

same() {
  cmp -s "$dir/$1.bits" "$dir/$2.bits" || { echo "$dir: $1 and $2 differ in bits"; exit 1; }
}

have() { command -v "$1" >/dev/null 2>&1; }

# batch_is_singles SINGLES LEVEL: a batch of two gives the bits of SINGLES, which are of four calls.
batch_is_singles() {
  make batch --batch=2 --calls=4
  build batch gcc gcc -std=c99 $2
  comm -23 "$dir/$1.bits" "$dir/batch/gcc.bits" >"$dir/differ"
  if [ -s "$dir/differ" ]; then
    echo "$dir: batch and singles differ in bits"
    exit 1
  fi
}

level=-O1
[ "$ways" = few ] || level=-O2
make plain --calls=4
build plain gcc gcc -std=c99 $level
if nm "$dir/plain/gcc.o" | grep ' U ' | grep -v -e memcpy -e memset -e memmove -e __stack_chk_fail; then # the last: Ubuntu's gcc guards stacks unasked
  echo "$dir: needs a library"
  exit 1
fi
if [ "$ways" = few ]; then
  if grep -q ' fma .* avx2' /proc/cpuinfo; then
    make lanes8 --target=x86-64-v3
    build lanes8 gcc gcc -std=c99 -O1 -march=x86-64-v3
  else
    make lanes4 --target=x86-64-v2
    build lanes4 gcc gcc -std=c99 -O1
  fi
  batch_is_singles plain/gcc -O0
  rm -rf "$dir"
  exit 0
fi
build plain gcc0 gcc -std=c99 -O0
build plain cpp g++ -x c++ -std=c++11 -O1
same plain/gcc0 plain/gcc
same plain/gcc0 plain/cpp
if have clang-19; then
  build plain clang2 clang-19 -std=c99 -O2
  same plain/gcc0 plain/clang2
fi

make caller --scratch=caller --flat
build caller gcc gcc -std=c99 -O1
same plain/gcc0 caller/gcc
make header --scratch=static --header
build header gcc gcc -std=c99 -O1
same plain/gcc0 header/gcc
build header cpp g++ -x c++ -std=c++11 -O1

make mcu --target=cortex-m4
build mcu gcc gcc -std=c99 -O1
make lanes4 --target=x86-64-v2
build lanes4 gcc gcc -std=c99 -O1
make iso4 --target=x86-64-v2 --vectors=iso
build iso4 gcc gcc -std=c99 -O2
same lanes4/gcc iso4/gcc
if grep -q ' fma .* avx2' /proc/cpuinfo; then
  make lanes8 --target=x86-64-v3
  build lanes8 gcc gcc -std=c99 -O2 -march=x86-64-v3
  make iso8 --target=x86-64-v3 --vectors=iso
  build iso8 cpp g++ -x c++ -std=c++11 -O1 -march=x86-64-v3
  same lanes8/gcc iso8/cpp
fi

batch_is_singles plain/gcc0 -O1

if grep -q 'time \.\.' "$model"; then
  make long --calls=90
  build long gcc gcc -std=c99 -O1
  make chunk --chunk=3 --calls=4
  build chunk gcc gcc -std=c99 -O1
fi
if ! grep -q '^# not extern' "$model"; then
  make extern --extern
  build extern gcc gcc -std=c99 -O1
fi
rm -rf "$dir"
