#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# arduino.sh GRUS TESTS MODEL...: the folder of --emit=package as a library of Arduino: Debian's arduino-builder compiles
# its example for an Arduino Mega without a warning from our files, and under QEMU the sketch prints what the C
# example gives. Exit code 77: arduino-builder, the core, or QEMU are not installed.
set -eu
grus=$1 tests=$2
shift 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
core=/usr/share/arduino/hardware
for tool in arduino-builder avr-gcc qemu-system-avr; do
  command -v $tool >/dev/null || { echo "skipped: $tool is not installed" && exit 77; }
done
[ -d "$core/arduino/avr" ] || { echo "skipped: the core for AVR is not installed" && exit 77; }
for model in "$@"; do
  rm -rf libraries build sketch && mkdir -p libraries build sketch
  "$grus" build -q "$tests/models/$model.grus" --weights=random:1 --emit=package -o "libraries/$model"
  cp "libraries/$model/examples/Basic/Basic.ino" sketch/sketch.ino
  # The core asks for DECIMAL_DIG, which Debian's C++ compiler for AVR does not define.
  arduino-builder -compile -hardware "$core" -hardware /usr/share/arduino-builder -tools /usr/share/arduino-builder -libraries "$dir/libraries" \
    -fqbn arduino:avr:mega:cpu=atmega2560 -build-path "$dir/build" -warnings=all -prefs=compiler.cpp.extra_flags=-DDECIMAL_DIG=9 \
    -prefs='tools.ctags.pattern="/usr/bin/arduino-ctags" -u --language-force=c++ -f - --c++-kinds=svpf --fields=KSTtzns --line-directives "{source_file}"' \
    sketch/sketch.ino >log 2>&1 || { cat log && exit 1; }
  if grep -E "(libraries|sketch)/.*(warning|error)" log; then exit 1; fi
  gcc -O2 -ffp-contract=off "-Ilibraries/$model/src" "libraries/$model/examples/c/main.c" "libraries/$model/src/$model.c" -o example
  ./example | awk '{ printf "%.2f\n", $1 }' >wanted
  lines=$(wc -l <wanted)
  # the sketch goes on for ever
  rm -f serial && mkfifo serial
  timeout 60 qemu-system-avr -M mega2560 -display none -serial stdio -monitor none -bios build/sketch.ino.elf </dev/null >serial 2>/dev/null &
  board=$!
  head -n "$lines" serial | tr -d '\r' >printed
  kill $board 2>/dev/null || true
  wait $board 2>/dev/null || true
  sed -i 's/^-0.00$/0.00/' wanted printed
  cmp wanted printed
  echo "$model: $lines numbers from an Arduino Mega, $(sed -n 's/^Sketch uses \([0-9]*\) bytes.*/\1/p' log) bytes of flash"
done
