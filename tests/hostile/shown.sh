#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# sh shown.sh GRUS CC STRUCTURE: every printer with names and texts of strangers. What is shown holds nothing that a
# terminal acts on, no line that a name began, nothing that reads backwards; XML is well-formed, C compiles.
set -u
GRUS=$1
CC=$2
STRUCTURE=$3
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
NO_COLOR=1
export NO_COLOR
failures=0
shown=0
evil=$(printf '\033[2J\033]0;title\007 \342\200\256reversed\342\201\246 \302\205 \342\200\250 \177 ')
# Controls but for line ends and tabs; C1; marks and overrides of bidirectional text; separators; bytes
# that are no UTF-8; lines that a name began.
look() { # WHAT FILE
  shown=$((shown + 1))
  if LC_ALL=C grep -nP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf|^::error|^forged' "$2" >found ||
    ! iconv -f UTF-8 -t UTF-8 "$2" >/dev/null 2>&1; then
    printf '%s:\n' "$1"
    head -3 found | cat -v
    failures=$((failures + 1))
  fi
}
run() { # grus ...
  "$GRUS" "$@" >said 2>&1 </dev/null
  look "grus $*" said
}

cat >text.grus <<END
grus 1

## $evil doc of the model */ int injected; /*
model text {
  weights torch "w$evil.safetensors"   # $evil
  in  x : f32[time 6s @ 1Hz, 2] every 2s   ## $evil doc of x */ int injected; /*
  out y : f32[3] = x |> GRU(3, from="p$evil") |> last |> Dense(3, from="quite long name öäüöäüöäüöäüöäüöäü")
}
END
cat >wrong.grus <<END
grus 1
model wrong {
  in  x : f32[time 6, 2]
  out y : f32[3] = x |> GRU(3, from="$evil") |> GRUU(3)   # $evil
}
use "$evil.grus"
END
header='{"a\u001b[31m\nforged\u202e": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}'
for json in "$header" '{"\u001b[31m\n::error::\u202e": {"dtype": "F\u001b[31m", "shape": [1], "data_offsets": [0, 4]}}'; do
  printf "$(printf '\\%03o' "$(printf '%s' "$json" | wc -c)")\\0\\0\\0\\0\\0\\0\\0" >t.safetensors
  printf '%s\0\0\0\0' "$json" >>t.safetensors
  run inspect t.safetensors
  run import --list t.safetensors
  run import --template t.safetensors
  run build text.grus --weights t.safetensors -o t.c
done
cp text.grus "odd$evil.grus"
cp "$here"/onnx/hostile_*.onnx .
for format in human short gcc json sarif; do
  for file in text.grus wrong.grus "odd$evil.grus" "missing$evil.grus" hostile_names.onnx hostile_operator.onnx; do
    run check "--diagnostics=$format" "$file"
  done
  run build "--diagnostics=$format" --weights=random:1 text.grus -o t.c
done
"$GRUS" check --color=always wrong.grus 2>&1 | sed "s/\x1b\[[0-9;]*m//g" >said
look "colours" said
for file in text.grus hostile_names.onnx; do
  for form in "" --json --dot --svg; do
    # shellcheck disable=SC2086  # none or one word
    run inspect $form "$file"
    if [ "$form" = --svg ]; then
      "$GRUS" inspect --svg "$file" 2>/dev/null | "$STRUCTURE" xml || failures=$((failures + 1))
    fi
  done
  for stage in parse resolve infer; do run check --dump-after $stage "$file"; done
done
for name in node edge graph digraph strict subgraph; do # words of DOT
  printf 'grus 1\nmodel %s {\n  in x : f32[2]\n  out y : f32[2] = x |> tanh\n}\n' $name >word.grus
  "$GRUS" inspect --dot word.grus 2>/dev/null | grep -q "^digraph \"$name\" {" || { echo "--dot: $name has no quotes"; failures=$((failures + 1)); }
done
run import hostile_names.onnx -o hostile_names.grus
look "the imported model" hostile_names.grus
run build --weights=random:1 text.grus --emit=kir -o -
run fmt --check "odd$evil.grus"
"$GRUS" build --weights=random:1 -q text.grus --emit=package -o package 2>said || failures=$((failures + 1))
for file in $(find package -type f); do
  look "$file" "$file"
done
run "$evil"
run build "--$evil" text.grus
run build "--target=$evil" --weights=random:1 text.grus -o t.c
run build -D "$evil=1" --weights=random:1 text.grus -o t.c
for form in "" "--scratch=static" "--weights=extern"; do
  weights=--weights=random:1
  case $form in --weights*) weights= ;; esac
  # shellcheck disable=SC2086
  run build $weights $form text.grus -o t.c
  look "t.h $form" t.h
  look "t.c $form" t.c
  "$CC" -std=c99 -Wall -Wextra -Wpedantic -Werror -c t.c -o t.o || failures=$((failures + 1))
  ! nm t.o | grep -q injected || { echo "a doc comment became code"; failures=$((failures + 1)); }
done
"$GRUS" build --weights=random:1 text.grus --emit=exe -o program 2>said && ./program --help >said 2>&1
look "the help of a program" said
printf 'RIFF\0\1\0\0WAVE\033[1m\1\1\0\0' >chunk.wav
./program chunk.wav >said 2>&1
look "a chunk of a .wav file" said

printf '%s outputs looked at, %s failures\n' $shown $failures
[ $failures -eq 0 ]
