#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# instructions.sh BIN BENCH FIGURES few|all: instructions of one step under QEMU against the committed figures,
# lines "CORE NET D H CANDIDATE INSTRUCTIONS". They are exact for one compiler: more than 5 % above
# is a regression, below a reason to commit the new figure. Plain C loops cost at least twice as much, which `few` does
# not measure. Exit code 77: the tools are not installed.
set -eu
bin=$1 bench=$2 figures=$3 ways=$4
made_with="12.2.1" # of arm-none-eabi-gcc; others may differ by 20 %
allowed=5
for tool in arm-none-eabi-gcc qemu-system-arm clang-19; do
  command -v $tool >/dev/null || { echo "skipped: $tool is not installed" && exit 77; }
done
[ "$(arm-none-eabi-gcc -dumpversion)" = "$made_with" ] || allowed=20
# `few`: every second line
chosen=$(mktemp)
trap 'rm -f "$chosen"' EXIT
awk -v ways="$ways" 'ways == "all" || NR % 2 == 0' "$figures" >"$chosen"
failed=0
while read -r core net d h candidate figure; do
  now=$("$bench/measure.sh" "$bin" "$core" "$net" "$d" "$h" "$candidate" | awk '{ print $6 }')
  plain=$((now * 2))
  [ "$ways" = few ] || plain=$("$bench/measure.sh" "$bin" "$core" "$net" "$d" "$h" plain | awk '{ print $6 }')
  echo "$core $net ($d, $h) $candidate: $now instructions, committed $figure$([ "$ways" = few ] || echo ", plain C $plain")"
  if [ "$((now * 100))" -gt "$((figure * (100 + allowed)))" ]; then
    echo "  more than $allowed % above the committed figure"
    failed=1
  fi
  if [ "$((now * 2))" -gt "$plain" ]; then
    echo "  more than half of plain C"
    failed=1
  fi
done <"$chosen"
exit $failed
