#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# sh onnx_files.sh GRUS [VALGRIND]: what grus says of the files in onnx/, the same with every read of
# memory watched.
set -u
GRUS=$1
VALGRIND=${2:-}
cd "$(dirname "$0")/onnx" || exit 2
for file in *.onnx; do
  printf '$ grus check %s\n' "$file"
  # shellcheck disable=SC2086  # nothing, or a command and its options
  ${VALGRIND:+"$VALGRIND" -q --error-exitcode=99} "$GRUS" check "$file" 2>&1
  printf '[%s]\n' $?
done
