#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# wheel.sh BUILD FOLDER [portable]: makes the wheel of a build, or the portable one, installs it into an empty
# environment of every Python that has venv, and uses it there: the command without NumPy, a compiled example, a
# Keras file, a library without any compiler. The portable one says that it runs on manylinux2014, and holds neither
# curl nor crypto. From the source distribution, CMake configures and builds the parser without flex and bison.
set -eu
build=$1
folder=$2
portable=${3-}
root=$(cd "$(dirname "$0")/../.." && pwd)
example=$root/examples/gesture
rm -rf "$folder"
mkdir -p "$folder"
fail() {
  echo "wheel.sh: $*"
  exit 1
}
[ -n "$portable" ] || ninja -C "$build" -t targets all 2>/dev/null | grep -q '^grus_bundled:' || {
  echo "SKIPPED: no target grus_bundled; it needs the static libraries of HDF5, jansson, protobuf-c and zlib"
  exit 77
}
PYTHON=/usr/bin/python3
[ -x $PYTHON ] || PYTHON=python3
export PYTHON

# make OUT: the wheel and the source distribution; skips where there is no index of packages.
make() {
  if [ -n "$portable" ]; then set -- "$1"; else set -- --build "$build" "$1"; fi
  status=0
  "$root/scripts/wheel" "$@" >"$folder/log" 2>&1 || status=$?
  [ $status -ne 3 ] || { echo "SKIPPED: $(tail -n 1 "$folder/log")"; exit 77; }
  [ $status -eq 0 ] || fail "$(tail -n 30 "$folder/log")"
}
make "$folder/dist"
wheel=$(echo "$folder"/dist/grus-*.whl)
short=$($PYTHON -c 'import sys; sys.path.insert(0, sys.argv[1]); import extension; print(extension.why_no_extension() or "yes")' "$root/tests/python")
case $short-$(basename "$wheel") in
yes-grus-*-cp311-abi3-*) ;;
yes-*) fail "$wheel has the extension, and its name does not say cp311-abi3" ;;
*-grus-*-py3-none-*)
  grep -qF "the wheel is without its extension" "$folder/log" || fail "the wheel does not say why it is without the extension"
  echo "SKIPPED in part, the extension: $short"
  ;;
*) fail "$wheel is for other Pythons than its files are" ;;
esac
without=
if [ -n "$portable" ]; then
  case $wheel in *manylinux2014*) ;; *) fail "$wheel does not run on manylinux2014" ;; esac
  ! unzip -l "$wheel" | grep -Eq 'curl|crypto|\.libs/' || fail "$wheel holds libraries of others: $(unzip -l "$wheel" | grep '\.libs/')"
else
  (GRUS_EXTENSION=off && export GRUS_EXTENSION && make "$folder/without")
  without=$(echo "$folder"/without/grus-*-py3-none-*.whl)
  [ -f "$without" ] || fail "GRUS_EXTENSION=off makes no wheel of every Python"
fi
unset GRUS GRUS_RUNTIME PYTHONPATH
GRUS_CACHE=$folder/cache
export GRUS_CACHE

# try PYTHON [WHEEL]: installs and uses the wheel there, with the extension if the wheel has it
try() {
  wheel=${2:-$wheel}
  case $wheel in
  *-cp311-abi3-*)
    by=extension
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "SKIPPED: this wheel is not for $1, which is older than 3.11"; return 0; }
    ;;
  *) by=ctypes ;;
  esac
  rm -rf "$folder/venv"
  "$1" -m venv --system-site-packages "$folder/venv" 2>/dev/null || { echo "SKIPPED: $1 has no venv"; return 0; }
  bin=$folder/venv/bin
  "$bin/python" -m pip install -q --disable-pip-version-check --no-index --no-deps "$wheel" || fail "pip refused $wheel"
  cd "$folder"
  [ "$("$bin/grus" --version | head -n 1 | cut -d' ' -f1)" = grus ] || fail "the command does not start"
  "$bin/python" -S -m grus --version >/dev/null 2>&1 || PYTHONPATH=$(echo "$folder"/venv/lib/python*/site-packages) "$bin/python" -S -m grus --version >/dev/null ||
    fail "the command needs packages"
  "$bin/grus" check "$example/gesture.grus" || fail "check"
  "$bin/grus" import "$root/tests/conformance/keras/fixtures/gru.keras" -o keras.grus -q || fail "HDF5 is not in the wheel"
  "$bin/python" -c 'import numpy' 2>/dev/null || { echo "SKIPPED in part: $1 has no numpy"; return 0; }
  "$bin/python" - "$example" "$by" <<'END' || fail "$1"
