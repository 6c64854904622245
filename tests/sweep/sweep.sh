#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# sh sweep.sh GRUS SHIM ARRAYS FIXTURES POINTS [WORD [LLVM [DISK]]]: every command with every allocation and every call that touches a
# file failing in turn, once and for ever (shim.c), a disk that is full at every size, and a process
# that is killed at any moment. POINTS of each, evenly spread; 0: all there are. With WORD
# only commands that have it among theirs, such as import. LLVM: points of what LLVM allocates, thousands
# of pieces for each command, and DISK: sizes of the disk, bytes of outputs; as many as POINTS unless they are given.
#
# Each ends with the exit code of success or 3 (a model that cannot be read may give 1), never by a
# signal; its outputs are those of before or the new ones, all of them; nothing is left beside them.
set -u
GRUS=$1
SHIM=$2
ARRAYS=$3
FIXTURES=$4
POINTS=$5
WORD=${6:-}
LLVM=${7:-$POINTS}
DISK=${8:-$POINTS}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tmp" "$work/old" "$work/new" "$work/dir"
TMPDIR=$work/tmp
LC_ALL=C
# Of a sanitized build: a report has an exit code of its own, and what libraries lose when they fail is not counted.
ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0:allocator_may_return_null=1:exitcode=99:handle_abort=0
UBSAN_OPTIONS=exitcode=99
export TMPDIR LC_ALL ASAN_OPTIONS UBSAN_OPTIONS
cd "$work/dir" || exit 2
runs=0
failures=0
input=/dev/null
in_place= # whether a command that fails may have written its output, whole, before
bad() {
  failures=$((failures + 1))
  [ $failures -gt 40 ] || printf '%s: %s\n' "$what" "$*"
}
# The folder as it was before the command: its inputs, and outputs of another model.
fresh() {
  rm -rf "$work/dir"/* "$work/dir"/.g* "$work/tmp"/*
  cp -r "$work"/in/* .
  [ -z "$(ls "$work/old")" ] || cp -r "$work"/old/* .
}
same_as() { # FOLDER: all outputs of it are here
  for file in "$work/$1"/*; do
    if [ -d "$file" ]; then
      diff -qr "$file" "./${file##*/}" >/dev/null 2>&1 || return 1
    elif [ -e "$file" ]; then
      cmp -s "$file" "./${file##*/}" || return 1
    fi
  done
}
find_stray() { # FOLDER: $stray is a file beside the inputs and the outputs of it; none: empty
  for stray in ./* ./.[!.]* "$work"/tmp/* "$work"/tmp/.[!.]*; do
    [ ! -e "$stray" ] || [ -e "$work/in/$stray" ] || [ -e "$work/$1/$stray" ] || return 0
  done
  stray=
}
# Whether a sanitizer reports something in a process that grus starts, whose exit code it keeps to itself (the shim lets
# its standard error be), but for what happens inside libhdf5, for which that process is there.
report='ERROR: [A-Za-z]*Sanitizer|runtime error:'
reported() {
  grep -qE "$report" "$work/said" || return
  case $(grep -E '^ *#[0-9]+ ' "$work/said" | grep -oE 'libhdf5|libgrus|bin/grus' | head -1) in
  libhdf5) return 1 ;;
  '') ! grep -q 'Sanitizer: stack-overflow' "$work/said" ;; # it calls itself without end, and nothing can be told of a full stack
  esac
}
check() { # CODE ALLOWED STRICT: the state after a run, of which a folder is made that is as before
  runs=$((runs + 1))
  # The dynamic loader ends a process for whose thread-local data, or table of unique names, it has no memory.
  if [ "$1" = 127 ] && grep -qE 'thread-local data: ABORT|^out of memory$' "$work/said"; then fresh && return; fi
  case " $2 " in *" $1 "*) ;; *) bad "exit code $1: $(tail -1 "$work/said")" ;; esac
  ! reported || bad "exit code $1, and a report: $(grep -m1 -E "$report" "$work/said")"
  state=old
  [ "$1" != 0 ] || state=new
  find_stray $state
  if [ -z "$stray" ] && same_as $state; then
    [ $state = old ] || fresh
    return
  fi
  if [ -n "$in_place" ]; then
    find_stray new
    if [ -z "$stray" ] && same_as new; then fresh && return; fi
  fi
  [ "$3 $1" = 'loose 3' ] || [ "$3 $1" = 'loose 1' ] || bad "exit code $1, and ${stray:-outputs that are not the $state ones}${stray:+ is left}"
  fresh
}
each() { # COUNT POINTS: the points
  n=$1
  step=1
  [ "$2" = 0 ] || step=$((n / $2 + 1))
  at=1
  while [ $at -le "$n" ]; do
    echo $at
    at=$((at + step))
  done
}
# One process for many runs (shim.c).
serve() { # command...
  rm -f "$work/ask" "$work/answer"
  mkfifo "$work/ask" "$work/answer"
  SHIM_SERVE=1 SHIM_INPUT=$input LD_PRELOAD=$SHIM "$@" 8<"$work/ask" 9>"$work/answer" >>"$work/said" 2>&1 </dev/null &
  exec 3>"$work/ask" 4<"$work/answer"
}
run() { # SETTINGS: $code of a run
  : >"$work/said"
  printf '%s\n' "$1" >&3
  read -r code <&4 || code='that nobody told'
}
sweep() { # ALLOWED command...
  allowed=$1
  shift
  name="$*"
  case " $name " in *" ${WORD:-$1} "*) ;; *) return ;; esac
  fresh
  "$@" >"$work/said" 2>&1 <"$input" || { what=$name; bad "fails as it is: $(tail -1 "$work/said")"; return; }
  rm -rf "$work"/new/*
  for file in *; do [ -e "$work/in/$file" ] || cp -r "$file" "$work/new/"; done
  size=$(find "$work/new" -type f -exec cat {} + | wc -c)
  fresh
  serve "$@"
  for kind in memory llvm files; do
    points=$POINTS
    [ $kind != llvm ] || points=$LLVM
    run "SHIM_KIND=$kind SHIM_COUNT=$work/count"
    fresh
    read -r count <"$work/count"
    for at in $(each "$count" "$points"); do
      what="$name, $kind $at of $count, once"
      run "SHIM_KIND=$kind SHIM_AT=$at SHIM_ONCE=1"
      check "$code" "0 $allowed" strict
      what="$name, $kind $at of $count and on"
      run "SHIM_KIND=$kind SHIM_AT=$at"
      check "$code" "0 $allowed" loose
    done
  done
  for at in $(each "$size" "$DISK"); do
    what="$name, disk full at $at of $size"
    run "SHIM_FULL=$at"
    check "$code" "0 $allowed" strict
  done
  exec 3>&- 4<&-
  wait
}
killed() { # command...: each output is the old one or the new one, whole, wherever it was killed
  for delay in 0.001 0.003 0.006 0.01 0.015 0.02 0.03 0.05; do
    what="$*, killed after $delay s"
    fresh
    "$@" >"$work/said" 2>&1 </dev/null &
    pid=$!
    sleep $delay
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    runs=$((runs + 1))
    for file in "$work"/new/*; do
      short=${file##*/}
      cmp -s "$file" "$short" || { [ -e "$work/old/$short" ] && cmp -s "$work/old/$short" "$short"; } || { [ ! -e "$work/old/$short" ] && [ ! -e "$short" ]; } || bad "$short is neither old nor new"
    done
  done
}
at_once() { # two builds of one pair: its halves belong together, whoever was last
  what='two builds of one pair'
  fresh
  rm -f "$work/tmp/paused" "$work/tmp/go"
  SHIM_PAUSE=$work/tmp LD_PRELOAD=$SHIM "$GRUS" build m.grus --weights=random:1 -q --prefix first -o m.c 2>"$work/said" &
  first=$!
  n=0
  while [ ! -e "$work/tmp/paused" ] && [ $n -lt 1000 ]; do sleep 0.01 && n=$((n + 1)); done
  [ -e "$work/tmp/paused" ] || bad 'the first did not come to its second file'
  "$GRUS" build m.grus --weights=random:1 -q --prefix second -o m.c 2>>"$work/said" &
  second=$!
  sleep 0.3
  : >"$work/tmp/go"
  wait $first || bad "the first failed: $(tail -1 "$work/said")"
  wait $second || bad "the second failed: $(tail -1 "$work/said")"
  runs=$((runs + 2))
  for prefix in first second; do
    [ "$(grep -c "${prefix}_" m.h)" -gt 0 ] && [ "$(grep -c "${prefix}_" m.c)" -gt 0 ] && return
  done
  bad 'the source and the header are of different builds'
}

