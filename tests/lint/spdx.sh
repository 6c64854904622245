#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Every source file names its licence within its first five lines. Not asked of golden files that
# the compiler generated (x.c or x.h beside x.grus or x.kir): generated code belongs to its user.
set -eu
lint=$(cd "$(dirname "$0")" && pwd)
cd "$1"
line='SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception'
"$lint/files.sh" . '\.([chlys]|def|cc|cpp|sh|awk|py|cmake|in)$|^scripts/[^.]*$|^\.ci/run$' | {
  status=0
  while IFS= read -r file; do
    stem=${file%.*}
    [ ! -f "$stem.grus" ] && [ ! -f "$stem.kir" ] || continue
    head -n 5 "$file" | grep -qF "$line" || {
      printf '%s:1: no line "%s"\n' "$file" "$line"
      status=1
    }
  done
  exit $status
}
