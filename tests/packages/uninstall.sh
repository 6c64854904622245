#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What is installed goes away again, and nothing else: uninstall.sh ROOT BUILD
set -eu
root=$1 build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/usr/share/man/man1"
: >"$work/usr/share/man/man1/other.1"
DESTDIR=$work cmake --install "$build" --prefix /usr >"$work/said"
cp "$build/install_manifest.txt" "$work/manifest"
[ "$(grep -c . "$work/manifest")" -gt 60 ] || { echo "few files were installed"; exit 1; }
again=$(DESTDIR=$work cmake --install "$build" --prefix /usr | wc -l)
[ "$again" -le 2 ] || { echo "a second install says $again lines"; exit 1; }
DESTDIR=$work cmake -DMANIFEST="$work/manifest" -P "$root/cmake/Uninstall.cmake" >/dev/null 2>&1
left=$(cd "$work/usr" && find . -type f -o -type l | sort)
[ "$left" = ./share/man/man1/other.1 ] || { echo "left: $left"; exit 1; }
folders=$(cd "$work/usr" && find . -iname '*grus*')
[ -z "$folders" ] || { echo "folders left: $folders"; exit 1; }
