#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Expected output ends in .out, and git has every file of it that a CMakeLists.txt names, so that a test
# which is skipped here does not fail where it runs. A variable in a name stands for anything.
#
#   expected.sh ROOT [BUILD]    with BUILD, also what its tests were given, with every variable filled in
set -eu
lint=$(cd "$(dirname "$0")" && pwd)
build=${2-}
cd "$1"
list=$(mktemp)
trap 'rm -f "$list"' EXIT
if [ -e .git ] && command -v git >/dev/null; then
  git -c safe.directory='*' ls-files >"$list"
else
  "$lint/files.sh" . >"$list"
fi

# named PLACE NAME: NAME is expected output; `*` in it stands for anything.
named() {
  case $2 in
  *.out) ;;
  *) echo "$1: the expected output $2 does not end in .out" && return ;;
  esac
  pattern=$(printf '%s\n' "$2" | sed 's/[].^$\\[]/\\&/g; s/\*/.*/g')
  grep -qx -- "$pattern" "$list" || echo "$1: git has no expected output $2"
}

said=$(
  grep -E '^(tests|editors)/.*\.(expected|expect|golden|ref|exp)$' "$list" |
    sed 's/$/: expected output ends in .out/' || true
  for file in $(grep -E '(^|/)CMakeLists\.txt$' "$list"); do
    [ -f "$file" ] || continue
    sed -n 's/^\([^#]*[ (]\)\{0,1\}EXPECTED  *\([^ )]*\).*/\2/p' "$file" | sed 's/\${[^}]*}/*/g' |
      while IFS= read -r name; do
        case $name in
        [A-Z]*[A-Z]) ;;                   # an argument of the function itself
        \**/*) named "$file" "$name" ;;   # begins with the path of some folder
        *) named "$file" "$(dirname "$file")/$name" ;;
        esac
      done
  done
  # A build may still have folders that the sources have no more.
  [ -z "$build" ] || find "$build" -name CTestTestfile.cmake | while IFS= read -r file; do
    folder=$(dirname "${file#"$build"/}")
    [ ! -f "$folder/CMakeLists.txt" ] || sed -n 's/^add_test(.*\/tests\/golden\.sh" "\([^"]*\)".*/\1/p' "$file"
  done | sort -u |
    while IFS= read -r name; do
      [ "${name#"$PWD"/}" != "$name" ] || continue
      name=${name#"$PWD"/}
      case $name in
      *.out) grep -qxF -- "$name" "$list" || echo "$name: a test expects it, and git does not have it" ;;
      *) echo "$name: expected output ends in .out" ;;
      esac
    done
)
[ -z "$said" ] || { printf '%s\n' "$said"; exit 1; }
