#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# amp.sh GRUS FOLDER: the amplifier of examples/amp changes its capture without a click or an
# allocation, and takes no file that is none.
set -eu
grus=$1 amp=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
"$grus" build "$amp/amp.grus" --weights=extern -q -o amp.c
"$grus" weights "$amp/amp.grus" --weights=random:1 -q -o a.bin
"$grus" weights "$amp/amp.grus" --weights=random:2 -q -o b.bin
cc -O1 -Wall -Wextra -Wpedantic -Wconversion -Werror -c amp.c
c++ -std=c++11 -O1 -Wall -Wextra -Wpedantic -Wconversion -Werror -I. "$amp/amp.cpp" amp.o -o amp
./amp a.bin b.bin | grep 'no click: yes'
./amp a.bin b.bin | grep 'playing: 0 times; after the change it plays B: yes'
refused() {
  if ./amp a.bin "$1" 2>said; then exit 1; fi
  grep "$2" said
}
refused amp.c 'is not a capture of this amplifier'
head -c 1000 b.bin >short.bin
refused short.bin 'is not a capture of this amplifier'
{ head -c 1000 b.bin; printf X; tail -c +1002 b.bin; } >damaged.bin
refused damaged.bin 'is damaged'
sed 's/Dense(1)/Dense(1) |> tanh/' "$amp/amp.grus" >other.grus
"$grus" weights other.grus --weights=random:2 -q -o other.bin
refused other.bin 'is not a capture of this amplifier'
