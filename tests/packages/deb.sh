#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The Debian packages: lintian has nothing to say, two runs give the same bytes, what is in them runs
# without what they were built from, and the links of the documentation lead somewhere.
#
#   deb.sh ROOT BUILD
set -eu
root=$1 build=$2
for tool in dpkg-deb dpkg-shlibdeps lintian; do
  command -v $tool >/dev/null || { echo "deb: $tool is not installed; skipped"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export SOURCE_DATE_EPOCH=1700000000
"$root/scripts/deb" "$build" "$work/one" >/dev/null
"$root/scripts/deb" "$build" "$work/two" >/dev/null
diff -r "$work/one" "$work/two" || { echo "deb: two runs differ"; exit 1; }

for package in "$work"/one/*.deb; do
  lintian --tag-display-limit 0 "$package" 2>/dev/null >"$work/said" || true
  [ ! -s "$work/said" ] || { cat "$work/said"; exit 1; }
  dpkg-deb -x "$package" "$work/system"
done
grus=$work/system/usr/bin/grus
"$grus" version | grep -q '^grus [0-9]' || { echo "deb: the command does not run"; exit 1; }
for command in $("$grus" --help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
  [ -f "$work/system/usr/share/man/man1/grus-$command.1.gz" ] || { echo "deb: no manual page of $command"; exit 1; }
done
if [ -e "$work/one"/grus-llvm_* ]; then
  "$grus" version | grep -q llvm || { echo "deb: grus does not find its LLVM backend"; exit 1; }
fi

# Every link to a file of the documentation.
cd "$work/system/usr/share/doc/grus"
links=0
for page in $(find . -name '*.md'); do
  for link in $(grep -o '](\([^)#: ]*\)[)#]' "$page" | sed 's/^](//; s/.$//'); do
    links=$((links + 1))
    [ -e "$(dirname "$page")/$link" ] || { echo "$page: $link is not there"; touch "$work/broken"; }
  done
done
[ ! -e "$work/broken" ] || exit 1
[ $links -gt 50 ] || { echo "only $links links found"; exit 1; }
echo "$links links"