mkdir "$work/in"
cat >"$work/in/m.grus" <<'END'
grus 1
model m {
  in  x : f32[time 6, 3]
  out y : f32[2] = x |> GRU(5) |> last |> Dense(2)
}
END
cp "$FIXTURES/onnx/fixtures/gru_after.onnx" "$work/in/g.onnx"
keras=$(find "$FIXTURES/keras" -name '*.keras' | sort | head -1)
cp "$keras" "$work/in/k.keras"
# One of each other format that is read: small files.
foreign='keras/fixtures/lstm.h5 keras/fixtures/conv_lstm.keras graph/tflite/fixtures/embedding.tflite
  graph/fixtures/state_in_buffer.pt2 graph/script/fixtures/policy.pt graph/script/fixtures/scripted_gru.pt
  graph/fixtures/tf_lists.pb graph/fixtures/old.saved_model audio/fixtures/nam_linear.nam'
tensors='torch/fixtures/cells.safetensors pickle/fixtures/legacy.pth'
for file in $foreign $tensors; do
  cp -r "$FIXTURES/$file" "$work/in/" || exit 2
done
"$ARRAYS" npy "$work/in/x.npy" '<f4' C 6,3 ramp:18
cd "$work/dir" && cp -r "$work"/in/* . || exit 2
# Outputs of before: of other models.
sed 's/GRU(5)/GRU(6)/' m.grus >"$work/other.grus"
"$GRUS" build "$work/other.grus" --weights=random:2 -q -o m.c && cp m.c m.h "$work/old/" || exit 2
sweep 3 "$GRUS" build m.grus --weights=random:1 -q -o m.c
killed "$GRUS" build m.grus --weights=random:1 -q -o m.c
at_once
sweep 3 "$GRUS" build m.grus --weights=random:1 -q --json -o m.c -MD -MF m.d
rm "$work"/old/*
sweep 3 "$GRUS" check m.grus
# A session of an editor, with every request.
said() { printf 'Content-Length: %s\r\n\r\n%s' ${#1} "$1"; }
{
  tail -c +2 "$FIXTURES/../fuzz/lsp/corpus/look"
  said '{"jsonrpc":"2.0","id":99,"method":"shutdown"}'
  said '{"jsonrpc":"2.0","method":"exit"}'
} >"$work/session"
input=$work/session
sweep 3 "$GRUS" lsp
input=/dev/null
# A file that is written where it was. What comes after a fix, which is whole and said, may fail by itself.
printf 'grus 1\nmodel f {\n in x : f32[time 6, 3]\n out y : f32[2] = x |> GRU(5) |> last |> GRU(4) |> last |> Dense(2)\n}\n' >"$work/old/f.grus"
in_place=yes
sweep 3 "$GRUS" check --fix f.grus
in_place=
sweep 3 "$GRUS" fmt f.grus
rm "$work"/old/*
sweep 3 "$GRUS" inspect m.grus --svg --weights=random:1
sweep 3 "$GRUS" build m.grus --weights=random:1 -q -o m.o
sweep 3 "$GRUS" build m.grus --weights=random:1 -q --emit=lib -o libm.a
sweep 3 "$GRUS" build m.grus --weights=random:1 -q -O0 --emit=exe -o program
for output in m.so m.wasm m.s m.ll m.bc m.kir m.duckdb_extension; do
  sweep 3 "$GRUS" build m.grus --weights=random:1 -q -O0 -o $output
done
"$GRUS" build "$work/other.grus" --weights=random:2 -q --emit=package -o "$work/old/package" || exit 2
sweep 3 "$GRUS" build m.grus --weights=random:1 -q --emit=package -o package
rm -r "$work"/old/*
sweep 3 "$GRUS" build m.grus --weights=random:1 -q --emit=package --zip -o package
# What programs read and write, each in a form of its own.
sed 's/time 6/time 4/' m.grus >"$work/program.grus"
sed 's/time 6, 3/time .., 2/; s/last |> //; s/f32.2./f32[time .., 2]/' m.grus >"$work/stream.grus"
watched=cc # with a sanitized grus, sanitized programs
! ldd "$GRUS" | grep -q libasan || watched='cc -fsanitize=address,undefined -fno-sanitize-recover=all'
for program in program stream; do
  CC=$watched "$GRUS" build "$work/$program.grus" --weights=random:1 -q -O0 --emit=exe -o "$work/in/$program" || exit 2
done
"$ARRAYS" npy "$work/in/p.npy" '<f4' C 4,3 ramp:12
"$ARRAYS" npy "$work/in/columns.npy" '<f4' F 4,3 ramp:12
"$ARRAYS" wav "$work/in/p.wav" 8000 2 16 ramp:40
"$ARRAYS" raw "$work/in/p.s16" '<i2' ramp:40
printf 'a,b,c\n1,2,3\n4,5,6\n7,8,9\n.1,.2,.3\n' >"$work/in/p.csv"
printf 'id,a,b,c\nk,1,2,3\nk,4,5,6\nk,7,8,9\nk,.1,.2,.3\n' >"$work/in/ids.csv"
printf '{"x": [[1,2,3],[4,5,6],[7,8,9],[0,0,0]]}\n' >"$work/in/p.jsonl"
cp "$FIXTURES/../host/fixtures/many.npz" "$work/in/"
sweep 3 ./program x=p.npy y=y.npy
sweep 3 ./program x=columns.npy y=y.csv
sweep 3 ./program x=p.csv y=y.npy
sweep 3 ./program x=ids.csv y=y.npy --id id
sweep 3 ./program x=p.jsonl y=y.jsonl
sweep 3 ./program x=many.npz --out y.npz
sweep 3 ./stream x=p.wav y=y.wav
sweep 3 ./stream x=p.s16 y=y.f64
rm "$work"/in/p.* "$work/in/many.npz" "$work/in/columns.npy" "$work/in/ids.csv" "$work/in/program" "$work/in/stream"
sweep 3 "$GRUS" run m.grus --weights=random:1 --backend=llvm x=x.npy y=y.npy
sweep 3 "$GRUS" verify m.grus --weights=random:1 --backend=llvm x=x.npy
in_place=yes # what these print comes after their file, which is whole
sweep 3 "$GRUS" weights m.grus --weights=random:1 -o w.bin
sweep 3 "$GRUS" calibrate m.grus --precision=i8 --weights=random:1 x=x.npy -o m.ranges
in_place=
cp "$work/in/g.onnx" . && "$GRUS" import g.onnx -q -o g.grus 2>/dev/null && for file in g.grus g.safetensors; do [ -e $file ] && echo old >"$work/old/$file"; done
sweep "1 3" "$GRUS" import g.onnx -q -o g.grus
rm "$work"/old/*
sweep "1 3" "$GRUS" import k.keras -q -o k.grus
for model in $foreign; do
  # shellcheck disable=SC2046 # words
  sweep "1 3" "$GRUS" import "${model##*/}" -q -o foreign.grus $(case $model in *scripted*) echo --time 6 ;; esac)
done
for model in $tensors; do
  sweep "1 3" "$GRUS" import "${model##*/}" --list
  sweep "1 3" "$GRUS" import "${model##*/}" --template
done
printf '%s runs, %s failures\n' $runs $failures
[ $failures -eq 0 ]
