#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Every header compiles alone and included twice, without a warning: those of the compiler as C11,
# those of the runtime as C99 and as C++11, since users include them from either.
#
#   headers.sh ROOT few|all [INCLUDE-DIR...]      compilers: $CC (cc) and $CXX (c++)
#
# `few` passes over headers of the compiler that have a guard and that a C file includes before anything else: the
# build compiles these alone. Without LLVM's headers among the folders, what includes them is left out.
set -eu
lint=$(cd "$(dirname "$0")" && pwd)
cd "$1"
ways=${2:-all}
[ $# -lt 2 ] || shift
shift
for dir in "$@"; do
  includes="${includes-} -isystem $dir"
  [ ! -f "$dir/llvm-c/Core.h" ] || llvm=found
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# alone HEADER COMPILER FLAGS...
alone() {
  header=$1
  shift
  # shellcheck disable=SC2086  # the list of include flags is meant to split
  if ! "$@" -Wall -Wextra -Wpedantic -Werror -fsyntax-only ${includes-} -I. -Icompiler -Iruntime \
    -I"$(dirname "$header")" "$work/alone.${suffix}" 2>"$work/log"; then
    printf '%s: does not compile alone (%s):\n' "$header" "$*"
    sed 's/^/  /' "$work/log"
    status=1
  fi
}

# Headers of the compiler whose first two directives are a guard and which begin a C file.
built() {
  "$lint/files.sh" . '^compiler/.*\.[ch]$' | tr '\n' '\0' | xargs -0 -r awk '
    FNR == 1 { n = 0 }
    /^#/ && n < 2 {
      n++
      if (FILENAME ~ /\.c$/ && n == 1 && $1 == "#include") first["compiler/" substr($2, 2, length($2) - 2)]
      if (FILENAME ~ /\.h$/ && n == 1 && $1 == "#ifndef") guard = $2
      if (FILENAME ~ /\.h$/ && n == 2 && $1 == "#define" && $2 == guard) guarded[FILENAME]
      if (n == 2) guard = ""
    }
    END { for (file in guarded) if (file in first) print file }'
}

status=0
[ "$ways" = all ] || built >"$work/built"
[ "$ways" != all ] || : >"$work/built"
# Headers that stand in for those of another system are for its compiler alone.
"$lint/files.sh" . '^(compiler|runtime)/.*\.h$' | grep -v '^compiler/base/windows/include/' |
  grep -vxFf "$work/built" >"$work/list" || :
while IFS= read -r file; do
  # The empty typedef keeps -Wpedantic from minding a header of macros alone.
  for suffix in c cpp; do
    printf '#include "%s"\n#include "%s"\ntypedef int lint_alone;\n' "$PWD/$file" "$PWD/$file" \
      >"$work/alone.$suffix"
  done
  case $file in
  compiler/*)
    suffix=c
    [ "${llvm-}" ] || ! grep -q '^#include <llvm-c/' "$file" || continue
    alone "$file" "${CC:-cc}" -std=c11
    ;;
  runtime/host/*)
    suffix=c
    alone "$file" "${CC:-cc}" -std=c99 -D_POSIX_C_SOURCE=200809L
    suffix=cpp
    alone "$file" "${CXX:-c++}" -std=c++11
    ;;
  *)
    suffix=c
    alone "$file" "${CC:-cc}" -std=c99 -ffreestanding
    suffix=cpp
    alone "$file" "${CXX:-c++}" -std=c++11
    ;;
  esac
done <"$work/list"
exit $status
