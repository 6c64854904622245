#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# figures.sh BIN FIGURES EXAMPLES TESTS few|CORE: what the report says before anything is compiled, against what is
# compiled and run. Flash is within 10 % of `size`, or within 320 bytes. Every entry needs at most the stack of the bound. The cycles of a call are within the range: as many as QEMU
# counts instructions, times the least and the most that one takes on the core, and those that bench/embedded models.
# `few` takes the Cortex-M4 and some models; CORE (cortex-m0, ..., rv32), every model in every precision for that core.
# BIN: the folder of grus; FIGURES: bench/figures. Exit code 77: no tools.
set -eu
bin=$1 count=$2 examples=$3 tests=$4 ways=$5
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0
core=$ways
[ "$ways" = few ] && core=cortex-m4
case $core in
cortex-m0 | cortex-m3) cc="arm-none-eabi-gcc -mcpu=$core -mthumb" ;;
cortex-m4) cc="arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16" ;;
cortex-m33 | cortex-m7) cc="arm-none-eabi-gcc -mcpu=$core -mthumb -mfloat-abi=hard -mfpu=fpv5-sp-d16" ;;
cortex-m55) cc="arm-none-eabi-gcc -mcpu=cortex-m55 -mthumb -mfloat-abi=hard" ;;
rv32) cc="riscv64-unknown-elf-gcc -march=rv32imac -mabi=ilp32 --specs=picolibc.specs" ;;
*) echo "figures.sh: no core $core" >&2 && exit 2 ;;
esac
command -v "${cc%% *}" >/dev/null || { echo "skipped: ${cc%% *} is not installed" && exit 77; }
# field NAME: a number of the report
field() { sed "s/.*\"$1\":\([0-9]*\).*/\1/" "$dir/report"; }
check() { # MODEL [PRECISION]
  model=$1 precision=${2:-} percent=10 floor=320 weights=
  grep -q '^ *weights' "$model" || weights=--weights=random:1
  [ -z "$precision" ] || weights="--weights=random:1 --precision $precision"
  rm -f "$dir"/m.*
  # some need a file or a parameter that is not here, or have no such precision
  "$bin/grus" build "$model" -W no-big_stack $weights --target "$core" --prefix m -o "$dir/m.c" --json >"$dir/report" 2>"$dir/log" || return 0
  checked=$((checked + 1))
  $cc -O2 -ffp-contract=off -std=c99 -Wno-psabi -fstack-usage -c "$dir/m.c" -o "$dir/m.o" 2>"$dir/log" || { cat "$dir/log" && failed=1 && return 0; }
  size=$(size -A "$dir/m.o" | awk '$1 ~ /^\.(text|rodata|data)/ { sum += $2 } END { print sum }')
  # an entry, and the deepest helper that was not inlined; push calls run
  stack=$(awk '{ n = split($1, a, ":"); f = a[n]; s = $2
                 if (f ~ /^m_(run|step|reset|push)$/) { e[f] = s; if (s > most) most = s } else if (s > helper) helper = s }
               END { if ("m_push" in e) most = e["m_push"] + e["m_run"]; print most + helper }' "$dir/m.su")
  about=$(field flash_estimate) bound=$(field stack_bound) name="$(basename "$model" .grus)${precision:+ $precision}"
  off=$(((about - size) * 1000 / size))
  echo "$core $name: flash $about, measured $size ($((off / 10)) %); stack at most $bound, measured $stack"
  [ "$off" -le "$((percent * 10))" ] && [ "$off" -ge "$((-percent * 10))" ] ||
    { [ $((about - size)) -le $floor ] && [ $((size - about)) -le $floor ]; } || { echo "  not within $percent % or $floor bytes" && failed=1; }
  [ "$stack" -le "$bound" ] || { echo "  more stack than the bound" && failed=1; }
}
checked=0
if [ "$ways" = few ]; then
  nets=gru_stream in_integers="$examples/language/denoise.grus $tests/models/lstm_stream.grus"
  models="$examples/gesture/gesture.grus $examples/japanese_vowels/vowels.grus $examples/language/denoise.grus"
  for model in gru_before conv_stream views norms pools; do models="$models $tests/models/$model.grus"; done
else
  nets="gru_stream lstm_both conv_stream norms reductions pools conv2d_stream"
  models="$(echo "$examples"/*/*.grus "$tests"/models/*.grus)" in_integers=$models
fi
for model in $models; do check "$model"; done
for model in $in_integers; do
  # GCC takes a minute and more for each of the two with the most layers: one core stands for all
  case "$core $model" in cortex-m4*) ;; *deep.grus | *deep_stream.grus) continue ;; esac
  for precision in i8 i16 w8; do check "$model" $precision; done
done
[ "$checked" -gt 10 ] || { echo "too few models were checked" && failed=1; }

# hundredths of a cycle that an instruction takes on a core
pace() { sed -n "s/^COST(\"$1\", \"[^\"]*\", PACE(\([0-9]*\), \([0-9]*\)).*/\1 \2/p" "$tests/../compiler/lower/costs.def"; }
range() { sed 's/.*"cycles":\[\([0-9]*\),\([0-9]*\)\].*/\1 \2/' "$dir/report"; }
calls() { # MODEL [PRECISION]
  model=$1 precision=${2:-}
  run=$("$count/count.sh" "$bin/figures" "$core" "$model" ${precision:+"$precision"}) || { echo "$run" && return 0; }
  "$bin/grus" build "$model" -W no-big_stack --weights=random:1 ${precision:+--precision "$precision"} --target "$core" --json -o "$dir/m.c" >"$dir/report"
  # shellcheck disable=SC2046
  set -- $(range) $(pace "$core")
  echo "$core $(basename "$model" .grus)${precision:+ $precision}: $1 to $2 cycles, measured $run instructions of $3 to $4 hundredths"
  [ "$1" -le $((run * $3 / 100)) ] && [ $((run * $4 / 100)) -le "$2" ] || { echo "  not in the range" && failed=1; }
}
for net in $nets; do
  calls "$tests/models/$net.grus"
  calls "$tests/models/$net.grus" i16
  [ "$ways" = few ] || calls "$tests/models/$net.grus" i8
done
# the models of cycles that bench/embedded has
case $core in cortex-m4 | cortex-m7 | cortex-m55) modelled="lstm gru" ;; *) modelled= ;; esac
for net in $modelled; do
  line=$("$count/../embedded/measure.sh" "$bin" "${core#cortex-}" $net 13 32 gcc) || { echo "skipped: cycles, $line" && continue; }
  cycles=$(echo "$line" | awk '{ print $7 }')
  "$bin/grus" build "$count/../embedded/$net.grus" -D d=13 -D h=32 --weights=random:1 --target "$core" -o "$dir/m.c" --json >"$dir/report"
  # shellcheck disable=SC2046
  set -- $(range)
  low=$1 high=$2
  echo "$core $net (13, 32): $low to $high cycles, measured $cycles"
  [ "$low" -le "$cycles" ] && [ "$cycles" -le "$high" ] || { echo "  not in the range" && failed=1; }
done
exit $failed
