#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Every shell script, known by its first line, parses with the shell it names and is executable.
set -eu
lint=$(cd "$(dirname "$0")" && pwd)
cd "$1"
"$lint/files.sh" . '\.sh$|^scripts/[^.]*$|^\.ci/' | {
  status=0
  while IFS= read -r file; do
    shell=$(sed -n '1s,^#!.*[/ ]\(sh\|bash\)\( .*\)*$,\1,p' "$file")
    case $file:$shell in
    *.sh:) echo "$file:1: a shell script without #!/bin/sh"; status=1; continue ;;
    *:) continue ;;
    esac
    command -v "$shell" >/dev/null || continue
    "$shell" -n "$file" || status=1
    [ -x "$file" ] || { echo "$file: not executable"; status=1; }
  done
  exit $status
}
