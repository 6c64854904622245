#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Runs the examples of Markdown pages through `grus check`.
#
#   examples.sh GRUS PAGE...
#
#   ```grus                a model without errors
#   ```grus error(E301)    its errors are of this code and no other
#   ```grus warning(W301)  it has no errors and this warning
#   ```grus fragment       not run
#   ```text                after an example with a code: exactly its messages, LINE:COLUMN: first line.
#                          A page of a code (docs/errors/E301.md) must have it.
set -eu
grus=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One file an example: PAGE.LINE.grus, where LINE is that of its fence, and its kind in PAGE.LINE.kind.
for page in "$@"; do
  awk -v stem="$work/$(basename "$page" .md)" '
    /^```grus( |$)/ { file = stem "." NR; kind = $0; sub(/^```grus */, "", kind)
                      print kind > (file ".kind"); close(file ".kind"); printf "" > (file ".grus"); next }
    /^```text$/ && asked { text = asked ".text"; printf "" > text; asked = ""; next }
    /^```/          { if (file) { close(file ".grus"); asked = kind ~ /[(]/ ? file : "" }
                      if (text) close(text)
                      file = text = ""; next }
    file            { print > (file ".grus") }
    text            { print > text }
    !file && !text && NF { asked = "" }' "$page"
done

failed=0
count=0
for example in "$work"/*.grus; do
  [ -f "$example" ] || break
  read -r kind <"${example%.grus}.kind" || kind=
  status=0
  [ "$kind" = fragment ] ||
    "$grus" check --diagnostics=short "$example" >/dev/null 2>"$work/stderr" || status=$?
  case $kind in
  fragment) continue ;;
  error\([EW][0-9]*\))
    code=${kind#*\(} code=${code%\)}
    got=$(sed -n 's/.* error\[\(E[0-9]*\)\]: .*/\1/p' "$work/stderr" | sort -u)
    [ "$status" -eq 1 ] && [ "$got" = "$code" ] && ok=yes || ok=no ;;
  warning\([EW][0-9]*\))
    code=${kind#*\(} code=${code%\)}
    grep -q " warning\[$code\]: " "$work/stderr" && [ "$status" -eq 0 ] && ok=yes || ok=no ;;
  '') [ "$status" -eq 0 ] && ok=yes || ok=no ;;
  *) ok=no ;;
  esac
  case $kind-$(basename "$example") in
  *\(*-[EW][0-9][0-9][0-9].*) [ -f "${example%.grus}.text" ] || : >"${example%.grus}.text" ;;
  esac
  if [ -f "${example%.grus}.text" ]; then
    sed -n "s|$work/||g; s|^$(basename "$example"):\([0-9:]* [a-z]*\[.*\)|\1|p" "$work/stderr" >"$work/says"
    diff "${example%.grus}.text" "$work/says" >"$work/diff" || {
      printf '%s: the page does not show what its example says (<: the page, >: grus)\n' "$(basename "$example" .grus)"
      sed 's/^/    /' "$work/diff"
      failed=1
    }
  fi
  count=$((count + 1))
  [ $ok = yes ] || {
    printf '%s: ```grus %s: exit status %s\n' "$(basename "$example" .grus)" "$kind" "$status"
    sed 's/^.*\///; s/^/    /' "$work/stderr"
    failed=1
  }
done
printf '%s examples checked\n' "$count"
[ "$count" -gt 0 ] || failed=1
exit $failed
