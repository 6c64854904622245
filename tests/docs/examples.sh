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
    /^```/          { if (file) close(file ".grus"); file = "" }
    file            { print > (file ".grus") }' "$page"
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
