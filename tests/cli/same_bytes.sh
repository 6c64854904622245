#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Every kind of output is the same, byte for byte, wherever and however it is made: in another folder, with another
# time zone, locale, umask, home, without randomised addresses, beside other builds, by another user.
#   same_bytes.sh GRUS MAKE_WEIGHTS ARRAYS few|all     `few`: another folder, and another umask and environment
. "$(dirname "$0")/lib.sh"
cat >m.grus <<'END'
grus 1
## A model.
model m {
  in  x : f32[time .. @ 16kHz, 4]   ## samples
  out y : f32[time .., 3] = x |> GRU(9) |> Dense(3, precision=f16) |> tanh
}
END
cat >w.grus <<'END'
grus 1
model w {
  in  x : f32[time 6, freq 5, 2]
  out y : f32[3] = x |> Conv2D(4, kernel=(3, 3), padding=same) |> reshape([time 6, 20]) |> LSTM(7) |> last |> Dense(3)
}
END
cat >bad.grus <<'END'
grus 1
model bad {
  in  x : f32[7, 3]
  out y : f32[2] = x |> GRU(4) |> last |> Dnse(2)
}
END
cp "$root/tests/conformance/onnx/fixtures/gru_after.onnx" g.onnx
cp "$root/tests/conformance/keras/fixtures/activations.keras" k.keras
cp "$root/tests/conformance/keras/fixtures/activations.h5" k.h5
cp "$root/tests/conformance/graph/tflite/fixtures/arithmetic.tflite" t.tflite
"$ARRAYS" npy x.npy '<f4' C 40,4 ramp:160

# All kinds of output: sh outputs.sh FOLDER. Not all foreign models must be importable, but all must say the same.
cat >outputs.sh <<'END'
to=$1
"$GRUS" build m.grus --weights=random:1 -q -o "$to/m.c" -MD -MT m.c -MF "$to/m.d"
for kind in header obj lib shared exe asm llvm bc kir; do
  level=2
  [ $kind != exe ] || level=0 # its host half is compiled by cc
  "$GRUS" build m.grus --weights=random:1 -q -O$level --emit=$kind -o "$to/out_$kind" 2>>"$to/said"
done
"$GRUS" build m.grus --weights=random:1 -q -o "$to/out.duckdb_extension" 2>>"$to/said"
CC=cc "$GRUS" build m.grus --weights=random:1 -q --backend=c --emit=obj -o "$to/by_cc.o" 2>>"$to/said"
"$GRUS" build m.grus --weights=random:1 -q --target=x86-64-v3 -o "$to/wide.c" --math=fast --batch 3
"$GRUS" build m.grus --weights=random:1 -q --target=multi -o "$to/multi.c"
"$GRUS" build m.grus --weights=random:1 -q -o "$to/iso.c" --vectors iso
"$GRUS" build m.grus --weights=random:1 -q --dispatch -o "$to/dispatch.c"
"$GRUS" build m.grus --weights=extern -q -o "$to/extern.c"
"$GRUS" build w.grus --weights=random:1 -q --target=cortex-m4 --scratch static --c-arrays flat -o "$to/small.c" --json >"$to/small.json"
for precision in bf16 w8 i8 i16 i16x16; do
  "$GRUS" build w.grus --weights=random:1 -q --precision=$precision -o "$to/w_$precision.c"
done
for stage in parse resolve infer bind quantise lower; do
  "$GRUS" build w.grus --weights=random:1 -q --precision=i16 --dump-after $stage -o "$to/dumped.c" >"$to/dump_$stage"
done
for form in --svg --dot --json --html; do "$GRUS" inspect m.grus --weights=random:1 $form >"$to/inspect$form"; done
"$GRUS" inspect w.grus --weights=random:1 >"$to/inspect"
for model in g.onnx k.keras k.h5 t.tflite; do
  "$GRUS" import $model -q -o "$to/from_${model#*.}.grus" 2>>"$to/said"
done
for format in human short gcc json sarif; do
  "$GRUS" check --diagnostics=$format bad.grus m.grus 2>"$to/check_$format"
done
"$GRUS" run m.grus --weights=random:1 -q x=x.npy y="$to/y.npy"
"$GRUS" run m.grus --weights=random:1 -q x=x.npy y="$to/y.csv"
"$GRUS" run m.grus --weights=random:1 -q x=x.npy y="$to/y.wav"
"$GRUS" calibrate m.grus --weights=random:1 -q --precision i16 x=x.npy -o "$to/m.ranges" >"$to/calibrated" 2>&1
"$GRUS" fmt <bad.grus - >"$to/formatted" 2>>"$to/said"
"$GRUS" explain E301 >"$to/explained"
"$GRUS" man >"$to/man"
for shell in bash zsh fish; do "$GRUS" completions $shell >"$to/$shell"; done
END
export GRUS
mkdir first
sh outputs.sh first
same() { # WHAT FOLDER
  compared=0
  for file in first/*; do
    if cmp -s "$file" "$2/${file##*/}"; then
      compared=$((compared + 1))
    else
      printf '%s: %s differs\n' "$1" "${file##*/}"
      diff "$file" "$2/${file##*/}" | head -n 5
    fi
  done
  [ "$(ls first | wc -l)" -eq "$(ls "$2" | wc -l)" ] || printf '%s: other files\n' "$1"
  echo "$1: $compared files are the same"
}
mkdir "$work/a folder elsewhere" && cp ./*.* "$work/a folder elsewhere"
(cd "$work/a folder elsewhere" && mkdir first && sh outputs.sh first)
same "another folder" "$work/a folder elsewhere/first"
again() { # WHAT command...: `sh outputs.sh first` by command, beside the first folder
  what=$1
  shift
  mkdir -p again
  (cd again && rm -rf ./* && cp ../*.* . && mkdir -m 777 first && "$@" sh outputs.sh first)
  same "$what" again/first
}
umask 077
again "another time zone, home, name and umask" env TZ=Pacific/Kiritimati SOURCE_DATE_EPOCH=1 HOME=/nonexistent USER=somebody
umask 022
[ "${4-}" != few ] || exit 0
mkdir locales
localedef -i de_DE -f UTF-8 locales/de_DE.UTF-8 >/dev/null 2>&1
[ "$(LOCPATH=$PWD/locales LC_ALL=de_DE.UTF-8 locale decimal_point)" = , ] || echo "there is no locale with commas: the package locales has them"
again "a locale with commas" env "LOCPATH=$PWD/locales" LC_ALL=de_DE.UTF-8 LANG=de_DE.UTF-8 LC_NUMERIC=de_DE.UTF-8
if setarch -R true 2>/dev/null; then again "addresses that are not random" setarch -R; else again "addresses that are not random"; fi
for i in 1 2; do
  mkdir -p beside/$i
  (cd beside/$i && cp ../../*.* . && mkdir first && sh outputs.sh first) &
done
wait
for i in 1 2; do same "beside other builds" beside/$i/first; done
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null && setpriv --reuid=65534 --clear-groups test -x "$GRUS"; then
  chmod 777 "$work" "$TMPDIR"
  rm -rf again && mkdir -m 777 again
  again "another user" setpriv --reuid=65534 --clear-groups
else
  again "another user" # there is none to be
fi
