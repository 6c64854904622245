#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# sh refusals.sh GRUS FOLDER: what import says of each TensorFlow Lite file in the folder.
set -u
cd "$2" || exit 1
for file in *.tflite; do
  "$1" import "$file" -o none.grus 2>&1 | sed '/^$/d; /^grus: /d'
done
