#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Prints the files of the tree ROOT, one a line, relative to it, sorted: what git tracks or would
# add, or, outside a repository, everything but build/ and hidden directories.
#
#   files.sh ROOT [EXTENDED-REGEX]
set -eu
cd "$1"
if [ -e .git ] && command -v git >/dev/null; then
  git -c safe.directory='*' ls-files --cached --others --exclude-standard
else
  find . -type f ! -path './build/*' ! -path './.*/*' | sed 's|^\./||'
fi | grep -E "${2:-.}" | LC_ALL=C sort -u | while IFS= read -r file; do
  [ ! -f "$file" ] || printf '%s\n' "$file"
done
