#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Quantised files from import to integers without a calibration: what is written, that it builds in every precision, and
# how near the results are to what the runtime of the file computes. What has no scale in the file is named.
#   ranges.sh GRUS
set -u
grus=$1
fixtures=$(cd "$(dirname "$0")/fixtures" && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

import() {
  echo "\$ grus import $1"
  "$grus" import "$fixtures/$1" | grep -E '^(wrote|note: .*(scales|ranges|127 steps|32 bits))'
}

# as_recorded NAME PRECISION DECIBELS...: the least ratio to what was recorded.
as_recorded() {
  name=$1
  shift
  while [ $# -gt 0 ]; do
    "$grus" verify "$name.grus" --precision "$1" --against "$fixtures/$name.npz" --snr "$2dB" >said 2>&1
    status=$?
    [ $status = 0 ] || cat said
    echo "$name in $1, $2 dB: [$status]"
    shift 2
  done
}

import static_conv.onnx
sed 's/sha256 .*/sha256 .../' static_conv.ranges
as_recorded static_conv i8 100 i16 100 i16x16 100
echo
echo "# without the stages that round, for a core without a floating-point unit"
"$grus" build static_conv.grus --precision i8 --target cortex-m0 -q -o none.h 2>&1 | grep -c 'error.E703.*round'
sed '/|> round(step=/d' static_conv.grus >plain.grus
sed '/[.]round/d' static_conv.ranges >plain.ranges
"$grus" build plain.grus --precision i8 --target cortex-m0 -q -o plain.h
"$grus" verify plain.grus --precision i8 --against "$fixtures/static_conv.npz" --snr 30dB >said 2>&1
echo "static_conv without round in i8, 30 dB: [$?]"

echo
import static_lstm.onnx
grep '[.]c ' static_lstm.ranges
as_recorded static_lstm i8 46 i16 50 i16x16 50
echo
import lstm_int8.tflite
sed 's/sha256 .*/sha256 .../' lstm_int8.ranges
as_recorded lstm_int8 i8 37 i16 43 i16x16 43
echo
import conv_int8.tflite
as_recorded conv_int8 i8 32 i16 40 i16x16 40
echo
import conv_16x8.tflite
as_recorded conv_16x8 i8 32 i16 74 i16x16 74

echo
import ../../graph/tflite/fixtures/int8_svdf.tflite
"$grus" verify int8_svdf.grus --precision i8 >said 2>&1
echo "int8_svdf in i8: [$?]"

echo
echo "# without a file of ranges: the quantised file itself"
"$grus" verify "$fixtures/static_conv.onnx" --precision i8 --against "$fixtures/static_conv.npz" --snr 100dB >said 2>&1
echo "static_conv.onnx in i8, 100 dB: [$?]"

echo
import four_bits.onnx
as_recorded four_bits i8 35 i16 35 i16x16 100
echo
import wide_bytes.onnx
as_recorded wide_bytes i8 30 i16 30 i16x16 100
"$grus" import "$fixtures/no_scale.onnx" 2>&1 | sed "s|$fixtures/||"

echo
import long_rows.onnx
as_recorded long_rows i8 100 i16 40

echo
import rows.onnx
echo 'grus-ranges 1' >rows.ranges
"$grus" run rows.grus --precision i8 "x=$fixtures/rows.csv" | cut -d, -f3 | cut -c 1-7

echo
echo "# what the file leaves open"
import real_first.onnx
"$grus" build real_first.grus --precision i16 -o none.h 2>&1
ls none.h 2>/dev/null
"$grus" calibrate real_first.grus "x=$fixtures/real_first.npz" --precision i16 -q >/dev/null 2>said || cat said
as_recorded real_first i16 40
import real_beside.tflite
import one_end.onnx

echo
echo "# all files or none"
mkdir -p taken/kept.ranges
"$grus" import "$fixtures/lstm_int8.tflite" -o taken/kept.grus 2>&1
echo "[$?]"
ls taken