import sys, grus, numpy as np
from grus import _short
folder, by = sys.argv[1:]
assert (_short.extension is not None) == (by == "extension"), by
assert "site-packages" in grus.__file__, grus.__file__
m = grus.compile(folder + "/gesture.grus")
x, expected = np.load(folder + "/data/test.npy"), np.load(folder + "/expected/activity.npy")
assert np.abs(m(x) - expected).max() < 1e-5
m.save("gesture.so")
END
  PATH=/nowhere "$bin/python" - "$example" <<'END' || fail "$1 without a compiler"
import sys, grus, numpy as np
folder = sys.argv[1]
x, expected = np.load(folder + "/data/test.npy"), np.load(folder + "/expected/activity.npy")
assert np.abs(grus.load("gesture.so")(x, threads=2) - expected).max() < 1e-5
END
  echo "$1: installed and used, by $by"
}
try "$PYTHON"
other=$(command -v python3 || echo "$PYTHON")
[ "$(readlink -f "$other")" = "$(readlink -f "$PYTHON")" ] || try "$other"
[ -z "$without" ] || [ "$wheel" = "$without" ] || try "$PYTHON" "$without"

# Zig makes libraries of other systems, which readers of LLVM know.
if [ -n "$portable" ] && command -v llvm-readobj-19 >/dev/null; then
  zig=$root/build/wheel/tools/bin/python
  "$PYTHON" -c 'import ziglang' 2>/dev/null && zig=$PYTHON
  for system in aarch64-macos:dylib:Mach-O x86_64-windows-gnu:dll:COFF-x86-64; do
    file=other.$(echo $system | cut -d: -f2)
    CC="$zig -m ziglang cc -target ${system%%:*}" "$folder/venv/bin/grus" build "$example/gesture.grus" --target generic -q -o "$folder/$file"
    llvm-readobj-19 --file-headers "$folder/$file" | grep -q "^Format: ${system##*:}" || fail "$file is no library of ${system%%:*}"
    for name in grus_body grus_library grus_program grus_rows grus_steps; do
      { llvm-nm-19 --defined-only --extern-only "$folder/$file" 2>/dev/null; llvm-readobj-19 --coff-exports "$folder/$file" 2>/dev/null; } |
        grep -Eq "[ _]$name\$" || fail "$file exports no $name"
    done
    echo "$file: made by Zig"
  done
fi

# The source distribution brings what flex, bison and protoc-c make.
cd "$folder"
tar xzf dist/grus-*.tar.gz
cd grus-*/
cmake -S . -B out -G Ninja -DCMAKE_BUILD_TYPE=Release -DGRUS_TESTS=OFF -DGRUS_LLVM=OFF -DGRUS_GENERATED="$PWD/generated" >../log 2>&1 ||
  fail "$(tail -n 20 ../log)"
! grep -Eq 'bison|protoc-c|flex' out/build.ninja || fail "the source distribution runs flex, bison or protoc-c"
cmake --build out --target grus_front grus_onnx_file >../log 2>&1 || fail "$(tail -n 20 ../log)"
cmake -DROOT="$PWD" -DOUT="$PWD/commit.h" -P cmake/Commit.cmake
! git -C "$root" rev-parse HEAD >/dev/null 2>&1 || grep -qF "\"$(git -C "$root" rev-parse --short=10 HEAD)\"" commit.h ||
  fail "the source distribution does not know its commit"
echo "source distribution: its parser builds"
