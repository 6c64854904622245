#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Builds a user's project (consumer/) against an install tree of this build, and checks that it
#   - gives the model's answer,
#   - does nothing when built again,
#   - builds the model again when only its weights change, and when it moved with the compiler,
#   - turns a shape error into an error of the build, at the line of the model, and recovers.
#
#   consumer.sh BUILD-DIR WORK-DIR CMAKE GENERATOR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$1
work=$2
cmake=$3
generator=$4
rm -rf "$work"
mkdir -p "$work"
cp -r "$here/consumer" "$work/source"

fail() {
  printf 'consumer: %s\n' "$*"
  exit 1
}

# weights A B C: y = A*x0 + B*x1 + C, as a safetensors file; each a float32 in little-endian bytes,
# written in octal.
weights() {
  header='{"level.kernel":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"level.bias":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}'
  {
    printf '\'"$(printf %03o ${#header})"'\0\0\0\0\0\0\0%s' "$header"
    printf '%b' "$1$2$3"
  } >"$work/source/gauge.safetensors"
}
one='\0000\0000\0200\0077'
two='\0000\0000\0000\0100'
three='\0000\0000\0100\0100'

# make_it: builds the project; its output is in $work/log.
make_it() { "$cmake" --build "$work/build" >"$work/log" 2>&1; }

# answers NUMBER: the program prints it.
answers() {
  y=$("$work/build/consumer")
  [ "$y" = "$1" ] || fail "the program printed $y, not $1"
}

# idle: nothing is left to do; no command runs, the model's least of all.
idle() {
  make_it || fail "the second build failed: $(cat "$work/log")"
  ! grep -E 'Compiling the model|Building|Linking' "$work/log" || fail "work was done twice"
}

"$cmake" --install "$build" --prefix "$work/prefix" >/dev/null

weights "$two" "$three" "$one"
"$cmake" -S "$work/source" -B "$work/build" -G "$generator" -DCMAKE_PREFIX_PATH="$work/prefix" \
  -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS='-Wall -Wextra -Wpedantic -Werror' >"$work/log" 2>&1 ||
  fail "the project does not configure: $(cat "$work/log")"
make_it || fail "the project does not build: $(cat "$work/log")"
answers 321
idle

# Timestamps of one second are enough to tell old from new with Make.
sleep 1
weights "$one" "$two" "$three"
make_it || fail "the build with other weights failed: $(cat "$work/log")"
grep -q 'Compiling the model' "$work/log" || fail "other weights did not build the model again"
answers 213
idle

sleep 1
touch "$work/prefix/bin/grus"
make_it || fail "the build with a newer compiler failed: $(cat "$work/log")"
grep -q 'Compiling the model' "$work/log" || fail "a newer compiler did not build the model again"
! grep -q 'Building C' "$work/log" || fail "unchanged C was compiled again"
idle

sleep 1
cp "$work/source/gauge.grus" "$work/good"
line=$(grep -n 'out y' "$work/good" | cut -d: -f1)
sed 's/f32\[1\]/f32[3]/' "$work/good" >"$work/source/gauge.grus"
! make_it || fail "a wrong shape was built"
grep -qE "gauge\.grus:$line:[0-9]+: error: .*\[E302\]" "$work/log" ||
  fail "no error at line $line: $(cat "$work/log")"
! make_it || fail "a wrong shape was built the second time"

sleep 1
cp "$work/good" "$work/source/gauge.grus"
make_it || fail "the corrected project does not build: $(cat "$work/log")"
answers 213
idle
rm -rf "$work"
