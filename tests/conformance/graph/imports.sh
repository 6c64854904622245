#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# sh imports.sh GRUS FOLDER: what import says of each graph in the folder, a line a file. The graphs
# are made for the evaluator of graphs, so that many hold more than a model can; none may be lifted
# to something else (E905).
set -u
work=$(mktemp -d) && cd "$2" || exit 1
trap 'rm -rf "$work"' EXIT
for file in *.onnx *.pt2 *.pb; do
  if "$1" import "$file" -o "$work/m.grus" >"$work/out" 2>"$work/err"; then
    said=$(sed -n 's/^note: \(checked against the graph of the file\): .*/\1/p' "$work/out")
    printf '%s: %s\n' "$file" "${said:-not checked}"
  else
    printf '%s: %s\n' "$file" "$(sed -n 's/^\(error.*\)/\1/p' "$work/err" | head -n 1)"
  fi
done
