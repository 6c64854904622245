#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Every shell script parses with the shell its first line names, and is executable. A .sh file that
# names none is one that others source or hand to sh: it parses with sh and is not executable.
set -eu
lint=$(cd "$(dirname "$0")" && pwd)
cd "$1"
"$lint/files.sh" . '\.sh$|^scripts/[^.]*$|^\.ci/' | {
  status=0
  while IFS= read -r file; do
    shell=$(sed -n '1s,^#!.*[/ ]\(sh\|bash\)\( .*\)*$,\1,p' "$file")
    case $file:$shell in
    *.sh:)
      sh -n "$file" || status=1
      [ ! -x "$file" ] || { echo "$file:1: executable, but names no shell"; status=1; }
      ;;
    *:) ;;
    *)
      ! command -v "$shell" >/dev/null || "$shell" -n "$file" || status=1
      [ -x "$file" ] || { echo "$file: not executable"; status=1; }
      ;;
    esac
  done
  exit $status
}
