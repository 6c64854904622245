#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# A file besides option_set.c, which stores the options of the command line, and options.c, which parses them, reads
# every field of `struct Options`: an option without effect would be accepted in silence.
set -eu
cd "$1"
header=compiler/driver/options.h
[ -f $header ] || exit 0
status=0
fields=$(sed -n '/^typedef struct Options {/,/^} Options;/p' $header | sed '1d; $d; s,/\*[^*]*\*/,,g' | tr '\n' ' ' |
  tr ';,' '\n\n' | sed -n 's/.*[ *]\([a-z_0-9]*\) *$/\1/p')
for field in $fields; do
  case $field in cap_*) continue ;; esac # of a list that grows
  grep -rqE --include='*.c' --exclude=option_set.c --exclude=options.c -e "(->|\.)$field([^a-zA-Z_0-9]|\$)" compiler/driver || {
    echo "$header: no command reads \`$field\`"
    status=1
  }
done
exit $status
