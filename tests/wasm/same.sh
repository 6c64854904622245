#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# same.sh KERNEL_TOOL RUNTIME DIR TARGET MODEL...: each model as C and as WebAssembly, run on the same inputs
# by the processor and by Node, gives the same bits; so does a second build of the module.
set -eu
tool=$1 runtime=$2 dir=$3 target=$4
shift 4
here=$(dirname "$0")
command -v node >/dev/null || { echo "skipped: no node"; exit 77; }
rm -rf "$dir"
failed=0 same=0
for model in "$@"; do
  at=$dir/$(basename "$model" .grus)
  mkdir -p "$at"
  "$tool" "$model" "$at" --target="$target" --wasm --calls=3 ${OPTIONS:-}
  cp "$at/model.wasm" "$at/first.wasm"
  "$tool" "$model" "$at" --target="$target" --wasm --calls=3 ${OPTIONS:-}
  cmp "$at/first.wasm" "$at/model.wasm" || failed=1
  gcc -std=c99 -O0 -w -ffp-contract=off "$at/check.c" "$at/model.c" -o "$at/check"
  "$at/check" bits | sort >"$at/c.bits"
done
node "$here/run.mjs" "$runtime/wasm/model.js" "$dir" || failed=1
for model in "$@"; do
  at=$dir/$(basename "$model" .grus)
  if cmp -s "$at/c.bits" "$at/wasm.bits"; then same=$((same + 1)); else
    echo "$model, $target: WebAssembly and C differ"
    diff "$at/c.bits" "$at/wasm.bits" | head -4 || true
    failed=1
  fi
done
echo "$same models, $target: the bits of C"
exit $failed
