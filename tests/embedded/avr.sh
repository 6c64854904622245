#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# avr.sh GRUS EXAMPLES HERE: models of examples/uno on an ATmega328P under simavr. Each has the bits that it
# has on this machine, and needs at most so many cycles, of 16 million a second, and bytes of flash; the
# sketch runs. Exit code 77: the tools are not installed.
set -eu
grus=$1 uno=$2/uno here=$3/avr
for tool in avr-gcc simavr; do
  command -v $tool >/dev/null || { echo "skipped: $tool is not installed" && exit 77; }
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
awk 'BEGIN { for (t = 0; t < 1200; t++) print sin(t * 0.05) "," sin(t * 0.13 + 1) "," cos(t * 0.31) * 0.5 }' >x.csv
for_avr="-mmcu=atmega328p -std=gnu99 -O2"

simulate() { # FILE: what the program sends
  timeout 60 simavr -m atmega328p -f 16000000 "$1" 2>&1 | tr -d '\033' | sed -E 's/\[[0-9;]*m//g; s/ *\.+$//; s/^ +//' | grep -aE '^[0-9 ]+$'
}

# model NAME PRECISION CYCLES FLASH
model() {
  build="$uno/$1.grus --weights random:9 --precision $2 --prefix model -q -o model.c"
  case $2 in
  i*)
    "$grus" calibrate "$uno/$1.grus" x=x.csv --weights random:9 --precision "$2" -q -o "$1_$2.ranges" >/dev/null
    build="$build --ranges $1_$2.ranges"
    ;;
  esac
  "$grus" build $build
  cc -std=c99 -O1 -DMODEL_INPUTS=3 -DMODEL_UNITS=16 -I. model.c "$here/steps.c" -o native
  want=$(./native)
  "$grus" build $build --target atmega328p
  avr-gcc $for_avr -Wall -Wextra -Wconversion -Werror -c model.c
  avr-gcc $for_avr -DMODEL_INPUTS=3 -DMODEL_UNITS=16 -I. model.c "$here/steps.c" -o avr.elf
  answer=$(simulate avr.elf)
  sum=${answer%% *} cycles=${answer#* }
  flash=$(avr-size model.o | awk 'NR == 2 { print $1 + $2 }')
  echo "$1 $2: $cycles cycles of $3, $flash bytes of flash of $4, checksum $sum"
  [ "$sum" = "$want" ] || { echo "  other bits than here, $want" && exit 1; }
  [ "$cycles" -le "$3" ] && [ "$flash" -le "$4" ] || { echo "  too many" && exit 1; }
}

model gru i16 65000 8000
model gru i16x16 110000 10000
model gru f32 480000 8000
model fastgrnn i16 85000 8500 # a published one, made by hand, takes 9.21 ms: 147,360 cycles
model fastgrnn f32 215000 6000

"$grus" build "$uno/gru.grus" --weights random:9 --precision i16 --ranges gru_i16.ranges --target atmega328p -q -o gru.c
avr-gcc $for_avr -c gru.c
avr-g++ -mmcu=atmega328p -O2 -I. -include "$here/arduino.h" -x c++ "$uno/uno.ino" -x none gru.o -o uno.elf
simulate uno.elf | tee printed
[ "$(wc -l <printed)" = 3 ] || { echo "the sketch prints other than three numbers" && exit 1; }
