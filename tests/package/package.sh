#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# package.sh GRUS TESTS MODEL...: the folder of --emit=package in every build system it is for, or in a stand-in of
# one, and each description as its readers parse it. Exit code 77: CMake, g++ or Python are missing.
set -eu
grus=$1 tests=$2
shift 2
here=$tests/package
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
for tool in cmake g++ python3; do
  command -v $tool >/dev/null || { echo "skipped: $tool is not installed" && exit 77; }
done
strict="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"
for model in "$@"; do
  rm -rf p build
  "$grus" build -q "$tests/models/$model.grus" --weights=random:1 --emit=package -o p
  name=$(basename p/src/*.h .h)
  python3 "$here/describe.py" p "$name"
  # CMake by itself: the library and the example
  cmake -S p -B build/plain -DCMAKE_C_FLAGS="-std=c99 $strict" >log 2>&1 && cmake --build build/plain >>log 2>&1 || { cat log && exit 1; }
  "build/plain/${name}_example" >said
  # ESP-IDF and Zephyr: their functions, as far as a component uses them
  for system in esp zephyr; do
    cmake -S "$here/$system" -B build/$system -DPACKAGE="$dir/p" -DNAME="$name" >log 2>&1 && cmake --build build/$system >>log 2>&1 || {
      cat log
      exit 1
    }
  done
  # Arduino: the sketch as the IDE makes C++ of it
  gcc -O1 -c "p/src/$name.c" -o model.o
  # shellcheck disable=SC2086
  g++ -std=c++11 -Wall -Wextra -Werror -I"$here/arduino" -Ip/src -include Arduino.h -x c++ p/examples/Basic/Basic.ino "$here/arduino/main.cpp" -x none model.o -o sketch
  ./sketch >sketched
  if command -v rustc >/dev/null; then
    rustc --edition 2021 --crate-type lib --crate-name model --emit=metadata -D warnings -A dead_code -A non_snake_case -A improper_ctypes "p/bindings/rust/$name.rs" -o model.rmeta
  fi
  if command -v go >/dev/null; then
    (cd p/bindings/go && GOFLAGS=-mod=mod GOCACHE="$dir/go" go vet . && [ -z "$(gofmt -l .)" ]) || { echo "$name.go" && exit 1; }
  fi
  python3 -m py_compile "p/bindings/python/$name.py"
  echo "$name: $(wc -l <said) lines from C, $(wc -l <sketched) from the sketch"
  if [ -s said ]; then cmp said sketched; fi
done

# Go and Python give what C gives, and refuse arrays that are too short
rm -rf p && "$grus" build -q "$here/tap.grus" --weights=random:1 --emit=package -o p
gcc -O2 -ffp-contract=off -Ip/src "$here/tap.c" p/src/tap.c -o tap && ./tap >from_c
gcc -O2 -ffp-contract=off -shared -fPIC p/src/tap.c -o libtap.so
cp "$here/tap.py" tap_main.py && PYTHONPATH=p/bindings/python python3 tap_main.py >from_python && cmp from_c from_python
if command -v go >/dev/null; then
  mkdir -p p/bindings/go/main && cp "$here/tap.go" p/bindings/go/main/main.go
  (cd p/bindings/go && GOFLAGS=-mod=mod GOCACHE="$dir/go" go run ./main) >from_go && cmp from_c from_go
fi

# one archive, the same bytes each time, with the same files
"$grus" build -q "$tests/models/window.grus" --weights=random:1 --emit=package -o p
"$grus" build -q "$tests/models/window.grus" --weights=random:1 --emit=package --zip -o one
"$grus" build -q "$tests/models/window.grus" --weights=random:1 --emit=package --zip -o two
cmp one.zip two.zip
rm -rf p && "$grus" build -q "$tests/models/window.grus" --weights=random:1 --emit=package -o p
python3 -c '
import sys, zipfile
zipfile.ZipFile("one.zip").extractall("out") if zipfile.ZipFile("one.zip").testzip() is None else sys.exit("damaged")'
diff -r out/window p

# all or nothing
mkdir held && : >held/src
if "$grus" build -q "$tests/models/window.grus" --weights=random:1 --emit=package -o held 2>said; then echo "written over a file" && exit 1; fi
sed "s|$dir/||" said
find held | sort
if "$grus" build -q "$tests/models/window.grus" --weights=random:1 --emit=package -o - 2>said; then echo "written to nowhere" && exit 1; fi
cat said
