#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Recipes of a release: each is read by its own language or, of vcpkg, by stand-ins of its functions
# that do what they say: the archive has the sum that is named, holds what is configured, and the
# files that are installed from it are there.
#
#   recipes.sh ROOT JSON_CHECK
set -eu
root=$1 check=$2
git -C "$root" rev-parse HEAD >/dev/null 2>&1 || { echo "recipes: not a checkout; skipped"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git -C "$root" archive --format=tar --prefix=grus-9.8.7/ HEAD | gzip -9n >"$work/grus-9.8.7.tar.gz"
"$root/scripts/recipes" "$work/grus-9.8.7.tar.gz" "file://$work/" "$work/out" >/dev/null
cd "$work/out"

tr -d '\n' <vcpkg/grus/vcpkg.json | "$check" json # it reads a line
cat >stand_in.cmake <<'END'
function(vcpkg_find_acquire_program name)
endfunction()
function(vcpkg_download_distfile out)
  cmake_parse_arguments(a "" "URLS;FILENAME;SHA512" "" ${ARGN})
  file(DOWNLOAD ${a_URLS} ${work}/got/${a_FILENAME} EXPECTED_HASH SHA512=${a_SHA512})
  set(${out} ${work}/got/${a_FILENAME} PARENT_SCOPE)
endfunction()
function(vcpkg_extract_source_archive out)
  cmake_parse_arguments(a "" "ARCHIVE" "" ${ARGN})
  file(ARCHIVE_EXTRACT INPUT ${a_ARCHIVE} DESTINATION ${work}/source)
  file(GLOB folder ${work}/source/*)
  set(${out} ${folder} PARENT_SCOPE)
endfunction()
function(vcpkg_cmake_configure)
  cmake_parse_arguments(a "" "SOURCE_PATH" "OPTIONS" ${ARGN})
  file(STRINGS ${a_SOURCE_PATH}/CMakeLists.txt lines REGEX "^option\\(")
  foreach(option ${a_OPTIONS})
    string(REGEX REPLACE "^-D([A-Z_]+)=.*" "\\1" name ${option})
    if(NOT "${lines}" MATCHES "option\\(${name} ")
      message(FATAL_ERROR "${name} is no option of the project")
    endif()
  endforeach()
endfunction()
function(vcpkg_cmake_install)
endfunction()
function(vcpkg_cmake_config_fixup)
endfunction()
function(vcpkg_copy_tools)
endfunction()
function(vcpkg_install_copyright)
  cmake_parse_arguments(a "" "" "FILE_LIST" ${ARGN})
  file(SIZE ${a_FILE_LIST} bytes)
endfunction()
include(${port})
END
CURRENT_PACKAGES_DIR=$work/none cmake -Dwork="$work" -DCURRENT_PACKAGES_DIR="$work/none" -Dport="$PWD/vcpkg/grus/portfile.cmake" -P stand_in.cmake

sum=$(sha256sum "$work/grus-9.8.7.tar.gz" | cut -d' ' -f1)
grep -q "$sum" homebrew/grus.rb
grep -q "$sum" conan/conanfile.py
! command -v ruby >/dev/null || ruby -c homebrew/grus.rb >/dev/null
! command -v python3 >/dev/null || python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' conan/conanfile.py
! command -v conan >/dev/null || CONAN_HOME=$work/conan conan inspect conan/conanfile.py >/dev/null

# Names that are no release.
if "$root/scripts/recipes" "$work/out/conan/conanfile.py" x "$work/never" 2>"$work/said"; then exit 1; fi
grep -q 'is not called grus-VERSION.tar.gz' "$work/said"
[ ! -e "$work/never" ]
