#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The CMake lists name exactly the C files that are there, in each room of the compiler. Names with
# a variable in them are generated files and are left out, as are patterns.
set -eu
cd "$1"
[ -d compiler ] || exit 0
status=0
for room in compiler/*/; do
  [ -d "$room" ] || continue
  room=${room%/}
  present=$(find "$room" -name '*.c' | sed "s|^$room/||" | LC_ALL=C sort)
  if [ ! -f "$room/CMakeLists.txt" ]; then
    [ -z "$present" ] || { echo "$room: C files, but no CMakeLists.txt"; status=1; }
    continue
  fi
  listed=$(sed 's/#.*//' "$room/CMakeLists.txt" | tr ' \t()";' '\n\n\n\n\n\n' |
    grep -E '^[^$*]*\.c$' | LC_ALL=C sort -u || true)
  for file in $present; do
    printf '%s\n' "$listed" | grep -qxF "$file" || {
      echo "$room/$file: not named in $room/CMakeLists.txt"
      status=1
    }
  done
  for file in $listed; do
    [ -f "$room/$file" ] || { echo "$room/CMakeLists.txt: $file is not there"; status=1; }
  done
done
exit $status
