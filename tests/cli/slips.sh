#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Slips on the command line: names of outputs, words too many, options that mean nothing here.
. "$(dirname "$0")/lib.sh"
unset CC
cat >m.grus <<'END'
grus 1

model m {
  in  x : f32[time 6, feature 4]
  out y : f32[3] = x |> GRU(5) |> last |> Dense(3)
}
END
W=--weights=random:1

say endings that are none
for name in m.hpp m.hh m.cpp m.dylib m.dll m.lib m.obj m.txt m.v2; do t build m.grus $W -o $name; done
say names of programs
b() { q build m.grus $W -q "$@"; }
b -o program && ./program x=0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0 | wc -l
b -o m.elf && b -o dir.d_program --emit=exe
rm program m.elf dir.d_program

say words too many
t build m.grus other.grus $W -o m.c
t bench m.grus other.grus
t inspect m.grus other.grus
t run m.grus $W other

say options for other models
t build m.grus $W --time 20 -o m.c
t build m.grus $W --stream -o m.c
t build m.grus $W --state a=b -o m.c
t inspect m.grus --config layers.json
t run m.grus $W --time 20 x=x.csv

say machine code for other machines
t build m.grus $W --target cortex-m4 -o program
t build m.grus $W --target wasm-simd -o program
t build m.grus $W --target aarch64 -o m.o --backend c
t build m.grus $W --target esp32 -o m.o --backend c

say words of a newcomer
t m.grus
t build m.grus $W --emitt=header
t build m.grus $W | tail -2
rm -f m.h m.c
t verify m.grus $W --against y.npy
t explain Linear | head -4
t explain Bidirectional | head -2
t explain return_sequences | head -2
t explain name | head -2
t explain stream
mkdir empty_folder
t import empty_folder
printf 'grus\000' >binary.grus
t check binary.grus
"$GRUS" run --help | sed -n '4p;/^options for data/,$p'
"$GRUS" calibrate --help | grep -e --out -e --max-flash
"$GRUS" --version | grep '^language: grus 1'
rm -rf empty_folder binary.grus
left
