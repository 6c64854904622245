#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# selftest.sh GRUS EMBEDDED EXAMPLES TESTS few|all: NAME_selftest on the target under QEMU: 0 as it is built; with a
# weight that was changed in the file, the code of that weight's layer, which `grus verify` explains; and
# not a byte of an image that does not call it. The same for batches, integers, and weights in a block, where
# another block than the one that the test was made of is -2. `few`: two models on one core, integers of 8 bits.
# Exit code 77: the tools are not installed.
set -eu
grus=$1 here=$2 examples=$3 tests=$4 ways=$5
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0
for tool in arm-none-eabi-gcc qemu-system-arm; do
  command -v $tool >/dev/null || { echo "skipped: $tool is not installed" && exit 77; }
done
cat >"$dir/main.c" <<'END'
#include "model.h"
#include <stdio.h>
int main(void) {
#ifdef CALLS
  printf("%d\n", model_selftest());
#elif defined(BLOCK)
  static const unsigned char block[] __attribute__((aligned(64))) = {
#include "block.h"
  };
  printf("%d\n", model_selftest(block));
#else
  puts("uncalled");
#endif
  return 0;
}
END
# the 4 MB that the boards have for code
sed 's/ORIGIN = 0x00000000, LENGTH = 512K/ORIGIN = 0x00000000, LENGTH = 4096K/' "$here/mps.ld" >"$dir/memory.ld"
image() { # OUT, options of gcc
  out=$1
  shift
  # shellcheck disable=SC2086
  arm-none-eabi-gcc $cpu -mthumb -std=gnu99 -O2 -ffp-contract=off -ffunction-sections -fdata-sections -Wl,--gc-sections \
    -I"$dir" "$@" --specs=rdimon.specs -T "$dir/memory.ld" "$here/startup.c" -o "$dir/$out" 2>"$dir/log" || {
    cat "$dir/log"
    exit 1
  }
}
run() {
  timeout 300 qemu-system-arm -M "$board" -nographic -semihosting-config enable=on,target=native -kernel "$dir/$1" </dev/null
}
expect() { # WHAT FOUND NEEDED
  echo "$1: $2"
  [ "$2" = "$3" ] || { echo "  needed: $3" && failed=1; }
}
cores='m4 m7' precisions='i8 i16'
[ "$ways" = all ] || { cores=m7 precisions=i8; }
for core in $cores; do
  case $core in
  m4) cpu="-mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16" board=mps2-an386 ;;
  m7) cpu="-mcpu=cortex-m7 -mfloat-abi=hard -mfpu=fpv5-sp-d16" board=mps2-an500 ;;
  esac
  set -- "$examples/gesture/gesture.grus" "$tests/models/window.grus"
  if [ "$ways" = all ]; then
    set -- "$@" "$examples/language/denoise.grus" "$examples/japanese_vowels/vowels.grus" "$tests/models/conv_stream.grus"
    [ $core = m4 ] || set -- "$@" "$examples/denoiser/denoiser.grus" # a megabyte
  fi
  for model in "$@"; do
    name=$(basename "$model" .grus)
    weights=
    case $model in "$tests"/* | */language/*) weights=--weights=random:1 ;; esac
    "$grus" build -q "$model" $weights --target cortex-$core --prefix model --emit=header --selftest -o "$dir/model.h"
    image called -DCALLS "$dir/main.c"
    expect "$core $name" "$(run called)" 0
  done
done

# batches, integers, and weights in a block
gesture=$examples/gesture/gesture.grus
for precision in $precisions; do
  "$grus" calibrate -q "$gesture" "imu=$examples/gesture/data/calibration.npy" --precision $precision -o "$dir/$precision.ranges" >"$dir/log" 2>&1 ||
    { cat "$dir/log" && exit 1; }
  "$grus" build -q "$gesture" --precision $precision --ranges "$dir/$precision.ranges" --target cortex-m7 --prefix model --emit=header --selftest \
    -o "$dir/model.h"
  image called -DCALLS "$dir/main.c"
  expect "gesture in $precision" "$(run called)" 0
done
sed '/static const int8_t model_.*_U/,/};/ s/ -\{0,1\}[0-9][0-9]*,/ 99,/' "$dir/model.h" >"$dir/changed.h"
cmp -s "$dir/model.h" "$dir/changed.h" && { echo "no integer was changed" && failed=1; }
mv "$dir/changed.h" "$dir/model.h"
image damaged -DCALLS "$dir/main.c"
expect "damaged integers of the LSTM" "$(run damaged)" 2
"$grus" build -q "$tests/models/gru_bounded.grus" --weights=random:1 --batch 3 --target cortex-m7 --prefix model --emit=header --selftest -o "$dir/model.h"
image called -DCALLS "$dir/main.c"
expect "a batch of three" "$(run called)" 0
block() { # OPTIONS of grus weights
  "$grus" weights -q "$gesture" --target cortex-m7 "$@" -o "$dir/block"
  od -An -v -tu1 "$dir/block" | sed 's/ *\([0-9][0-9]*\)/\1,/g' >"$dir/block.h"
}
"$grus" build -q "$gesture" --weights=extern --target cortex-m7 --prefix model --emit=header --selftest -o "$dir/model.h"
block
image called -DBLOCK "$dir/main.c"
expect "weights in a block" "$(run called)" 0
awk -F, -v OFS=, 'NR == 40 { $4 = 200 } { print }' "$dir/block.h" >"$dir/changed.h"
mv "$dir/changed.h" "$dir/block.h"
image called -DBLOCK "$dir/main.c"
code=$(run called)
[ "$code" -gt 0 ] || { echo "a damaged block: $code" && failed=1; }
echo "a damaged block: its layer"
"$grus" verify "$gesture" "--selftest=$code" | sed "s|$examples/||" | head -1
block --weights=random:1
image called -DBLOCK "$dir/main.c"
expect "another block" "$(run called)" -2
"$grus" verify "$gesture" --selftest=-2

# the second of three layers with weights is damaged
cat >"$dir/three.grus" <<'END'
grus 1

model three {
  allow state_never_reset
  in  x : f32[time .., 4]
  out y : f32[time .., 3] = x |> Dense(6) |> tanh |> GRU(8, reset=after) |> Dense(3)
}
END
"$grus" build -q "$dir/three.grus" --weights=random:1 --target cortex-m7 --prefix model --emit=header --selftest -o "$dir/model.h"
awk '/static const float model_gru_U/ { at = NR + 1 } NR == at { sub(/[-0-9.e]+f,/, "3.5f,") } { print }' "$dir/model.h" >"$dir/changed.h"
cmp -s "$dir/model.h" "$dir/changed.h" && { echo "no weight was changed" && failed=1; }
mv "$dir/changed.h" "$dir/model.h"
image damaged -DCALLS "$dir/main.c"
code=$(run damaged)
expect "a damaged weight of the GRU" "$code" 3
"$grus" verify "$dir/three.grus" --weights=random:1 "--selftest=$code" | sed "s|$dir/||"

# what is not called is not there
"$grus" build -q "$dir/three.grus" --weights=random:1 --target cortex-m7 --prefix model -o "$dir/model.c"
image plain -DPLAIN "$dir/main.c" "$dir/model.c"
plain=$(arm-none-eabi-size "$dir/plain" | awk 'NR == 2 { print $1, $2, $3 }')
"$grus" build -q "$dir/three.grus" --weights=random:1 --target cortex-m7 --prefix model --selftest -o "$dir/model.c"
image uncalled "$dir/main.c" "$dir/model.c"
expect "an image that does not call it" "$(arm-none-eabi-size "$dir/uncalled" | awk 'NR == 2 { print $1, $2, $3 }')" "$plain"
exit $failed
