#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# An executable for macOS, by its header: nothing here runs it.
#
#   executable.sh PROCESSOR FILE
set -eu
reader=$(command -v llvm-readobj-19 || command -v llvm-readobj) || { echo 'skipped: llvm-readobj is not installed'; exit 77; }
head=$("$reader" --file-headers "$2")
for line in 'Format: Mach-O' "Arch: $1" 'FileType: Executable'; do
  case $head in *"$line"*) ;; *) printf '%s is not an executable for macOS on %s:\n%s\n' "$2" "$1" "$head"; exit 1 ;; esac
done
needed=$("$reader" --needed-libs "$2" | grep '\.dylib' | grep -v 'libSystem' || true)
[ -z "$needed" ] || { printf '%s needs more than the library of the system:\n%s\n' "$2" "$needed"; exit 1; }
