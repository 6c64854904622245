#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# system.sh GRUS TESTS zephyr|esp_idf|platformio: a package in the build system itself, where that is installed. Its
# example runs there and prints what the same C prints without it. Exit code 77: the system is not installed.
#   zephyr      ZEPHYR_BASE names Zephyr in a workspace of west; the board is native_sim_64
#   esp_idf     IDF_PATH names ESP-IDF and its Python environment is active; the target is linux
#   platformio  pio is there with its platform `native`
set -eu
grus=$1 tests=$2 system=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
needs() {
  command -v "$1" >/dev/null || { echo "skipped: $1 is not installed" && exit 77; }
}
# quietly COMMAND...: what it says, only if it fails
quietly() { "$@" >log 2>&1 || { cat log && exit 1; }; }

needs cmake
"$grus" build -q "$tests/package/tap.grus" --weights=random:1 --emit=package -o tap
gcc -O2 -ffp-contract=off -Itap/src tap/examples/c/main.c tap/src/tap.c -o tap_example
./tap_example >expected
case $system in
zephyr)
  [ -n "${ZEPHYR_BASE:-}" ] || { echo "skipped: ZEPHYR_BASE is not set" && exit 77; }
  needs west && needs ninja
  mkdir src && cp tap/examples/c/main.c src
  cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.20)
list(APPEND ZEPHYR_EXTRA_MODULES ${CMAKE_CURRENT_SOURCE_DIR}/tap)
find_package(Zephyr REQUIRED HINTS $ENV{ZEPHYR_BASE})
project(app)
target_sources(app PRIVATE src/main.c)
END
  echo CONFIG_FPU=y >prj.conf
  export ZEPHYR_TOOLCHAIN_VARIANT=host
  quietly cmake -G Ninja -S . -B build -DBOARD="${BOARD:-native_sim_64}" -DUSER_CACHE_DIR="$dir/cache"
  quietly cmake --build build
  build/zephyr/zephyr.exe -stop_at=1 >said
  ;;
esp_idf)
  [ -n "${IDF_PATH:-}" ] || { echo "skipped: IDF_PATH is not set" && exit 77; }
  needs ninja
  mkdir main components && cp -r tap components
  sed 's/int main(void)/void app_main(void)/; s/  return 0;//' tap/examples/c/main.c >main/main.c
  echo 'idf_component_register(SRCS main.c REQUIRES tap)' >main/CMakeLists.txt
  cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.22)
include($ENV{IDF_PATH}/tools/cmake/project.cmake)
idf_build_set_property(MINIMAL_BUILD ON)
project(app)
END
  quietly cmake -G Ninja -S . -B build -DIDF_TARGET=linux -DPYTHON_DEPS_CHECKED=1 # as idf.py does
  quietly cmake --build build
  # a program of this target does not end by itself
  timeout 5 build/app.elf >said || [ $? = 124 ]
  ;;
platformio)
  needs pio
  [ -d "${PLATFORMIO_CORE_DIR:-$HOME/.platformio}/platforms/native" ] ||
    { echo "skipped: the platform native of PlatformIO is not installed" && exit 77; }
  mkdir lib src && cp -r tap lib && cp tap/examples/c/main.c src
  printf '[env:native]\nplatform = native\nbuild_unflags = -Os\nbuild_flags = -O2 -ffp-contract=off\n' >platformio.ini
  quietly pio run
  .pio/build/native/program >said
  quietly pio pkg pack tap
  ;;
*) echo "system.sh: no build system $system" >&2 && exit 2 ;;
esac
# the system adds lines of its own
grep -x -F -f expected said >given || true
cmp expected given || { cat said && exit 1; }
echo "$system: as the C by itself: $(tr '\n' ' ' <expected)"
