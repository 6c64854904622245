#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# inside.sh SOURCE WORK CMAKE GENERATOR: a project that adds grus to itself has grus_add_model() and a
# rule that builds the compiler first; one that is cross-compiled is told what to do.
set -eu
source=$1 work=$2 cmake=$3 generator=$4 here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$work"
mkdir -p "$work/project"
cp "$here/consumer/gauge.grus" "$work/project"
cat >"$work/project/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.20)
project(inside LANGUAGES C)
add_subdirectory("$source" grus)
grus_add_model(gauge gauge.grus BACKEND auto WEIGHTS random:1)
END
"$cmake" -S "$work/project" -B "$work/build" -G "$generator" -DCMAKE_BUILD_TYPE=Release >"$work/log" 2>&1 ||
  { cat "$work/log"; exit 1; }
"$cmake" --build "$work/build" --target help >"$work/targets"
grep -q 'gauge_model' "$work/targets" || { echo "no rule for the model"; exit 1; }
! grep -q 'numeric_fma\|run_tests_of_grus' "$work/targets"
[ ! -e "$work/build/grus/tests" ] || { echo "the tests of grus are part of a user's project"; exit 1; }
if "$cmake" -S "$work/project" -B "$work/cross" -G "$generator" -DCMAKE_SYSTEM_NAME=Generic \
  -DCMAKE_C_COMPILER_WORKS=1 >"$work/log" 2>&1; then
  echo "a cross-compiled project built grus for its machine"
  exit 1
fi
grep -q 'find_package(Grus)' "$work/log" || { cat "$work/log"; exit 1; }
rm -rf "$work"
