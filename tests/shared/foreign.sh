#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Libraries of macOS and Windows, which grus links on Linux without a linker. Those of macOS are run by macho_dl.c, a
# loader that shares nothing with the linker; those of Windows by Wine; LLVM's tools read both.
#
#   foreign.sh GRUS FOLDER few|all     the models below are called by a host that knows only grus_shared.h; `few` takes
#                                      one of them, and leaves out Wine, which makes a Windows of its own first
set -eu
compiler=${CC:-cc}
unset CC # else it would link
grus=$1 folder=$2 ways=$3
names='seq bounded steps windows wide'
[ "$ways" = all ] || names=seq
root=$(cd "$(dirname "$0")/../.." && pwd)
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
fail() {
  echo "foreign.sh: $*"
  exit 1
}
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "skipped: grus writes these libraries on Linux for x86-64"; exit 77; }
printf 'grus 1\nmodel seq {\n  in  x : f32[time 12, feature 5]\n  out y : f32[3] = x |> LSTM(20) |> last |> Dense(3) |> softmax\n}\n' >seq.grus
printf 'grus 1\nmodel bounded {\n  in  x : f32[time n <= 9, 4]\n  out y : f32[2] = x |> GRU(8) |> last |> Dense(2)\n  out s : f32[time n, 8] = x |> GRU(8)\n}\n' >bounded.grus
printf 'grus 1\nmodel steps {\n  in  x  : f32[time .., 4]\n  in  h0 : f32[12]\n  out y  : f32[time .., 2] = x |> GRU(12, init=h0) |> Dense(2)\n}\n' >steps.grus
printf 'grus 1\nmodel windows {\n  in  x : f32[time 10 @ 50Hz, 3] every 4\n  out y : f32[2] = x |> GRU(6) |> last |> Dense(2)\n}\n' >windows.grus
# Scratch of 600 KB lies on the stack, which Windows grows page by page; weights of 4 MB are put behind LLVM's back.
printf 'grus 1\nmodel wide {\n  in  x : f32[time 300, 64]\n  out y : f32[time 300, 8] = x |> Dense(1024) |> GRU(512) |> Dense(8)\n}\n' >wide.grus
cross=aarch64-linux-gnu-gcc
QEMU_LD_PREFIX=/usr/aarch64-linux-gnu
export QEMU_LD_PREFIX

$compiler -std=gnu11 -O1 -I"$root/runtime/host" "$root/tests/shared/host.c" "$root/tests/shared/macho_dl.c" -o host_macho -lm
for name in $names; do
  PATH=/nowhere "$grus" build $name.grus --weights=random:3 --target x86_64-macos -q -o mac.dylib || fail "a compiler was needed for macOS"
  ./host_macho check ./mac.dylib
  PATH=/nowhere "$grus" build $name.grus --weights=random:3 --target aarch64-macos -q -o arm.dylib || fail "a compiler was needed for macOS"
  PATH=/nowhere "$grus" build $name.grus --weights=random:3 --target x86_64-windows-gnu -q -o win.dll || fail "a compiler was needed for Windows"
  if command -v $cross >/dev/null && command -v qemu-aarch64 >/dev/null; then
    [ -x host_arm ] || $cross -std=gnu11 -O1 -I"$root/runtime/host" "$root/tests/shared/host.c" "$root/tests/shared/macho_dl.c" -o host_arm -lm
    [ $name = wide ] || qemu-aarch64 ./host_arm check ./arm.dylib # too much work for an emulator
  fi
  if command -v llvm-objdump-19 >/dev/null; then
    for library in mac arm; do
      llvm-objdump-19 --macho --private-headers --exports-trie --rebase $library.dylib >read 2>&1 || fail "$library.dylib: $(tail -3 read)"
      ! grep -iq 'malformed\|past end' read || fail "$library.dylib: $(grep -i 'malformed\|past end' read)"
      [ "$(grep -c '^0x.*_grus_' read)" = 5 ] || fail "$library.dylib exports something else"
    done
    llvm-readobj-19 --file-headers --sections --coff-exports --coff-basereloc win.dll >read 2>&1 || fail "win.dll: $(tail -3 read)"
    [ "$(grep -c 'Name: grus_' read)" = 5 ] || fail "win.dll exports something else"
  fi
done
# Each page of a library of macOS is signed, by nobody.
if command -v od >/dev/null && command -v sha256sum >/dev/null; then
  number() { od -An -tu1 -j "$2" -N 4 "$1" | awk -v order="$3" '{ print order == "low" ? $1 + 256 * ($2 + 256 * ($3 + 256 * $4)) : $4 + 256 * ($3 + 256 * ($2 + 256 * $1)) }'; }
  command_at=$((32 + $(number arm.dylib 20 low) - 16)) # the last command
  sign=$(number arm.dylib $((command_at + 8)) low)
  directory=$((sign + 20))
  hash=$((directory + $(number arm.dylib $((directory + 16)) high)))
  pages=$(number arm.dylib $((directory + 28)) high)
  [ "$(number arm.dylib $((directory + 32)) high)" = "$sign" ] && [ $pages = $(((sign + 4095) / 4096)) ] || fail "the signature is of other bytes"
  head -c "$sign" arm.dylib >signed
  for page in $(seq 0 $((pages - 1))); do
    wanted=$(dd if=signed bs=4096 skip="$page" count=1 2>/dev/null | sha256sum | cut -c1-64)
    found=$(od -An -v -tx1 -j $((hash + 32 * page)) -N 32 arm.dylib | tr -d ' \n')
    [ "$wanted" = "$found" ] || fail "page $page is not signed"
  done
fi
if [ "$ways" = few ]; then
  echo "Windows: the libraries run at night"
  exit 0
fi
wine=$(command -v wine64 || ls /usr/lib/wine/wine64 2>/dev/null || true)
if [ -n "$wine" ] && command -v x86_64-w64-mingw32-gcc-posix >/dev/null; then
  x86_64-w64-mingw32-gcc-posix -O1 -I"$root/tests/shared/windows" -I"$root/runtime/host" "$root/tests/shared/host.c" -o host.exe
  WINEPREFIX=$(mktemp -d) # not in the build tree: it has a link to the whole file system
  WINEDEBUG=-all
  export WINEPREFIX WINEDEBUG
  trap '"$(command -v wineserver || echo /usr/lib/wine/wineserver)" -k || true; rm -rf "$WINEPREFIX"' EXIT
  for name in $names; do
    "$grus" build $name.grus --weights=random:3 --target x86_64-windows-gnu -q -o win.dll
    "$wine" host.exe check win.dll >said 2>&1 || fail "win.dll of $name: $(cat said)"
    grep -v '^wine: ' said
  done
else
  echo "SKIPPED in part, Windows: needs wine64 and x86_64-w64-mingw32-gcc-posix"
fi
