#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# cost.sh GRUS SOURCE MODELS: the import of a file of 19 MB takes no more than eight times its size of
# memory, and no more than a second without the comparison of model and graph.
grus=$1 source=$2 model=$3/captcha_crnn
[ -d "$model" ] || { echo "skipped: $model is not here"; exit 77; }
for needed in python3 /usr/bin/time; do
  [ -n "$(command -v $needed)" ] || { echo "skipped: $needed is not installed"; exit 77; }
done
exec python3 "$source/bench/imports" --most 8 "$grus" "$model"
