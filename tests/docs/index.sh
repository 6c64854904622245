#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The index docs/errors/README.md lists every page beside and below it under the page's own title.
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
exit $status
