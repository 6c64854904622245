#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# readme_aarch64.sh GRUS ROOT: readme.sh for AArch64, by instructions under QEMU: what the header of README.md executes in a
# call, compiled with the flags that are printed, is at most 1.2 times what the object executes that `grus bench`
# measures on such a machine (`--target native` there is `aarch64`). The same for a stream and for a Conv2D. QEMU writes a
# line for each instruction; a call is the difference between programs of one and two calls. Exit code 77: the tools are not there.
set -eu
grus=$1 root=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
unset CC
"$grus" --version | grep -q llvm || { echo "skipped: no LLVM backend" && exit 77; }
for tool in aarch64-linux-gnu-gcc qemu-aarch64; do
  command -v $tool >/dev/null || { echo "skipped: $tool is not installed" && exit 77; }
done
awk 'index($0, "**1. Write the model.") == 1 { near = 1 } near && /^```/ { if (inside) exit; inside = 1; next } inside' "$root/README.md" >hand.grus
cat >stream.grus <<'END'
grus 1

model stream {
  allow state_never_reset
  in  x : f32[time .., 1]
  out y : f32[time .., 1] = x |> LSTM(32) |> Dense(1)
}
END
cat >image.grus <<'END'
grus 1

model image {
  in  x : f32[16, 16, 3]
  out y : f32[10] = x |> Conv2D(16, kernel=3, stride=2) |> relu |> flatten |> Dense(10) |> softmax
}
END
cat >main.c <<'END'
#include "model.h"
static float in[16 * 16 * 3], out[64];
#ifdef STREAM
static model_state state;
#define RESET model_reset(&state)
#define CALL model_step(&state, in, out)
#elif defined(IMAGE)
#define RESET (void)0
#define CALL model_run((const float (*)[16][3])in, out)
#else
#define RESET (void)0
#define CALL model_run((const float (*)[6])in, out)
#endif
int main(void) {
  for (int i = 0; i < (int)(sizeof in / sizeof *in); i++) in[i] = (float)(i * 7 % 13) / 13.0f;
  RESET;
  for (int i = 0; i < CALLS; i++) CALL;
  return out[0] > 1e6f;
}
END
lines() { qemu-aarch64 -singlestep -d exec,nochain -D /dev/stdout "$1" | grep -c '^Trace'; }
a_call() { # FILES and flags: the instructions of one call
  for calls in 1 2; do aarch64-linux-gnu-gcc "-DCALLS=$calls" "$@" main.c -static -o "calls$calls" || exit 1; done
  one=$(lines ./calls1) two=$(lines ./calls2)
  echo $((two - one))
}
failed=0
for model in hand:HAND stream:STREAM image:IMAGE; do
  name=${model%:*} kind=-D${model#*:}
  "$grus" build "$name.grus" --weights=random:1 --prefix model --emit=header --dispatch -o model.h >said
  flags=$(sed -n 's/^compile with: cc //p' said)
  # shellcheck disable=SC2086
  header=$(a_call "$kind" $flags)
  "$grus" build -q "$name.grus" --weights=random:1 --prefix model --target aarch64 -o model.o
  object=$(a_call "$kind" -O2 model.o)
  echo "$name: the header with '$flags' $header instructions a call, the object of LLVM $object"
  [ "$object" -gt 1000 ] && [ $((header * 10)) -le $((object * 12)) ] || { echo "  more than 1.2 times as many" && failed=1; }
done
exit $failed
