#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# figures.sh BIN BENCH EXAMPLES TESTS few|all: what the report says before anything is compiled, against what is
# compiled: flash within 10 % of `size` for models that people run and within 25 % for any, stack of
# every entry at most the bound, cycles of a step within the range. `few` takes
# the Cortex-M4 alone. Exit code 77: no tools.
set -eu
bin=$1 bench=$2 examples=$3 tests=$4 ways=$5
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0
command -v arm-none-eabi-gcc >/dev/null || { echo "skipped: arm-none-eabi-gcc is not installed" && exit 77; }
# field NAME: a number of the report
field() { sed "s/.*\"$1\":\([0-9]*\).*/\1/" "$dir/report"; }
check() { # TARGET MODEL PERCENT [PRECISION]
  target=$1 model=$2 percent=$3 precision=${4:-}
  case $target in
  cortex-m0) cc="arm-none-eabi-gcc -mcpu=cortex-m0 -mthumb" ;;
  cortex-m3) cc="arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb" ;;
  cortex-m4) cc="arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16" ;;
  cortex-m33) cc="arm-none-eabi-gcc -mcpu=cortex-m33 -mthumb -mfloat-abi=hard -mfpu=fpv5-sp-d16" ;;
  cortex-m7) cc="arm-none-eabi-gcc -mcpu=cortex-m7 -mthumb -mfloat-abi=hard -mfpu=fpv5-sp-d16" ;;
  cortex-m55) cc="arm-none-eabi-gcc -mcpu=cortex-m55 -mthumb -mfloat-abi=hard" ;;
  rv32) cc="riscv64-unknown-elf-gcc -march=rv32imac -mabi=ilp32 --specs=picolibc.specs" ;;
  esac
  command -v "${cc%% *}" >/dev/null || return 0
  weights=
  grep -q '^ *weights' "$model" || weights=--weights=random:1
  [ -z "$precision" ] || weights="--weights=random:1 --precision $precision"
  rm -f "$dir"/m.*
  "$bin/grus" build "$model" -W no-big_stack $weights --target "$target" --prefix m -o "$dir/m.c" --json >"$dir/report"
  $cc -O2 -ffp-contract=off -std=c99 -Wno-psabi -fstack-usage -c "$dir/m.c" -o "$dir/m.o" 2>"$dir/log" || { cat "$dir/log" && failed=1 && return 0; }
  size=$(size -A "$dir/m.o" | awk '$1 ~ /^\.(text|rodata|data)/ { sum += $2 } END { print sum }')
  # an entry, and the deepest helper that was not inlined; push calls run
  stack=$(awk '{ n = split($1, a, ":"); f = a[n]; s = $2
                 if (f ~ /^m_(run|step|reset|push)$/) { e[f] = s; if (s > most) most = s } else if (s > helper) helper = s }
               END { if ("m_push" in e) most = e["m_push"] + e["m_run"]; print most + helper }' "$dir/m.su")
  about=$(field flash_estimate) bound=$(field stack_bound) name="$(basename "$model" .grus)${precision:+ $precision}"
  off=$(((about - size) * 1000 / size))
  echo "$target $name: flash $about, measured $size ($((off / 10)) %); stack at most $bound, measured $stack"
  [ "$off" -le "$((percent * 10))" ] && [ "$off" -ge "$((-percent * 10))" ] || { echo "  not within $percent %" && failed=1; }
  [ "$stack" -le "$bound" ] || { echo "  more stack than the bound" && failed=1; }
}
targets="cortex-m0 cortex-m3 cortex-m4 cortex-m33 cortex-m7 cortex-m55 rv32" cores="m4 m7 m55"
[ "$ways" = all ] || targets=cortex-m4 cores=m4
for target in $targets; do
  for model in gesture/gesture japanese_vowels/vowels language/denoise denoiser/denoiser; do
    check $target "$examples/$model.grus" 10
  done
  for precision in i8 i16 w8; do
    check $target "$examples/language/denoise.grus" 10 $precision
    check $target "$tests/models/lstm_stream.grus" 20 $precision
  done
  for model in gru_before conv_stream views norms f16_weights; do
    check $target "$tests/models/$model.grus" 25
  done
done
for core in $cores; do
  for net in lstm gru; do
    line=$("$bench/measure.sh" "$bin" $core $net 13 32 gcc) || { echo "skipped: cycles, $line" && continue; }
    cycles=$(echo "$line" | awk '{ print $7 }')
    "$bin/grus" build "$bench/$net.grus" -D d=13 -D h=32 --weights=random:1 --target cortex-$core -o "$dir/m.c" --json >"$dir/report"
    low=$(sed 's/.*"cycles":\[\([0-9]*\),.*/\1/' "$dir/report") high=$(sed 's/.*"cycles":\[[0-9]*,\([0-9]*\)\].*/\1/' "$dir/report")
    echo "$core $net (13, 32): $low to $high cycles, measured $cycles"
    [ "$low" -le "$cycles" ] && [ "$cycles" -le "$high" ] || { echo "  not in the range" && failed=1; }
  done
done
exit $failed
