#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Only compiler/driver/main.c ends the process (on Windows driver/windows/main.c, and interrupts.c
# beside it as a signal would), and base/posix/child.c the processes it forks. Outside the driver and
# base's renderers (compiler/base/render*.c) no room of the compiler opens, reads or prints to a
# stream; formatting into memory (snprintf) is no stream and is allowed. The runtime's core, which
# generated code copies, is freestanding: it includes only headers every C99 compiler has without a
# library.
set -eu
lint=$(cd "$(dirname "$0")" && pwd)
cd "$1"

# report WHY ERE: prints the matching lines of stdin (file:line:code) as violations.
report() {
  awk -v why="$1" -v ere="$2" '
    { code = $0; sub(/^[^:]*:[0-9]*:/, "", code) }
    code ~ ere { match($0, /^[^:]*:[0-9]*:/); print substr($0, 1, RLENGTH) " " why ": " code; bad = 1 }
    END { exit bad }'
}

# strip FILES-ERE [EXCEPT-ERE]: the code of those files.
strip() {
  "$lint/files.sh" . "$1" | grep -vE "${2:-^$}" | tr '\n' '\0' | xargs -0 -r awk -f "$lint/strip_c.awk"
}

status=0
word='(^|[^A-Za-z0-9_.>])'
strip '^compiler/.*\.([chly]|def)$' '^compiler/(driver/main|driver/windows/(main|interrupts)|base/posix/child)\.c$' |
  report 'only compiler/driver/main.c ends the process' \
    "$word(exit|_exit|_Exit|quick_exit|abort|raise)[ ]*\\(" || status=1
strip '^compiler/.*\.([chly]|def)$' '^compiler/(driver/|base/render[^/]*\.c$)' |
  report 'streams belong to the driver and to base/render*.c' \
    "$word((FILE|stdin|stdout|stderr)([^A-Za-z0-9_]|\$)|(printf|vprintf|fprintf|vfprintf|dprintf|puts|fputs|putchar|putc|fputc|fwrite|fread|fopen|fdopen|fclose|fgets|fgetc|getc|getchar|perror|scanf|fscanf|popen|tmpfile)[ ]*\\()" ||
  status=1
strip '^runtime/.*\.[ch]$' '^runtime/host/' |
  awk '{ code = $0; sub(/^[^:]*:[0-9]*:/, "", code) }
    code ~ /^[ \t]*#[ \t]*include[ \t]*</ && code !~ /<(stdint|stddef|stdbool|float|limits|stdarg)\.h>/ {
      print $0 ": the runtime core is freestanding"; bad = 1 }
    END { exit bad }' || status=1
exit $status
