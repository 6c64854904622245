#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# One idea a file: nothing in compiler/ and runtime/ is longer than 600 lines.
set -eu
lint=$(cd "$(dirname "$0")" && pwd)
cd "$1"
"$lint/files.sh" . '^(compiler|runtime)/' | {
  status=0
  while IFS= read -r file; do
    lines=$(wc -l <"$file")
    [ "$lines" -le 600 ] || {
      echo "$file: $lines lines; a file holds one idea, at most 600 lines"
      status=1
    }
  done
  exit $status
}
