#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# hostile.sh GRUS MEMORY GROUP SOURCES EXAMPLES: one group of hostile runs. MEMORY is a limit of the
# address space in KiB, or `unlimited`.
set -u
grus=$1 memory=$2 group=$3 examples=$5
. "$4"
dir=$(mktemp -d) || exit 1
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failures=0

fail() {
  echo "$*"
  head -c 2000 said
  failures=$((failures + 1))
}

# run EXIT COMMAND...: the exit code must be EXIT, in bounded time and memory. Output: file said.
run() {
  expected=$1
  shift
  (ulimit -v "$memory"; exec timeout 1500 "$@") > said 2>&1
  code=$?
  [ "$code" = "$expected" ] || fail "exit $code, not $expected: $*"
}

# expect NAME EXIT CODE: checks a source; CODE (or `-`) must be among what is reported.
expect() {
  source_text "$1" > "$1.grus" || exit 1
  run "$2" "$grus" check --max-errors=3 "$1.grus"
  [ "$3" = - ] || grep -q "error\[$3\]" said || fail "$1: $3 is not reported"
  [ "$(wc -c < said)" -lt 1100000 ] || fail "$1: it says $(wc -c < said) bytes"
  rm "$1.grus"
}

bytes() {
  expect empty 1 E108
  expect comments 1 E108
  expect nul 1 E112
  expect latin1 1 E112
  expect utf16 1 E112
  expect bom 0 -
  expect crlf 0 -
  expect cr_only 0 -
  expect controls 1 E107
  expect quotes 1 E101
  expect open_comment 1 E101
}

depth() {
  for name in round square braces minus mixed; do expect $name 1 E111; done
  expect blocks 1 E101
  expect recursion 1 E212
}

size() {
  for name in pipeline sum constant chain ten_mb one_line one_comment statements; do expect $name 0 -; done
  expect too_large 1 E115
  expect numbers 1 E113
  expect product 1 E313
  expect axes 1 E314
  expect arguments 1 E302
  expect options 1 E203
  expect bomb 1 E215
  expect long_excerpt 1 E201
  [ "$(wc -c < said)" -lt 2000 ] || fail "long_excerpt: the excerpt has $(wc -c < said) bytes"
  expect long_name 1 E201
}

many() {
  expect unknown 1 E202
  grep -q 'more not shown; --max-errors=0 shows all' said || fail "unknown: nothing says that there is more"
  expect misspelt 1 E201
  expect shapes 1 E301
  expect syntax 1 E101
  expect twice 1 E209
  expect same_models 1 E209
}

# Tables with more entries than any model has: work grows with their number, not with its square.
tables() {
  seconds=100 # of the processor; a square would take an hour
  { head4; printf '  out y : f32[4] = x |> Dense(4)\n}\n'; } > dense.grus
  { echo 'grus-ranges 1'; lines 600000 'range "a%d" -1 1'; } > many.ranges
  run 1 sh -c "ulimit -t $seconds; exec \"$grus\" build dense.grus --weights=random:1 --precision=i8 --ranges=many.ranges -o dense.c"
  grep -q 'error\[E706\]' said || fail "ranges of no value are not refused"
  { printf '{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    lines 300000 ',"m%d.odd":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    printf '}'; } > header
  { size=$(wc -c < header)
    for shift in 1 256 65536 16777216; do printf "\\$(printf %o $((size / shift % 256)))"; done
    printf '\0\0\0\0'
    cat header; } > modules.safetensors
  run 0 sh -c "ulimit -t $seconds; exec \"$grus\" import --template modules.safetensors"
  [ "$(grep -c '# .*odd' said)" = 300000 ] || fail "not every tensor is in the template"
}

# What `use` and paths lead to.
files() {
  expect circle 1 E214
  i=0
  while [ $i -lt 1000 ]; do
    printf 'grus 1\nuse "deep%d.grus"\n' $((i + 1)) > deep$i.grus
    i=$((i + 1))
  done
  printf 'grus 1\n' > deep1000.grus
  run 1 "$grus" check deep0.grus
  grep -q 'error\[E214\]' said || fail "deep use is not reported"
  run 3 "$grus" check "$dir"
  grep -q 'it is a directory' said || fail "a directory is not named as such"
  run 3 "$grus" check missing.grus
  printf 'grus 1\nuse "%s"\n' "$dir" > uses_folder.grus
  run 1 "$grus" check uses_folder.grus
  printf 'grus 1\nuse "/dev/zero"\n' > uses_zero.grus
  run 1 "$grus" check uses_zero.grus
  run 1 "$grus" check /dev/zero
  grep -q 'error\[E115\]' said || fail "an endless file is not refused"
  run 1 sh -c "exec \"$grus\" check - < /dev/zero"
  grep -q 'error\[E115\]' said || fail "endless standard input is not refused"
  source_text bom > locked.grus
  chmod 0 locked.grus
  [ -r locked.grus ] || run 3 "$grus" check locked.grus
}

# Several files and standard input, in every format; fixes in several files.
commands() {
  cp "$examples"/*.grus .
  source_text bom > good.grus
  head4 > broken.grus
  printf '  out y : f32[4] = x |> Dense(4) -> relu\n}\n' >> broken.grus
  cp broken.grus also.grus
  for format in human short gcc json sarif; do
    run 0 "$grus" check --diagnostics=$format good.grus good.grus good.grus
    run 1 "$grus" check --diagnostics=$format good.grus broken.grus good.grus also.grus
    [ $format = sarif ] || [ "$(grep -c 'E102' said)" -ge 2 ] || fail "$format: not both files are reported"
    awk '/broken.grus/ && !a { a = NR } /also.grus/ && !b { b = NR } END { exit !(a && b && a <= b) }' said ||
      fail "$format: not in the order of the command line"
    run 3 "$grus" check --diagnostics=$format broken.grus missing.grus
    grep -q E102 said || fail "$format: the file that is there is not reported"
  done
  run 1 sh -c "\"$grus\" check good.grus broken.grus - < also.grus"
  grep -q 'stdin' said || fail "standard input is not reported"
  run 1 sh -c ": | \"$grus\" check -"

  ln -s broken.grus link.grus
  run 0 "$grus" check --fix link.grus also.grus good.grus
  [ -L link.grus ] || fail "--fix replaced a link by a file"
  grep -q '|> relu' broken.grus || fail "--fix did not reach the file behind a link"
  grep -q '|> relu' also.grus || fail "--fix did not reach the second file"
  cp broken.grus before.grus
  run 0 "$grus" check --fix broken.grus broken.grus
  cmp -s broken.grus before.grus || fail "--fix changed a file that is right"
  ls | grep -q '\.tmp' && fail "a temporary file is left"

  # Every beginning of an example is a model, or an error with a place: never a crash.
  text=$(cat kws.grus)
  n=1
  while [ $n -lt ${#text} ]; do
    printf '%.*s' $n "$text" > cut.grus
    "$grus" check -q cut.grus > said 2>&1
    code=$?
    [ $code -le 1 ] || fail "exit $code for the first $n bytes of kws.grus"
    n=$((n + 7))
  done
}

$group
[ $failures = 0 ]
