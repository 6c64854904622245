#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# A script or a CMakeLists.txt of tests names every target of compiler/base/targets.def.
set -euf
cd "$1"
table=compiler/base/targets.def
[ -f $table ] || exit 0
status=0
for target in $(sed -n 's/^TARGET([a-z_0-9]*, "\([^"]*\)".*/\1/p' $table); do
  grep -rqwF --include=*.sh --include=CMakeLists.txt --exclude-dir=lint -e "$target" tests 2>/dev/null || {
    echo "$table: no test compiles for \`$target\`"
    status=1
  }
done
exit $status
