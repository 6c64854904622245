#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# A release from a copy of the commit: sums are right, the source is whole and knows its commit, the
# list of parts is JSON. And the step of the GitHub action writes a report.
#
#   release.sh ROOT BUILD JSON_CHECK
set -eu
root=$1 build=$2 check=$3
for tool in dpkg-deb dpkg-shlibdeps git; do
  command -v $tool >/dev/null || { echo "release: $tool is not installed; skipped"; exit 77; }
done
git -C "$root" rev-parse HEAD >/dev/null 2>&1 || { echo "release: not a checkout; skipped"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git clone -q --no-hardlinks "$root" "$work/copy"
"$work/copy/scripts/release" --no-editors --url https://example.org/grus "$build" "$work/dist" >/dev/null
cd "$work/dist"
sha256sum --quiet -c SHA256SUMS
for file in grus-*.tar.gz grus_*.deb grus-*.cdx.json; do [ -s "$file" ] || { echo "no $file"; exit 1; }; done
[ -s recipes/conan/conanfile.py ] || { echo "no recipes"; exit 1; }
tr -d '\n' <"$(ls grus-*.cdx.json)" | "$check" json # it reads a line
grep -q '"name": "libc6"' grus-*.cdx.json || { echo "the list of parts has no libc6"; exit 1; }
tar xzf grus-*.tar.gz
source=$(ls -d grus-*/)
[ -x "$source/scripts/setup" ] && [ -f "$source/compiler/CMakeLists.txt" ]
cmake -DROOT="$PWD/$source" -DOUT="$work/commit.h" -P "$source/cmake/Commit.cmake"
grep -q "\"$(git -C "$root" rev-parse --short HEAD | cut -c1-7)" "$work/commit.h" || { echo "the source does not know its commit:"; cat "$work/commit.h"; exit 1; }
: >>"$work/copy/README.md"
echo >>"$work/copy/README.md"
if "$work/copy/scripts/release" --no-editors "$build" "$work/again" 2>"$work/said"; then
  echo "a release of a changed checkout was made"
  exit 1
fi

# The shell of action.yml.
sed -n '/^      run: |/,/^    - if/p' "$root/action.yml" | sed '1d;$d; s/^        //' >"$work/step"
mkdir -p "$work/models/deep" && cd "$work/models"
printf 'grus 1\nmodel m {\n  in  x : f32[4]\n  out y : f32[4] = x |> rel\n}\n' >deep/wrong.grus
status=0
PATH=$build/bin:$PATH FILES='**/*.grus' SARIF=out.sarif bash "$work/step" >/dev/null 2>&1 || status=$?
[ $status -eq 1 ] || { echo "the action ends with $status"; exit 1; }
tr -d '\n' <out.sarif | "$check" json
grep -q E201 out.sarif
