#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
. "$(dirname "$0")/lib.sh"
npy a.npy '<f4' C 9,2 ramp:18
npy short.npy '<f4' C 3,2 ramp:6

say one value for every window
t fall a.npy
t fall a.npy e.npy
show e.npy
say too short for one window
t fall short.npy --out o
left o
t fall a.npy e.wav
