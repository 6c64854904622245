#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# CONTRIBUTING.md names what exists: every path between backticks is a file or a folder of the tree, every name
# of a file is that of one, and every name with an underscore stands in the source. <name> stands for anything.
set -eu
lint=$(cd "$(dirname "$0")" && pwd)
cd "$1"
guide=CONTRIBUTING.md
[ -f $guide ] || exit 0
list=$(mktemp)
trap 'rm -f "$list"' EXIT
"$lint/files.sh" . >"$list"
status=0
wrong() {
  echo "$guide:$1: \`$2\` $3"
  status=1
}
while IFS=: read -r line word; do
  case $word in
  *'<'* | *'$'* | *' '* | *'*'* | -* | /* | *=* | http*) continue ;;
  build/* | ../* | .* | snake_case | UPPER_CASE) continue ;;
  */*)
    path=${word%/}
    case $path in [a-z]*/*[a-z]) ;; *) continue ;; esac
    case ${path%%/*} in compiler | runtime | grammar | examples | tests | cmake | docs | bench | scripts | python | editors | web) ;; *) continue ;; esac
    [ -e "$path" ] || wrong "$line" "$word" 'is not there' ;;
  *.c | *.h | *.def | *.sh | *.txt | *.md | *.grus)
    grep -qE "(^|/)$(printf %s "$word" | sed 's/[.]/[.]/g')\$" "$list" || wrong "$line" "$word" 'is the name of no file' ;;
  *[!A-Za-z0-9_]*) ;;
  *_*)
    grep -rqwF --include='*.[chly]' --include='*.def' --include='*.txt' --include='*.cmake' --include='*.sh' --include='*.ebnf' -- "$word" \
      compiler runtime tests cmake grammar 2>/dev/null || wrong "$line" "$word" 'stands nowhere in the source' ;;
  esac
done <<END
$(grep -no '`[^`]*`' $guide | sed 's/`//g')
END
exit $status
