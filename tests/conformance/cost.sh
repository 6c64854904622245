#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# cost.sh GRUS SOURCE MODELS: imports of a file of 19 MB with weights of 32 bits and of files of 6 MB
# with weights of 8 bits (make_bytes.py) take no more than six and twelve times their size of memory,
# and no more than a second, or half a second, without the comparison of model and graph.
set -e
grus=$1 source=$2 model=$3/captcha_crnn
for needed in python3 /usr/bin/time; do
  [ -n "$(command -v $needed)" ] || { echo "skipped: $needed is not installed"; exit 77; }
done
bytes=$(mktemp -d)
trap 'rm -rf "$bytes"' EXIT
python3 "$source/tests/conformance/make_bytes.py" "$bytes"
python3 "$source/bench/imports" --most 12 --seconds 0.5 "$grus" "$bytes"
[ -d "$model" ] || { echo "skipped: $model is not here"; exit 77; }
python3 "$source/bench/imports" --most 6 "$grus" "$model"
