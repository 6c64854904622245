#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# sh halves.sh GRUS FOLDER: what import says of models that compute in 16 bits, and whether their outputs are those of
# their own framework but for the rounding of these bits (2^-8 of a number in bfloat16).
set -u
work=$(mktemp -d) && cd "$2" || exit 1
trap 'rm -rf "$work"' EXIT
for file in *.onnx *.pt *.pt2 *.pb *.tflite *.keras; do
  case $file in
  all.pt) sizes='--set input.0=1 --set input.1=5 --set input.2=4' ;;
  *.pt) sizes='--set x.0=1 --set x.1=5 --set x.2=4' ;;
  *) sizes= ;;
  esac
  # shellcheck disable=SC2086
  "$1" import "$file" $sizes -o "$work/m.grus" >"$work/out" 2>&1
  said=$(sed -n 's/^note: \(.* comput.*\)/\1/p;s/^\(error.*\)/\1/p' "$work/out")
  "$1" verify "$work/m.grus" --against "$file.npz" --atol 0.004 --rtol 0.008 >"$work/out" 2>&1 && same=agrees || same=$(cat "$work/out")
  printf '%s: %s: %s\n' "$file" "$same" "${said:-says nothing}"
done
