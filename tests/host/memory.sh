#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
. "$(dirname "$0")/lib.sh"
# 40 MB of input with 30 MB of address space: a stream is never held in memory.
say from a file and from a pipe
raw long.f32 '<f4' zero:10000000
(
  ulimit -v 30000
  t clean long.f32 long.npy
  m clean <long.f32 | wc -c
)
wc -c <long.npy
