#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the Dockerfile names is there: files that it copies, scripts and presets that it runs, options that
# it sets, packages of scripts/packages.txt beside few of its own; and .dockerignore leaves out nothing that git
# has and the build reads. image.sh builds it.
#
#   dockerfile.sh ROOT
set -eu
root=$1
cd "$root"
fail() {
  echo "Dockerfile: $*"
  exit 1
}
# Instructions, one a line.
lines=$(sed '/^#/d' Dockerfile | sed -e ':a' -e '/\\$/N; s/\\\n//; ta')

for file in $(echo "$lines" | sed -n 's/^COPY \([^-].*\) [^ ]*$/\1/p'); do
  [ -e "$file" ] || fail "COPY of $file, which is not there"
  ! grep -qxF "$file" .dockerignore || fail "COPY of $file, which .dockerignore leaves out"
done
for script in $(echo "$lines" | grep -o 'scripts/[a-z]* ' | sort -u); do
  [ -e "$script" ] || fail "no $script"
done
for option in $(echo "$lines" | grep -o '[-]D[A-Z_]*=' | sed 's/^-D//; s/=$//'); do
  grep -q "^option($option " CMakeLists.txt || fail "$option is no option of the project"
done
for preset in $(echo "$lines" | grep -o '[-]-preset [a-z]*' | sed 's/.* //' | sort -u); do
  grep -q "\"name\": \"$preset\"" CMakePresets.json || fail "no preset $preset"
done
for folder in $(sed -n 's/^ *\(include\|add_subdirectory\)(\([a-z]*\)[/)].*/\2/p' CMakeLists.txt | sort -u); do
  [ "$folder" = tests ] || ! grep -qxF "$folder" .dockerignore || fail ".dockerignore leaves out $folder, which CMake reads"
done

last=$(echo "$lines" | sed '1,/^FROM.* AS build/d' | sed -n '/^FROM/,$p')
echo "$last" | grep -q '^USER [a-z]' || fail "the image runs as root"
echo "$last" | grep -q '^ENTRYPOINT \["grus"\]' || fail "the image does not start grus"
echo "$last" | grep -q '^WORKDIR /work' || fail "the image does not start where docs/install.md mounts a folder"
! echo "$lines" | grep 'apt-get install' | grep -qv -e '--no-install-recommends' || fail "apt-get install with what it recommends"
