#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Programs and libraries of a model for macOS, by zig's C compiler: nothing here runs them, so what they are is read
# from their headers.
#
#   programs.sh GRUS MODEL
set -eu
grus=$(realpath "$1") model=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
command -v llvm-readobj-19 >/dev/null || command -v llvm-readobj >/dev/null || { echo 'skipped: llvm-readobj is not installed'; exit 77; }
if command -v zig >/dev/null; then
  zig=zig
elif python3 -c 'import ziglang' 2>/dev/null; then
  zig='python3 -m ziglang'
else
  echo 'skipped: there is no zig (the Python package ziglang)'
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for processor in aarch64 x86_64; do
  export CC="$zig cc -target $processor-macos"
  target=generic # zig has other names for the levels of x86-64
  [ $processor != aarch64 ] || target=aarch64
  "$grus" build "$model" --weights=random:1 --target $target --emit=exe -o program -q
  "$here/executable.sh" $processor program
done
echo 'programs for aarch64 and x86_64'
