#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# table.sh BIN: instructions of a step, flash and RAM of integer layers on every core that measure.sh knows,
# as two tables in Markdown. ROWS: only these, as "m4_i16 m0_i8". COMPILER: llvm
# for the machine code of grus, else gcc. PORTS: -i16 for inputs of 16 bits and Dense(1) on one unit, else f32.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
lstm=lstm${PORTS:-} gru=gru${PORTS:-}
nets="${lstm}_13_32 ${lstm}_40_64 ${gru}_13_32 ${gru}_40_64 ${lstm}_257_128 ${gru}_114_96"
rows="${ROWS:-m4_i16 m4_i16x16 m4_w8 m7_i16 m55_i16 m55_i8 m3_i16 m0_i16 rv32_i16}"
sizes=
echo "| core, precision | LSTM (13, 32) | LSTM (40, 64) | GRU (13, 32) | GRU (40, 64) | LSTM (257, 128) | GRU (114, 96) |"
echo "|---|---:|---:|---:|---:|---:|---:|"
for row in $rows; do
  line="| ${row%%_*}, ${row#*_} |" flash="| ${row%%_*}, ${row#*_} |"
  for net in $nets; do
    # shellcheck disable=SC2046
    found=$("$here/measure.sh" "$1" "${row%%_*}" $(echo $net | tr _ ' ') "${row#*_}" "${COMPILER:-gcc}" 2>/dev/null) ||
      found="core net d h precision compiler - - - -" # weights that the board has no room for
    # shellcheck disable=SC2086
    set -- $found "$1"
    line="$line $7 |" flash="$flash $8 + $9 |"
    shift 10
  done
  echo "$line"
  sizes="$sizes$flash
"
done
echo
echo "Bytes of flash, weights and code, and of RAM for the state:"
echo
echo "| core, precision | LSTM (13, 32) | LSTM (40, 64) | GRU (13, 32) | GRU (40, 64) | LSTM (257, 128) | GRU (114, 96) |"
echo "|---|---:|---:|---:|---:|---:|---:|"
printf '%s' "$sizes"
