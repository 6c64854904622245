#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Words that do not belong in the tree: reminders in place of work, paths of one person's machine,
# addresses of package servers. Patterns are bracketed so that this file does not match itself.
set -eu
lint=$(cd "$(dirname "$0")" && pwd)
cd "$1"
status=0

# ban WHY ERE [EXCEPT-FILES-ERE]
ban() {
  found=$("$lint/files.sh" . | grep -vE "${3:-^$}" | tr '\n' '\0' |
    xargs -0 -r grep -HInE -e "$2" /dev/null || true)
  [ -z "$found" ] || {
    printf '%s\n' "$found" | sed "s|\$|    <- $1|"
    status=1
  }
}

ban 'a reminder; do it or leave it out' '(^|[^A-Za-z0-9_])(TOD[O]|FIXM[E]|XX[X]|HAC[K])($|[^A-Za-z0-9_])'
ban 'a path of one machine' '/wor[k]/|\.librar[y]|/hom[e]/[a-z]|/roo[t]/|/tmp/bash_job[s]'
ban 'the tree stands alone' 'share[d]/(design|background)|\b[iI]ssu[e] #?[0-9]'
ban 'an address of a package server' \
  '(pyp[i]|npmj[s]|crate[s])\.(org|io|com)|pythonhoste[d]|(de[b]|security|archive|ports)\.(debia[n]|ubunt[u])\.|doc[s]\.rs|conda-forg[e]|prox[y]\.golang'
exit $status
