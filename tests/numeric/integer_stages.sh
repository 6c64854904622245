#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Elementwise stages between two layers in integers: compiled code has the bits of the integer evaluator, and its
# outputs are near those in f32, so that neither leaves out an option of the stage. The stages are the last ones of the
# outputs of MODEL...; those that are not defined everywhere, or have no bound, are left out.
#   integer_stages.sh GRUS MODEL...
set -eu
grus=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -n 's/#.*//; s/ *$//; s/^ *out .*|> *//p' "$@" | grep -Ev 'softmax|^(log|cos|sqrt|reciprocal|pow.*)$' | sort -u >"$work/stages"
cd "$work"
awk 'BEGIN { for (t = 0; t < 60; t++) print 2 * sin(t * 0.5) "," 2 * sin(t * 0.7) "," cos(t) }' >x.csv
failed=0 checked=0
while read -r stage; do
  printf 'grus 1\nmodel m {\n  allow double_squash\n  precision i16\n  in  x : f32[time 60, 3]\n  out y : f32[time 60, 2] = x |> Dense(16) |> tanh |> Dense(6) |> %s |> Dense(2)\n}\n' "$stage" >m.grus
  rm -f m.ranges m.q.safetensors
  "$grus" calibrate m.grus x=x.csv x=x.csv --weights random:3 -q >table 2>&1 || {
    echo "$stage: calibrate failed" && cat table && exit 1
  }
  out=$("$grus" verify m.grus x=x.csv --weights random:3 -q 2>&1) || true
  case $out in
  *'  ok') ;;
  *) echo "$stage: $out" && failed=1 ;;
  esac
  awk '/^all/ { sub(".*measured ", ""); found = $1 >= 40 } END { exit !found }' table || {
    echo "$stage: too far from f32" && cat table && failed=1
  }
  checked=$((checked + 1))
done <stages
echo "$checked stages in integers"
[ $checked -gt 15 ] || failed=1
exit $failed
