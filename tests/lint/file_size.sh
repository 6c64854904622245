#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# One idea a file, 150 to 450 lines: no file in compiler/ and runtime/ is longer, and no C in tests/.
set -eu
lint=$(cd "$(dirname "$0")" && pwd)
cd "$1"
"$lint/files.sh" . '^(compiler|runtime)/|^tests/.*[.][ch]$' | tr '\n' '\0' | xargs -0 -r wc -l | awk '
  BEGIN { most = 450 }
  $2 != "total" && $1 > most { print $2 ": " $1 " lines; a file holds one idea, at most " most " lines"; bad = 1 }
  END { exit bad }'
