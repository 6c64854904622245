#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The index docs/errors/README.md lists every page beside and below it under the page's own title. A page of a code
# has its parts in one order: why, example, fix, what else. E905, which only a mistake of grus gives, has no example.
#
#   index.sh DOCS_ERRORS
set -eu
cd "$1"
status=0
for page in [EW][0-9]*.md stages/*.md; do
  heading=$(sed -n '1s/^# //p' "$page")
  title=${heading#*: }
  name=$(basename "$page" .md)
  case ${heading%%: *} in
  "$name" | "$name "*) ;;
  *) echo "$page:1: the title does not begin with $name"; status=1 ;;
  esac
  row=$(grep -F "]($page)" README.md || true)
  case $row in
  *"| $title |"*) ;;
  '') echo "README.md: does not list $page"; status=1 ;;
  *) echo "README.md: lists $page under another title: $row"; status=1 ;;
  esac
done
for page in [EW][0-9]*.md; do
  awk -v page="$page" '
    BEGIN {
      n = split("Why this is an error|Why grus warns|Example|Fix|If you intend it|Other causes|In other frameworks", part, "|")
      for (i = 1; i <= n; i++) rank[part[i]] = i
    }
    /^## / {
      heading = substr($0, 4)
      if (!(heading in rank)) next
      if (rank[heading] < last) { print page ":" FNR ": `" heading "` comes earlier in a page of a code"; bad = 1 }
      last = rank[heading]
      seen[heading] = 1
    }
    END {
      if (!("Why this is an error" in seen) && !("Why grus warns" in seen)) { print page ": does not say why"; bad = 1 }
      if (!("Example" in seen) && page != "E905.md") { print page ": has no example"; bad = 1 }
      if (!("Fix" in seen)) { print page ": has no fix"; bad = 1 }
      exit bad
    }' "$page" || status=1
done
exit $status
