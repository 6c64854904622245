#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# paths.sh VECTORS TESTS RUNTIME MODEL.grus scalar|vector|all: every way from a model to numbers on this machine,
# each compared with the reference evaluator by the harness: scalar and vector schedules, C by gcc and
# clang at -O0 and -O2, C++, ISO lanes, and with the sanitizers. Warnings are errors. `scalar` and `vector` take one
# schedule with the sanitizers at -O0; kernels.sh optimises every day.
set -eu
vectors=$1 tests=$2 runtime=$3 model=$4 ways=$5
shift 5
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
. "$(dirname "$0")/../ccache.sh"
warn="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"
failed=0

# try NAME FOLDER STANDARD COMPILER FLAGS...: builds the model in FOLDER and runs it.
try() {
  name=$1 folder=$2 standard=$3 compiler=$4
  shift 4
  if ! command -v "$compiler" >/dev/null; then
    echo "$name: skipped, no $compiler"
    return
  fi
  # shellcheck disable=SC2086
  (cd "$folder" && $cache "$compiler" $standard $warn "$@" $(cat flags) -MD -c model.c -o model.o) &&
    gcc "$folder"/harness/*.o "$folder/model.o" ${link:-} -o "$folder/run" &&
    printf '%s: ' "$name" && "$folder/run" || {
    echo "$name: FAILED"
    failed=1
  }
}

# prepare FOLDER TARGET: the model's C, and what all builds of it are linked with, compiled once and in one piece.
prepare() {
  mkdir -p "$dir/$1/harness"
  "$vectors" "$model" "$2" "$dir/$1"
  printf '#include "%s"\n' program.c vectors.c harness.c >"$dir/$1/whole.c"
  (cd "$dir/$1" && $cache gcc -std=c99 -O0 -I. -I"$runtime/host" -I"$tests/embedded" -MD -c whole.c -o harness/whole.o)
}

case $(uname -m) in
x86_64) vector=$(grep -q avx2 /proc/cpuinfo && echo x86-64-v3 || echo x86-64-v2) ;;
*) vector= ;;
esac

# sanitized NAME FOLDER: -O0 and traps, which need no library, compile in a third of the time; with `all` the sanitizers
# say what is wrong.
sanitized() {
  link="-fsanitize=address" try "$1 sanitized" "$2" -std=c99 gcc -O0 -fsanitize=address,undefined -fsanitize-undefined-trap-on-error
}

if [ "$ways" = vector ] && [ -n "$vector" ]; then
  prepare vector $vector
  sanitized $vector "$dir/vector"
  exit $failed
fi
prepare scalar generic
if [ "$ways" != all ]; then
  sanitized generic "$dir/scalar"
  exit $failed
fi
for compiler in gcc clang-19; do
  try "generic $compiler -O0" "$dir/scalar" -std=c99 $compiler -O0
  try "generic $compiler -O2" "$dir/scalar" -std=c99 $compiler -O2 -ffp-contract=off
done
link="-fsanitize=address,undefined" try "generic sanitized" "$dir/scalar" -std=c99 gcc -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
if [ -n "$vector" ]; then
  prepare vector $vector
  for compiler in gcc clang-19; do
    try "$vector $compiler -O2" "$dir/vector" -std=c99 $compiler -O2 -ffp-contract=off
  done
  try "$vector gcc -O0" "$dir/vector" -std=c99 gcc -O0
  link="-fsanitize=address,undefined" try "$vector sanitized" "$dir/vector" -std=c99 gcc -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
  prepare iso $vector:iso
  try "$vector iso gcc -O2" "$dir/iso" -std=c99 gcc -O2 -ffp-contract=off
fi
# As C++: the same source, another compiler; its functions are called from C.
sed 's/#include "model.h"/extern "C" {\n#include "model.h"\n}/' "$dir/scalar/model.c" >"$dir/scalar/model.cc"
mkdir -p "$dir/cxx"
cp -r "$dir/scalar"/* "$dir/cxx"
mv "$dir/cxx/model.cc" "$dir/cxx/model.c"
try "generic g++ -O2" "$dir/cxx" "-std=c++11 -x c++" g++ -O2 -ffp-contract=off
exit $failed
