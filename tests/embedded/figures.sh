#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# figures.sh BIN FIGURES EXAMPLES TESTS few|all: what the report says before anything is compiled, against what is
# compiled and run. Flash is within 10 % of `size`, or within 320 bytes (integers on the Cortex-M55: 12 %, 448
# bytes). Every entry needs at most the stack of the bound. The cycles of a call are within the range: as many as QEMU
# counts instructions, times the least and the most that one takes on the core, and those that bench/embedded models. `few` takes the Cortex-M4 and some models; `all`, every
# model in every precision for every core with a compiler here. BIN: the folder of grus; FIGURES: bench/figures.
# Exit code 77: no tools.
set -eu
bin=$1 count=$2 examples=$3 tests=$4 ways=$5
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0
command -v arm-none-eabi-gcc >/dev/null || { echo "skipped: arm-none-eabi-gcc is not installed" && exit 77; }
# field NAME: a number of the report
field() { sed "s/.*\"$1\":\([0-9]*\).*/\1/" "$dir/report"; }
check() { # TARGET MODEL [PRECISION]
  target=$1 model=$2 precision=${3:-} percent=10
  # GCC inlines no more in a function with all activations at once
  case "$target $(basename "$model") $precision" in
  'rv32 activations.grus w8') percent=25 ;;
  'rv32 deep_stream.grus ') percent=15 ;;
  esac
  floor=320
  # which loops become vectors of MVE is decided after what is counted
  case "$target $precision" in 'cortex-m55 '?*) percent=12 floor=448 ;; esac
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
  # some need a file or a parameter that is not here, or have no such precision
  "$bin/grus" build "$model" -W no-big_stack $weights --target "$target" --prefix m -o "$dir/m.c" --json >"$dir/report" 2>"$dir/log" || return 0
  checked=$((checked + 1))
  $cc -O2 -ffp-contract=off -std=c99 -Wno-psabi -fstack-usage -c "$dir/m.c" -o "$dir/m.o" 2>"$dir/log" || { cat "$dir/log" && failed=1 && return 0; }
  size=$(size -A "$dir/m.o" | awk '$1 ~ /^\.(text|rodata|data)/ { sum += $2 } END { print sum }')
  # an entry, and the deepest helper that was not inlined; push calls run
  stack=$(awk '{ n = split($1, a, ":"); f = a[n]; s = $2
                 if (f ~ /^m_(run|step|reset|push)$/) { e[f] = s; if (s > most) most = s } else if (s > helper) helper = s }
               END { if ("m_push" in e) most = e["m_push"] + e["m_run"]; print most + helper }' "$dir/m.su")
  about=$(field flash_estimate) bound=$(field stack_bound) name="$(basename "$model" .grus)${precision:+ $precision}"
  off=$(((about - size) * 1000 / size))
  echo "$target $name: flash $about, measured $size ($((off / 10)) %); stack at most $bound, measured $stack"
  [ "$off" -le "$((percent * 10))" ] && [ "$off" -ge "$((-percent * 10))" ] ||
    { [ $((about - size)) -le $floor ] && [ $((size - about)) -le $floor ]; } || { echo "  not within $percent % or $floor bytes" && failed=1; }
  [ "$stack" -le "$bound" ] || { echo "  more stack than the bound" && failed=1; }
}
checked=0
targets="cortex-m0 cortex-m3 cortex-m4 cortex-m33 cortex-m7 cortex-m55 rv32" cores="m4 m7 m55"
[ "$ways" = all ] || targets=cortex-m4 cores=m4
few="$examples/gesture/gesture.grus $examples/japanese_vowels/vowels.grus $examples/language/denoise.grus"
for model in gru_before conv_stream views norms pools; do few="$few $tests/models/$model.grus"; done
[ "$ways" = all ] && few="$few $examples/denoiser/denoiser.grus $(echo "$tests"/models/*.grus)"
for target in $targets; do
  for model in $few; do
    check $target "$model"
    [ "$ways" = all ] || continue
    for precision in i8 i16 w8; do check $target "$model" $precision; done
  done
  [ "$ways" = all ] || for precision in i8 i16 w8; do
    check $target "$examples/language/denoise.grus" $precision
    check $target "$tests/models/lstm_stream.grus" $precision
  done
done
[ "$checked" -gt 10 ] || { echo "too few models were checked" && failed=1; }

# hundredths of a cycle that an instruction takes on a core
pace() { sed -n "s/^COST(\"$1\", \"[^\"]*\", PACE(\([0-9]*\), \([0-9]*\)).*/\1 \2/p" "$tests/../compiler/lower/costs.def"; }
range() { sed 's/.*"cycles":\[\([0-9]*\),\([0-9]*\)\].*/\1 \2/' "$dir/report"; }
calls() { # TARGET MODEL [PRECISION]
  target=$1 model=$2 precision=${3:-}
  run=$("$count/count.sh" "$bin/figures" "$target" "$model" ${precision:+"$precision"}) || { echo "$run" && return 0; }
  "$bin/grus" build "$model" -W no-big_stack --weights=random:1 ${precision:+--precision "$precision"} --target "$target" --json -o "$dir/m.c" >"$dir/report"
  # shellcheck disable=SC2046
  set -- $(range) $(pace "$target")
  echo "$target $(basename "$model" .grus)${precision:+ $precision}: $1 to $2 cycles, measured $run instructions of $3 to $4 hundredths"
  [ "$1" -le $((run * $3 / 100)) ] && [ $((run * $4 / 100)) -le "$2" ] || { echo "  not in the range" && failed=1; }
}
[ "$ways" = all ] && nets="gru_stream lstm_both conv_stream norms reductions pools conv2d_stream" || nets=gru_stream
for target in $targets; do
  for net in $nets; do
    calls "$target" "$tests/models/$net.grus"
    calls "$target" "$tests/models/$net.grus" i16
    [ "$ways" = few ] || calls "$target" "$tests/models/$net.grus" i8
  done
done
for core in $cores; do
  for net in lstm gru; do
    line=$("$count/../embedded/measure.sh" "$bin" $core $net 13 32 gcc) || { echo "skipped: cycles, $line" && continue; }
    cycles=$(echo "$line" | awk '{ print $7 }')
    "$bin/grus" build "$count/../embedded/$net.grus" -D d=13 -D h=32 --weights=random:1 --target cortex-$core -o "$dir/m.c" --json >"$dir/report"
    # shellcheck disable=SC2046
    set -- $(range)
    low=$1 high=$2
    echo "$core $net (13, 32): $low to $high cycles, measured $cycles"
    [ "$low" -le "$cycles" ] && [ "$cycles" -le "$high" ] || { echo "  not in the range" && failed=1; }
  done
done
exit $failed
