#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# extern.sh BIN EMBEDDED few|all: instructions of one step with weights at run time against weights in the code: at most
# 10 % more, on a Cortex-M4 under QEMU and on this machine under valgrind. Counts are exact for one compiler. Both
# forms give the same bits. Exit code 77: none of the tools is installed.
set -eu
bin=$1 here=$2 how=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0 measured=0
allowed=10 # percent
cat >"$dir/main.c" <<'END_OF_MAIN'
#include "model.h"
#include <stdio.h>
#include <stdlib.h>
#ifdef EXTERN
static const unsigned char block[] __attribute__((aligned(64))) = {
#include "block.h"
};
#define WEIGHTS , block
#else
#define WEIGHTS
#endif
static model_state state;
static float x[MODEL_X_SIZE], y[MODEL_Y_SIZE];
__attribute__((noinline)) void step_done(void) { __asm__ volatile(""); }
__attribute__((noinline)) void candidate_step(void) { model_step(&state, x, y WEIGHTS); }
int main(int argc, char **argv) {
  int calls = argc > 1 ? atoi(argv[1]) : 4;
  model_reset(&state);
  for (int t = 0; t < calls; t++) {
    for (int i = 0; i < MODEL_X_SIZE; i++) x[i] = (float)((t * 7 + i * 3) % 11) * 0.125f - 0.5f;
    candidate_step();
    step_done();
  }
  for (int i = 0; i < MODEL_Y_SIZE; i++) printf("%.9g ", (double)y[i]);
  printf("\n");
  return 0;
}
END_OF_MAIN
model() { # STAGES
  printf 'grus 1\n\nmodel net {\n  allow state_never_reset\n  in  x : f32[time .., 6]\n  out y : f32[time .., 4] = x |> %s\n}\n' "$1" >"$dir/model.grus"
}
prepare() { # FORM OPTION...: model.c, and the block beside it
  form=$1
  shift
  case $form in
  baked) "$bin/grus" build -q "$dir/model.grus" --weights=random:1 "$@" --prefix model -o "$dir/model.c" && define= ;;
  extern)
    "$bin/grus" build -q "$dir/model.grus" --weights=extern "$@" --prefix model -o "$dir/model.c"
    "$bin/grus" weights -q "$dir/model.grus" --weights=random:1 "$@" -o "$dir/block"
    od -An -v -tu1 "$dir/block" | sed 's/ *\([0-9][0-9]*\)/\1,/g' >"$dir/block.h"
    define=-DEXTERN
    ;;
  esac
}
on_m4() { # instructions of a step into $count, outputs into $dir/said.FORM
  flags="-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16"
  prepare "$@" --target cortex-m4
  # shellcheck disable=SC2086
  arm-none-eabi-gcc $flags -O2 -std=gnu99 -ffp-contract=off $define -I"$dir" "$dir/main.c" "$dir/model.c" --specs=rdimon.specs \
    -T "$here/mps.ld" "$here/startup.c" -o "$dir/image" 2>"$dir/log" || { cat "$dir/log" && exit 1; }
  timeout 300 qemu-system-arm -M mps2-an386 -nographic -semihosting-config enable=on,target=native -d in_asm,exec,nochain -D "$dir/trace" \
    -kernel "$dir/image" </dev/null >"$dir/said.$form"
  arm-none-eabi-objdump -d "$dir/image" >"$dir/listing"
  count=$("$bin/cycles" m4 "$dir/listing" "$dir/trace" candidate_step step_done | awk '{ print $2 }')
}
collected() {
  valgrind --tool=callgrind "--callgrind-out-file=$dir/callgrind" "$dir/program" "$1" 2>&1 >"$dir/said.$form" | sed -n 's/.*Collected : //p'
}
here_by() { # TARGET FLAGS: two runs of different length, so that the start does not count
  target=$2 flags=$3
  prepare "$1" --target "$target"
  # shellcheck disable=SC2086
  cc -O2 $flags -ffp-contract=off $define -I"$dir" "$dir/main.c" "$dir/model.c" -o "$dir/program"
  count=$((($(collected 120) - $(collected 20)) / 100))
}
compare() { # WHAT COMMAND OPTION...
  what=$1 by=$2
  shift 2
  "$by" baked "$@"
  baked=$count
  "$by" extern "$@"
  measured=$((measured + 1))
  echo "$what: $baked instructions, $count with weights at run time"
  cmp "$dir/said.baked" "$dir/said.extern" || failed=1
  [ $((count * 100)) -le $((baked * (100 + allowed))) ] || { echo "  more than $allowed % above" && failed=1; }
}
set -- 'LSTM(20) |> Dense(4)'
[ "$how" = few ] || set -- "$@" 'GRU(32, reset=after) |> Dense(4)' \
  'Conv1D(16, kernel=3, padding=causal) |> relu |> Conv1D(4, kernel=3, padding=causal)'
for stages; do
  model "$stages"
  if command -v arm-none-eabi-gcc >/dev/null && command -v qemu-system-arm >/dev/null; then
    compare "cortex-m4, $stages" on_m4
  fi
  if [ "$(uname -m)" = x86_64 ] && command -v valgrind >/dev/null; then
    compare "generic, $stages" here_by generic ""
    ! grep -q avx2 /proc/cpuinfo || compare "x86-64-v3, $stages" here_by x86-64-v3 -march=x86-64-v3
  fi
done
[ $measured -gt 0 ] || { echo "skipped: neither QEMU nor valgrind is installed" && exit 77; }
exit $failed
