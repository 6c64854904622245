#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# C is laid out as .clang-format says, by the clang-format of LLVM 19: other versions differ. To lay it
# out: git ls-files '*.c' '*.h' | xargs clang-format-19 -i
#
# Where a list of files in a comment has a line beyond the limit, clang-format joins it to the next: a file's name
# inside of running text, with the blanks of a column after it, is what is left of such a list.
set -eu
lint=$(cd "$(dirname "$0")" && pwd)
style=$lint/../../.clang-format
cd "$1"
format=$(command -v clang-format-19) || {
  echo "skipped: clang-format-19 is not installed"
  exit 77
}
"$lint/files.sh" . '\.[ch]$' >"${TMPDIR:-/tmp}/grus-format.$$"
trap 'rm -f "${TMPDIR:-/tmp}/grus-format.$$"' EXIT
joined=$(tr '\n' '\0' <"${TMPDIR:-/tmp}/grus-format.$$" | xargs -0 -r grep -nHE '^ \* [^ ].* [a-z_]+\.[ch]  +[^ ]' || :)
if [ -n "$joined" ]; then
  printf '%s\nformat: a list of files was joined to the text around it\n' "$joined"
  exit 1
fi
# Two at once: the compilers of the other tests want the rest of the machine.
tr '\n' '\0' <"${TMPDIR:-/tmp}/grus-format.$$" |
  xargs -0 -r -n 50 -P 2 "$format" --style="file:$style" --dry-run --Werror --ferror-limit=1
