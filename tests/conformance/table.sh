#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The table of docs/conformance.md, from the rows that the tests left.
#
#   table.sh ROWS DOC MODELS            fails if a folder of MODELS or a case of MODELS2/cases.json is in no
#                                       row of DOC; shows the rows by which DOC differs from what the tests
#                                       left (files, numbers of outputs, refusals; errors depend on the
#                                       machine)
#   table.sh ROWS DOC MODELS --write    writes the table into DOC
set -u
rows=$1 doc=$2 models=$3
begin='<!-- the table -->'
failed=0
if [ ! -d "$models" ]; then
  echo "SKIPPED: there are no published models in $models"
  exit 77
fi

table() {
  for file in "$rows"/*.rows; do
    printf '\n## %s\n\n' "$(basename "$file" .rows | tr _ ' ')"
    printf '| file | outputs | evaluator | compiled | C from LLVM | tolerance |\n|---|---|---|---|---|---|\n'
    awk -F '\t' 'NF == 2 { printf "| %s | | %s | | | |\n", $1, $2; next }
                 { printf "| %s | %s | %s | %s | %s | %s |\n", $1, $2, $3, $4, $5, $6 }' "$file" |
      sed -e 's![^ `]*/shared/models2*/!!g' -e 's![^ `]*/tests/conformance/\([a-z]*/[.][.]/\)*!!g'
  done
}
# What does not depend on the machine: the first two cells, and a refusal.
facts() {
  awk -F ' *[|] *' '/^[|] / && $2 != "file" { print $2 "|" $3 "|" ($3 == "" ? $4 : "") }' | sort
}

if [ "${4-}" = --write ]; then
  { sed "/^$begin\$/q" "$doc" && table; } >"$doc.new" && mv "$doc.new" "$doc"
  exit
fi
wanted=$(mktemp) && found=$(mktemp) || exit 2
trap 'rm -f "$wanted" "$found"' EXIT
table | facts >"$wanted"
sed "1,/^$begin\$/d" "$doc" | facts >"$found"
if ! cmp -s "$wanted" "$found"; then
  diff "$found" "$wanted"
  echo "$doc is not what the tests say; write it anew: cmake --build BUILD --target conformance_table"
fi
for folder in "$models"/*/; do
  name=$(basename "$folder")
  [ "$name" = onnx_conformance ] && name=node
  grep -q "^| $name[/, ]" "$doc" || { echo "no row of $doc is about $name" && failed=1; }
done

cases=$(sed -n 's/^ *"name": "\(.*\)",*$/\1/p' "${models}2/cases.json")
[ -n "$cases" ] || { echo "${models}2/cases.json has no case" && failed=1; }
sed -n '/^## recorded cases$/,/^## /p' "$doc" >"$wanted"
for name in $cases; do
  grep -q "^| $name[/.]" "$wanted" || { echo "no row of $doc is about the case $name" && failed=1; }
done
exit $failed
