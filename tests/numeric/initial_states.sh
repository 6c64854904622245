#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Recurrent layers in integers whose initial states lie beyond 1. h of a GRU, and of cells without a bounded
# activation, gets room for them: compiled code has the bits of the integer evaluator, and its outputs are near those
# in f32. Where h is kept between -1 and 1, grus reports E703 and does not cut it off.
#   initial_states.sh GRUS
set -eu
grus=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
awk 'BEGIN { for (t = 0; t < 30; t++) print sin(t * 0.5) "," sin(t * 0.7) "," cos(t) * 0.5 }' >x.csv
awk 'BEGIN { for (j = 0; j < 20; j++) printf "%s%g", j ? "," : "", 3 * sin(j * 1.7); print "" }' >h.csv
mkmodel() {
  printf 'grus 1\nmodel m {\n  in  x : f32[time 30, 3]\n  in  h0 : f32[20]\n  out y : f32[time 30, 2] = x |> %s |> Dense(2)\n}\n' "$1" >m.grus
}
calibrated() {
  rm -f m.ranges m.q.safetensors
  "$grus" calibrate m.grus x=x.csv h0=h.csv x=x.csv h0=h.csv x=x.csv h0=h.csv x=x.csv h0=h.csv x=x.csv h0=h.csv --weights random:1 --precision "$1" -q >table 2>said
}
failed=0
for precision in i16 i8; do
  least=25
  [ $precision = i8 ] || least=40
  for stage in 'GRU(20, init=h0)' 'GRU(20, init=h0, reset=before)' 'GRU(20, init=h0, activation=relu)' 'RNN(20, init=h0, activation=relu)'; do
    mkmodel "$stage"
    calibrated $precision || {
      echo "$stage $precision: calibrate failed"
      cat said
      exit 1
    }
    for target in generic native; do
      out=$("$grus" verify m.grus x=x.csv h0=h.csv --weights random:1 --precision $precision --ranges m.ranges --target $target -q)
      case $out in
      *'the same numbers  ok'*) ;;
      *) echo "$stage $precision $target: $out" && failed=1 ;;
      esac
    done
    # a state that is cut off at 1 gives a few dB
    awk -v least=$least '/^all/ { sub(".*measured ", ""); found = $1 >= least } END { exit !found }' table || {
      echo "$stage $precision: too far from f32"
      cat table
      failed=1
    }
  done
  for stage in 'RNN(20, init=h0)' 'LSTM(20, init=(h0, h0))'; do
    mkmodel "$stage"
    if calibrated $precision; then
      echo "$stage $precision: not refused" && failed=1
    fi
    grep -q 'its initial state reaches 2.9[0-9]*, and integers hold at most 1 here' said || {
      echo "$stage $precision:"
      cat said
      failed=1
    }
  done
done
[ $failed = 0 ] && echo "initial states beyond 1: kept or refused"
exit $failed
