#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Every source file names its licence within its first five lines. Not asked of golden files that
# the compiler generated (x.c or x.h beside x.grus or x.kir): generated code belongs to its user.
set -eu
lint=$(cd "$(dirname "$0")" && pwd)
cd "$1"
line='SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception'
"$lint/files.sh" . '\.([chlys]|def|cc|cpp|sh|awk|py|cmake|in)$|^scripts/[^.]*$|^\.ci/run$' | {
  while IFS= read -r file; do
    stem=${file%.*}
    [ -f "$stem.grus" ] || [ -f "$stem.kir" ] || printf '%s\0' "$file"
  done
} | xargs -0 -r awk -v line="$line" '
  function judge() { if (file != "" && !found) { printf "%s:1: no line \"%s\"\n", file, line; bad = 1 } }
  FNR == 1 { judge(); file = FILENAME; found = 0 }
  FNR <= 5 && index($0, line) { found = 1 }
  FNR == 5 { nextfile }
  END { judge(); exit bad }'
