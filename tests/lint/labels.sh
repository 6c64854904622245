#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Every test has a label, which `ctest -L` and the table of tests/README.md go by.
#
#   labels.sh ROOT [BUILD]    the tests are those that CMake wrote into BUILD; without it, into ROOT
set -eu
cd "$1"
# A build may still have folders that the sources have no more.
find "${2-.}" -name CTestTestfile.cmake | while IFS= read -r file; do
  folder=$(dirname "${file#"${2-.}"/}")
  [ -n "${2-}" ] && [ ! -f "$folder/CMakeLists.txt" ] || printf '%s\0' "$file"
done | xargs -0 -r awk '
  function name(line) {
    sub(/^[a-z_]+\(/, "", line)
    gsub(/\[=*\[|\]=*\]|"/, "", line)
    sub(/[ )].*/, "", line)
    return line
  }
  /^add_test\(/ { file[name($0)] = FILENAME }
  /^set_tests_properties\(.* LABELS / { labelled[name($0)] = 1 }
  END {
    for (test in file)
      if (!(test in labelled)) {
        print file[test] ": " test " has no label"
        bad = 1
      }
    exit bad
  }'
