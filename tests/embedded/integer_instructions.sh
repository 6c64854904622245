#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# integer_instructions.sh BIN BENCH FIGURES few|all: instructions and flash of one step in integers under QEMU against
# the committed figures, lines "CORE NET D H PRECISION COMPILER INSTRUCTIONS FLASH". They are exact for one
# compiler: more than 5 % above is a regression, below a reason to commit the new figure. The lines of one net,
# size and precision must have one checksum. Exit code 77: the tools are not installed.
set -eu
bin=$1 bench=$2 figures=$3 ways=$4
made_with="12.2.1" # of arm-none-eabi-gcc; others may differ by 20 %
allowed=5
for tool in arm-none-eabi-gcc riscv64-unknown-elf-gcc qemu-system-arm qemu-system-riscv32 llvm-objdump-19; do
  command -v $tool >/dev/null || { echo "skipped: $tool is not installed" && exit 77; }
done
[ "$(arm-none-eabi-gcc -dumpversion)" = "$made_with" ] || allowed=20
# `few`: every second line
chosen=$(mktemp)
trap 'rm -f "$chosen"' EXIT
awk -v ways="$ways" 'ways == "all" || NR % 2 == 0' "$figures" >"$chosen"
failed=0 before='' sum=''
while read -r core net d h precision how instructions flash; do
  # shellcheck disable=SC2046
  set -- $("$bench/measure.sh" "$bin" "$core" "$net" "$d" "$h" "$precision" "$how")
  echo "$core $net ($d, $h) $precision $how: $7 instructions, committed $instructions; $8 bytes of flash, committed $flash; ${10}"
  if [ $(($7 * 100)) -gt $((instructions * (100 + allowed))) ] || [ $(($8 * 100)) -gt $((flash * (100 + allowed))) ]; then
    echo "  more than $allowed % above the committed figure"
    failed=1
  fi
  if [ "$before" = "$net $d $h $precision" ] && [ "$sum" != "${10}" ]; then
    echo "  other bits than the core before"
    failed=1
  fi
  before="$net $d $h $precision" sum=${10}
done <"$chosen"
exit $failed
