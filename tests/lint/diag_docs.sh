#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Every code of compiler/base/diag.def has its page docs/errors/<code>.md, which names it, and its
# lint if it is one; and every page has a code.
set -eu
cd "$1"
catalogue=compiler/base/diag.def
[ -f $catalogue ] || exit 0
status=0

codes=$(sed -n 's/^ *\(DIAG\|LINT\)(\([EW][0-9]*\).*/\2/p' $catalogue)
for code in $codes; do
  page=docs/errors/$code.md
  if [ ! -f "$page" ]; then
    echo "$catalogue: $code has no page $page"
    status=1
    continue
  fi
  grep -q "$code" "$page" || { echo "$page: does not name $code"; status=1; }
  name=$(sed -n "s/^ *LINT($code, *\"\{0,1\}\([a-z_0-9]*\).*/\1/p" $catalogue)
  [ -z "$name" ] || grep -q "$name" "$page" || {
    echo "$page: does not name the lint $name"
    status=1
  }
done

for page in docs/errors/[EW][0-9]*.md; do
  [ -f "$page" ] || continue
  code=$(basename "$page" .md)
  printf '%s\n' "$codes" | grep -qx "$code" || {
    echo "$page: $catalogue has no $code"
    status=1
  }
done
exit $status
