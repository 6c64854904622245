#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# stack.sh GRUS HERE CC: what `build -o x.o` says of the stack. On this machine and on AArch64 under QEMU each
# entry is called on a painted stack, and writes over no more than was said, and not much less; on Cortex-M
# the number is that of the instructions that move the stack pointer, read from the disassembly. The figures are
# in the text, in JSON and in the header, and --max-stack compares with them. 77: an object has no figures here.
set -eu
grus=$1 here=$2 cc=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0
unset CC
"$grus" --version | grep -q llvm || { echo "skipped: no LLVM backend" && exit 77; }
model() { # NAME: its text on standard input
  { echo 'grus 1' && echo && cat; } >"$dir/$1.grus"
}
model l <<'END_OF_MODEL'
model l {
  allow state_never_reset
  in  x : f32[time .., 1]
  out y : f32[time .., 1] = x |> LSTM(40) |> Dense(1)
}
END_OF_MODEL
model g <<'END_OF_MODEL'
model g {
  in  x : f32[time 30, 5]
  out y : f32[4] = x |> GRU(24) |> GRU(24, direction=backward) |> max_pool(2) |> last |> Dense(4) |> softmax
}
END_OF_MODEL
model c <<'END_OF_MODEL'
model c {
  in  x : f32[time 40, 3]
  out y : f32[time 20, 7] = x |> Conv1D(9, kernel=5, padding=same) |> relu |> max_pool(2) |> GRU(7)
}
END_OF_MODEL
said() { # ENTRY: the bytes in $dir/said
  sed -n "s/.*\"object_stack\":{[^}]*\"$1\":\([0-9]*\).*/\1/p" "$dir/said"
}
build() { # MODEL OPTION...
  model=$1
  shift
  "$grus" build "$dir/$model.grus" --weights=random:1 -o "$dir/m.o" --json "$@" >"$dir/said" 2>"$dir/errors" || { cat "$dir/errors" && exit 1; }
}
SLACK=320 # what a frame may reserve and not write to: alignment, the red zone, places of registers
measured() { # WHERE COMPILER RUN MODEL ENTRY
  $2 -O1 "-DENTRY=$5" "$here/stack.c" "$dir/m.o" -o "$dir/m" -Wl,-z,now -lm
  bytes=$($3 "$dir/m") bound=$(said "$5")
  echo "$1 $5: $bytes bytes written, $bound said" >&2
  [ "$bytes" -le "$bound" ] || { echo "$1 $5: $bytes bytes, but $bound said" && failed=1; }
  [ "$bound" -le $((bytes + SLACK)) ] || { echo "$1 $5: $bound said, but only $bytes written" && failed=1; }
}
case $(uname -m) in x86_64)
  levels="generic x86-64-v2"
  grep -q avx2 /proc/cpuinfo && levels="$levels x86-64-v3"
  grep -q avx512vl /proc/cpuinfo && levels="$levels x86-64-v4"
  for level in $levels; do
    for pair in l:l_step l:l_reset g:g_run c:c_run; do
      build "${pair%:*}" --target "$level"
      measured "$level" "$cc" "" "${pair%:*}" "${pair#*:}"
    done
  done
  build g --target generic -O0
  measured "generic -O0" "$cc" "" g g_run
  ;;
esac
if command -v aarch64-linux-gnu-gcc >/dev/null && command -v qemu-aarch64 >/dev/null; then
  for pair in l:l_step g:g_run c:c_run; do
    build "${pair%:*}" --target aarch64
    measured aarch64 "aarch64-linux-gnu-gcc -static" qemu-aarch64 "${pair%:*}" "${pair#*:}"
  done
fi
# push, vpush and sub sp of the function, which calls no other
frame() { # ENTRY
  arm-none-eabi-objdump -d --no-show-raw-insn "$dir/m.o" | awk -v entry="<$1>:" '
    function registers(list,  n, i, part, ends, sum) {
      gsub(/[{} ]/, "", list)
      n = split(list, part, ",")
      for (i = 1; i <= n; i++) {
        if (split(part[i], ends, "-") == 2) sum += substr(ends[2], 2) - substr(ends[1], 2) + 1
        else sum++
      }
      return sum
    }
    /^[0-9a-f]+ </ { inside = $2 == entry }
    inside && /[ \t](push|stmdb|vpush)[.\tw]/ { match($0, /\{.*\}/); bytes += ($0 ~ /vpush/ ? 8 : 4) * registers(substr($0, RSTART, RLENGTH)) }
    inside && /[ \t](sub|sub\.w|subw)\tsp,/ { match($0, /#[0-9]+/); bytes += substr($0, RSTART + 1, RLENGTH - 1) }
    inside && /[ \t](add|add\.w|addw|ldr|bx|pop|b)\t/ && bytes { exit }
    END { print bytes + 0 }'
}
if command -v arm-none-eabi-objdump >/dev/null; then
  for core in cortex-m4 cortex-m7 cortex-m33; do
    build l --target $core
    bytes=$(frame l_step) bound=$(said l_step)
    echo "$core l_step: $bytes in the disassembly, $bound said" >&2
    [ "$bytes" = "$bound" ] || { echo "$core: $bytes in the disassembly, $bound said" && failed=1; }
  done
fi

# where it is said, and the budget
"$grus" build "$dir/l.grus" --weights=random:1 --target cortex-m4 -o "$dir/m.o" >"$dir/said"
bytes=$(sed -n 's/^stack of a call: l_step \([0-9,]*\) bytes.*/\1/p' "$dir/said" | tr -d ,)
grep -q "^#define L_STACK_BYTES $bytes " "$dir/m.h" || { echo "the header does not say $bytes" && failed=1; }
grep -q '^#define L_FLASH_BYTES .*of the object' "$dir/m.h" || { echo "the header does not say the flash" && failed=1; }
"$grus" build -q "$dir/l.grus" --weights=random:1 --target cortex-m4 -o "$dir/n.o" --max-stack "$bytes" || { echo "--max-stack $bytes" && failed=1; }
code=0
"$grus" build -q "$dir/l.grus" --weights=random:1 --target cortex-m4 -o "$dir/o.o" --max-stack $((bytes - 1)) >"$dir/said" 2>&1 || code=$?
grep -q '^error.E806' "$dir/said" && [ $code = 4 ] && [ ! -e "$dir/o.o" ] || { echo "over the budget ($code): $(cat "$dir/said")" && failed=1; }
# by a C compiler: what it says itself
CC=$cc "$grus" build "$dir/g.grus" --weights=random:1 -o "$dir/m.o" --json >"$dir/said"
measured "$cc" "$cc" "" g g_run
exit $failed
