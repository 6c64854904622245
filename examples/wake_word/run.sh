#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The wake word from wake.onnx to a Cortex-M4 image under QEMU:
#
#   examples/wake_word/run.sh GRUS [FOLDER]
#
# What it makes stays in FOLDER (default: a temporary one). Fails if the figure is not that of the
# README. Exit code 77: arm-none-eabi-gcc or QEMU is not installed.
set -eu
grus=$1 # a path, or a name to look up
case $grus in */*) grus=$(cd "$(dirname "$grus")" && pwd)/$(basename "$grus") ;; esac
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
board=$root/tests/embedded # start-up code and memory of QEMU's boards
folder=${2:-}
if [ -z "$folder" ]; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
fi
for tool in arm-none-eabi-gcc qemu-system-arm; do
  command -v $tool >/dev/null || { echo "skipped: $tool is not installed" && exit 77; }
done
mkdir -p "$folder"
cp "$here/wake.onnx" "$here/calibration.npy" "$here/test.npy" "$here/test.csv" "$folder"
cd "$folder"

"$grus" import wake.onnx --state state=next_state --stream -o wake.grus
"$grus" calibrate wake.grus features=calibration.npy --precision i16 --snr 50dB --write
flags="-O2 -ffp-contract=off -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 -std=c99 -Wall -Wextra -I ."
for precision in f32 i16; do
  "$grus" build wake.grus --precision $precision --target cortex-m4 --selftest -q -o wake.c
  # shellcheck disable=SC2086
  arm-none-eabi-gcc $flags wake.c "$here/main.c" "$board/startup.c" --specs=rdimon.specs -T "$board/mps.ld" -o wake.elf 2>link.log || {
    cat link.log
    exit 1
  }
  "$grus" build wake.grus --precision $precision --target cortex-m4 -q -o without.c
  # shellcheck disable=SC2086
  arm-none-eabi-gcc $flags -c without.c -o wake.o
  qemu-system-arm -M mps2-an386 -display none -serial null -monitor none -semihosting -kernel wake.elf </dev/null >heard
  [ $precision = f32 ] || cat heard
  figure=$(tail -n 1 heard)
  echo "$precision: $figure, $(arm-none-eabi-size wake.o | awk 'NR == 2 { print $1 }') bytes of flash"
  if ! grep -qF "**$figure**" "$here/README.md"; then
    echo "this is not the figure of README.md" >&2
    exit 1
  fi
done
