#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Completions in the shells themselves: values of options, files by their ending, names for `explain`.
#
#   completions.sh GRUS ...
. "$(dirname "$0")/lib.sh"

mkdir sub
: >model.grus
: >weights.safetensors
: >notes.txt
: >"with blank.grus"
: >net.onnx
"$GRUS" completions bash >grus.bash
"$GRUS" completions zsh >_grus
"$GRUS" completions fish >grus.fish
targets=$("$GRUS" completions bash | sed -n "s/.*--target) .*-W 'native help \([^']*\)'.*/\1/p")

say bash
cat >ask.bash <<'END'
. ./grus.bash
ask() {
  COMP_WORDS=(grus "$@")
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  _grus
  printf '%s:' "$*"
  printf ' %s' "${COMPREPLY[@]}" | head -c 200
  echo
}
ask ver
ask build --bat
ask build --emit ''
ask build --emit = h
ask build --backend =
ask check --fix = ''
ask build --target cortex-m
ask build --weights ''
ask check ''
ask fmt mod
ask import n
ask build model.grus -I ''
ask explain dense_per
ask completions ''
ask lsp ''
ask man bu
ask verify --tol ''
ask check --diagnostics ''
ask check --werror = late
END
bash ask.bash

if command -v fish >/dev/null; then
  say fish
  for line in 'ver' 'build --bat' 'build --emit ' 'build --target cortex-m' 'check m' 'build --weights ' 'explain dense_per' 'completions '; do
    printf '%s:\n' "$line"
    HOME=$PWD fish -N -c "source grus.fish; complete -C 'grus $line'" 2>&1 | sed 's/^/  /; s/\t.*//' | head -12
  done
else
  echo "completions: fish is not installed; skipped" >&2
  exit 77
fi

if command -v zsh >/dev/null; then
  say zsh
  cat >ask.zsh <<'END'
zmodload zsh/zpty
ask() {
  local line all= n=0
  zpty z "HOME=$PWD TERM=dumb zsh -f -i"
  zpty -w z $'PS1=; fpath=($PWD $fpath); autoload -U compinit; compinit -u -d ./dump; LISTMAX=10000; print READ\'\'Y'
  while (( n++ < 200 )); do
    sleep 0.05
    zpty -rt z line && [[ $line == *READY* ]] && break
  done
  zpty -w -n z "grus $1"$'\t\t'
  # until what is looked for has come, and a pause after it
  local quiet=0
  n=0
  while (( n++ < 400 && quiet < 8 )); do
    sleep 0.05
    print -r -- $all | grep -q "$2" && (( quiet++ ))
    while zpty -rt z line; do all+=$line; quiet=0; done
  done
  zpty -d z
  print -r -- "$1:" $(print -r -- $all | tr -c '[:print:]' ' ' | grep -o "$2" | sort -u)
}
ask 'build --emit=' 'header\|obj\|kir'
ask 'build --target cortex-' 'cortex-m[0-9]*'
ask 'check ' 'model.grus\|notes.txt\|net.onnx'
ask 'build --ba' 'batch\|compute N samples per call\|make machine code'
ask 'expl' 'explain'
END
  zsh -n _grus && zsh -f ask.zsh
else
  echo "completions: zsh is not installed; skipped" >&2
  exit 77
fi

say "every word that is offered is taken"
printf 'grus 1\nmodel m {\n  in  x : f32[4]\n  out y : f32[4] = x |> relu\n}\n' >m.grus
for option in emit backend O c-arrays scratch vectors math diagnostics color; do
  dash=--
  [ $option = O ] && dash=-
  for word in $(sed -n "s/^  $dash$option) COMPREPLY=(.*-W '\([^']*\)'.*/\1/p" grus.bash); do
    join=' '
    "$GRUS" build $dash$option$join"$word" m.grus -q -o out.file >out 2>&1
    [ $? -ne 2 ] || grep -q "ends in\|must end\|not in this\|is for\|writes NAME" out || { echo "$dash$option $word: refused"; cat out; }
  done
done
for target in $targets; do
  "$GRUS" inspect -q --target "$target" m.grus >out 2>&1 || { echo "--target $target: refused"; cat out; }
done
[ "$(echo $targets | wc -w)" -gt 10 ] || echo "only targets $targets"
