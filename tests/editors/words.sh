#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# words.sh ROOT: every keyword and element type of the lexer is known to every editor's colours.
set -eu
cd "$1"
words=$(sed -n 's/^"\([a-z]*\)"  *TOKEN.*/\1/p; s/^\([a-z0-9|]*\)  *TOKEN(TOK_DTYPE).*/\1/p' grammar/lexer.l | tr '|' ' ')
[ "$(echo $words | wc -w)" -ge 20 ] || { echo "words: only '$words' found in grammar/lexer.l"; exit 1; }
status=0
for file in editors/vscode/syntaxes/grus.tmLanguage.json editors/vim/syntax/grus.vim editors/emacs/grus-mode.el; do
  for word in $words; do
    grep -Eq "(^|[^a-z0-9_])$word([^a-z0-9_]|\$)" "$file" || { echo "$file: no $word"; status=1; }
  done
done
exit $status
