#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# duckdb.sh GRUS BACKEND FOLDER: --emit=duckdb writes a library with the function by which DuckDB loads it and with the
# 534 bytes that DuckDB reads first; models and names that do not fit are reported. tests/python/duckdb_extension.py runs
# extensions in DuckDB.
set -eu
grus=$1
backend=$2
folder=$3
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
fail() {
  echo "duckdb.sh: $*"
  exit 1
}
cat >plain.grus <<'END_OF_MODEL'
grus 1

model plain {
  in  x : f32[time 6, 3]
  out y : f32[2] = x |> GRU(5) |> last |> Dense(2)
}
END_OF_MODEL
"$grus" build plain.grus --weights=random:1 --backend="$backend" -q -o plain.duckdb_extension || fail "no extension"
"$grus" build plain.grus --weights=random:1 --backend="$backend" -q --emit=duckdb || fail "no extension by --emit"
size=$(wc -c <plain.duckdb_extension)
tail -c 534 plain.duckdb_extension | od -An -c -v | tr -d ' \n' >tail
grep -q '^\\0223004020duckdb_signature200004' tail || fail "the footer begins with $(cut -c1-80 tail)"
grep -q 'C_STRUCT.*v1\.2\.0.*linux_[a-z]*64.*4\(\\0\)*$' tail || fail "the footer is $(cat tail)"
[ $((size - 534)) -gt 1000 ] || fail "$size bytes"
! command -v nm >/dev/null || nm -D plain.duckdb_extension | grep -q ' [TR] plain_init_c_api$' || fail "DuckDB finds no function"

# reports WORDS ARGUMENT...
reports() {
  words=$1
  shift
  code=0
  "$grus" build "$@" --weights=random:1 --backend="$backend" -q 2>said || code=$?
  [ $code -ne 0 ] || fail "$* was built"
  grep -qF "$words" said || fail "$*: $(cat said)"
  [ ! -e refused.duckdb_extension ] || fail "$* left a file"
}
reports 'must end in .duckdb_extension, found `plain.so`' plain.grus --emit=duckdb -o plain.so
reports 'must end in .duckdb_extension, found `Plain-1.duckdb_extension`' plain.grus -o Plain-1.duckdb_extension
reports 'only for the machine that it runs on' plain.grus --target cortex-m4 -o refused.duckdb_extension
(CC=cc && export CC && reports 'only for the machine that it runs on' plain.grus --target aarch64 -o refused.duckdb_extension)
printf 'grus 1\n\nmodel flow {\n  in x : f32[time .., 2]\n  out y : f32[time .., 2] = x |> GRU(2)\n}\n' >flow.grus
reports 'it runs over a stream, and rows of a table have no order' flow.grus -o refused.duckdb_extension
printf 'grus 1\n\nmodel states {\n  in x : f32[time n <= 9, 2]\n  out y : f32[time n, 2] = x |> GRU(2)\n}\n' >states.grus
reports 'its output `y` has a bounded length' states.grus -o refused.duckdb_extension
