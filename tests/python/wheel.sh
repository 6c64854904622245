#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# wheel.sh BUILD FOLDER: makes the wheel, installs it into an empty environment of every Python that has venv,
# and uses it there: the command without NumPy, a compiled example, a Keras file, a library without any
# compiler. The source distribution configures and builds its parser without flex and bison.
set -eu
build=$1
folder=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
example=$root/examples/gesture
rm -rf "$folder"
mkdir -p "$folder"
fail() {
  echo "wheel.sh: $*"
  exit 1
}
ninja -C "$build" -t targets all 2>/dev/null | grep -q '^grus_bundled:' || {
  echo "SKIPPED: no target grus_bundled; it needs the static libraries of HDF5, jansson, protobuf-c and zlib"
  exit 77
}
PYTHON=/usr/bin/python3
[ -x $PYTHON ] || PYTHON=python3
export PYTHON
"$root/scripts/wheel" "$build" "$folder/dist" >"$folder/log" 2>&1 || fail "$(cat "$folder/log")"
wheel=$(echo "$folder"/dist/grus-*.whl)
short=$($PYTHON -c 'import sys; sys.path.insert(0, sys.argv[1]); import grus_build; print(grus_build.why_no_extension() or "yes")' "$root/python")
case $short-$(basename "$wheel") in
yes-grus-*-cp311-abi3-*) ;;
yes-*) fail "$wheel has the extension, and its name does not say cp311-abi3" ;;
*-grus-*-py3-none-*)
  grep -qF "the wheel is without its extension: $short" "$folder/log" || fail "the wheel does not say why it is without the extension"
  echo "SKIPPED in part, the extension: $short"
  ;;
*) fail "$wheel is for other Pythons than its files are" ;;
esac
mkdir "$folder/without"
GRUS_EXTENSION=off GRUS_BUILD=$build $PYTHON -c 'import sys; sys.path.insert(0, sys.argv[1]); import grus_build; grus_build.build_wheel(sys.argv[2])' \
  "$root/python" "$folder/without" 2>"$folder/log" || fail "$(cat "$folder/log")"
without=$(echo "$folder"/without/grus-*-py3-none-*.whl)
[ -f "$without" ] || fail "GRUS_EXTENSION=off makes no wheel of every Python"
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
[ "$wheel" = "$without" ] || try "$PYTHON" "$without"

# The source distribution brings what flex, bison and protoc-c make.
cd "$folder"
tar xzf dist/grus-*.tar.gz
cd grus-*/
cmake -S . -B out -G Ninja -DCMAKE_BUILD_TYPE=Release -DGRUS_TESTS=OFF -DGRUS_LLVM=OFF -DGRUS_GENERATED="$PWD/generated" >../log 2>&1 ||
  fail "$(tail -n 20 ../log)"
! grep -Eq 'bison|protoc-c|flex' out/build.ninja || fail "the source distribution runs flex, bison or protoc-c"
cmake --build out --target grus_front grus_onnx_file >../log 2>&1 || fail "$(tail -n 20 ../log)"
echo "source distribution: its parser builds"
