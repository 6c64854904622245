#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# words.sh ROOT: every keyword and element type of the language is known to every editor's colours.
set -eu
cd "$1"
list=compiler/model/graph/keywords.def
words=$(grep -v ', IDENT)' $list | sed -nE 's/^(STATEMENT|KEYWORD)\(([a-z0-9]+), .*/\2/p')
[ "$(echo $words | wc -w)" -ge 20 ] || { echo "words: only '$words' found in $list"; exit 1; }
status=0
for file in editors/vscode/syntaxes/grus.tmLanguage.json editors/vim/syntax/grus.vim editors/emacs/grus-mode.el; do
  for word in $words; do
    grep -Eq "(^|[^a-z0-9_])$word([^a-z0-9_]|\$)" "$file" || { echo "$file: no $word"; status=1; }
  done
done
exit $status
