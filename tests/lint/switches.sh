#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# A switch over an enumeration names every enumerator: `default:` in compiler/ and runtime/ only where
# the labels are characters or numbers. So a new enumerator is a warning of the compiler (-Wswitch), not
# a silent case of something else. A question about a few enumerators is an `if`, a dispatch over many a
# table. The error numbers of Windows are not ours, and its folder is left out. clang-format puts the labels of a switch below its first letter, which is how this finds them.
set -eu
lint=$(cd "$(dirname "$0")" && pwd)
cd "$1"
"$lint/files.sh" . '^(compiler|runtime)/.*\.[ch]$' | grep -v /windows/ | tr '\n' '\0' | xargs -0 -r awk -f "$lint/strip_c.awk" | awk '
  # A line is file:line:code.
  {
    split($0, part, ":")
    code = substr($0, length(part[1]) + length(part[2]) + 3)
    match(code, /^ */)
    indent = RLENGTH
    code = substr(code, indent + 1)
  }
  code ~ /switch \(/ { named[indent] = 0 }
  code ~ /^case [A-Z][A-Za-z0-9]*_/ || code ~ /^[A-Z][A-Z0-9]*_[A-Z_]*CASES:/ { named[indent] = 1 }
  code ~ /^default:/ && named[indent] {
    print part[1] ":" part[2] ": `default:` in a switch over an enumeration; name every enumerator"
    bad = 1
  }
  END { exit bad }'
