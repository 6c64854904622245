#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
. "$(dirname "$0")/lib.sh"
# A fifo that is never closed: the program waits for input until the signal comes.
mkfifo in
for signal in INT TERM HUP; do
  say $signal
  "$ARRAYS" exec "$MODELS" clean in gain=o.npy --in-format csv </dev/null &
  pid=$!
  exec 3<>in # which waits for nobody
  echo 1,2 >&3
  # The temporary file shows that the program has got as far as its outputs.
  n=0
  while [ "$(find . -name '.o.npy.*' | wc -l)" -eq 0 ] && [ $n -lt 500 ] && kill -0 $pid 2>/dev/null; do
    sleep 0.02
    n=$((n + 1))
  done
  [ "$(find . -name '.o.npy.*' | wc -l)" -ne 0 ] || echo "no temporary file appeared"
  kill -$signal $pid
  wait $pid 2>/dev/null
  echo "[$?]"
  exec 3>&-
  left .
done
say progress on long input
raw long.f32 '<f4' zero:200
(cat long.f32; sleep 1.3; cat long.f32) | m clean - - --progress always 2>&1 >/dev/null | tr '\r' '\n' |
  sed 's/[0-9][0-9.]* x real/N x real/' | cat -v
