#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# One idea a file: nothing in compiler/ and runtime/ is longer than 600 lines.
set -eu
lint=$(cd "$(dirname "$0")" && pwd)
cd "$1"
"$lint/files.sh" . '^(compiler|runtime)/' | tr '\n' '\0' | xargs -0 -r wc -l | awk '
  $2 != "total" && $1 > 600 { print $2 ": " $1 " lines; a file holds one idea, at most 600 lines"; bad = 1 }
  END { exit bad }'
