#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Every kind of output is the same, byte for byte, wherever and however it is built: in another folder, with another
# time zone, locale, umask, home, user, without randomised addresses, beside other builds.
. "$(dirname "$0")/lib.sh"
cat >m.grus <<'END'
grus 1
## A model.
model m {
  in  x : f32[time .. @ 16kHz, 4]   ## samples
  out y : f32[time .., 3] = x |> GRU(9) |> Dense(3, precision=f16) |> tanh
}
END
cp "$root/tests/conformance/onnx/fixtures/gru_after.onnx" g.onnx
outputs() { # FOLDER, relative: all kinds of output
  "$GRUS" build m.grus --weights=random:1 -q -o "$1/m.c" -MD -MT m.c -MF "$1/m.d"
  for kind in header obj lib exe asm llvm bc kir; do
    "$GRUS" build m.grus --weights=random:1 -q --emit=$kind -o "$1/out_$kind" 2>>"$1/said"
  done
  CC=cc "$GRUS" build m.grus --weights=random:1 -q --backend=c --emit=obj -o "$1/by_cc.o" 2>>"$1/said"
  "$GRUS" build m.grus --weights=random:1 -q --target=x86-64-v3 -o "$1/wide.c" --math=fast --batch 3
  for form in --svg --dot --json; do "$GRUS" inspect m.grus --weights=random:1 $form >"$1/inspect$form"; done
  "$GRUS" import g.onnx -q -o "$1/g.grus"
  "$GRUS" check --diagnostics=sarif m.grus 2>"$1/sarif"
  "$GRUS" man >"$1/man"
  "$GRUS" completions zsh >"$1/zsh"
}
mkdir first
outputs first
same() { # WHAT FOLDER
  for file in first/*; do
    cmp -s "$file" "$2/${file##*/}" || printf '%s: %s differs\n' "$1" "${file##*/}"
  done
  echo "$1: compared $(ls first | wc -l) files"
}
mkdir "$work/a folder elsewhere" && cp m.grus g.onnx "$work/a folder elsewhere"
(cd "$work/a folder elsewhere" && mkdir second && outputs second)
same "another folder" "$work/a folder elsewhere/second"
mkdir zone
(TZ=Pacific/Kiritimati SOURCE_DATE_EPOCH=1 outputs zone)
same "another time zone" zone
mkdir locale
(LC_ALL=de_DE.UTF-8 LANG=de_DE.UTF-8 LC_NUMERIC=de_DE.UTF-8 outputs locale)
same "a locale with commas" locale
mkdir mask
(umask 077 && HOME=/nonexistent USER=somebody outputs mask)
same "another umask and home" mask
if command -v setarch >/dev/null && setarch -R true 2>/dev/null; then
  mkdir fixed
  (setarch -R "$GRUS" build m.grus --weights=random:1 -q -o fixed/m.c && setarch -R "$GRUS" build m.grus --weights=random:1 -q --emit=obj -o fixed/out_obj)
  cmp first/m.c fixed/m.c && cmp first/out_obj fixed/out_obj
fi
echo "addresses that are not random: compared 2 files"
mkdir one two three
outputs one &
outputs two &
outputs three &
wait
for folder in one two three; do same "beside other builds" $folder; done
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
  chmod 777 . "$work" "$TMPDIR"
  mkdir -m 777 other
  setpriv --reuid=65534 --clear-groups "$GRUS" build m.grus --weights=random:1 -q -o other/m.c 2>/dev/null
  setpriv --reuid=65534 --clear-groups "$GRUS" build m.grus --weights=random:1 -q --emit=obj -o other/out_obj 2>/dev/null
  [ ! -e other/m.c ] || { cmp first/m.c other/m.c && cmp first/out_obj other/out_obj; }
fi
echo "another user: compared 2 files"
