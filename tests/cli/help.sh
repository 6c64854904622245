#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Help, wrong command lines, completions and the manual page.
. "$(dirname "$0")/lib.sh"
commands=$("$GRUS" --help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
say every command has help, and says it in lines that fit a terminal
for c in $commands; do
  q $c --help
  grep -q "^usage: grus $c" "$work/said" || echo "$c: no usage"
  "$GRUS" help $c | cmp - "$work/said"
  awk -v c=$c 'length > 130 { print c ": a line of " length ": " $0 }' "$work/said"
done
q --help
grep -q '^exit codes: 0' "$work/said" || echo "no exit codes"
"$GRUS" --version | grep -q '^grus [0-9]' || echo "no version"

say the groups of options: the same in help and in the manual
for c in build import; do
  "$GRUS" $c --help | sed -n '/^examples:/d; s/^\([a-z].*\):$/\1/p' >help.groups
  "$GRUS" man $c | sed -n 's/^\.SS //p' >man.groups
  cmp help.groups man.groups && sed "s/^/$c: /" help.groups
done

say wrong command lines
t
t chekc
t nonsense
t check --wrror x.grus
t check --emit=c x.grus
t check --max-errors
t check --max-errors=many x.grus
t check --json
t check -W nonsense x.grus
t check -W
t check --quiet=3 x.grus
t fmt --check=1
t build x.grus --model
t explain
t explain E999
t explain lower
t completions
t completions tcsh
t check --color=sometimes x.grus
t check

say two dashes end the options
printf 'grus 1\nmodel m {\n  in  x : f32[4]\n  out y : f32[4] = x |> relu\n}\n' >--odd.grus
t check -- --odd.grus
t check --odd.grus
"$GRUS" check - <--odd.grus && echo "standard input"

say completions
for c in $commands; do
  "$GRUS" completions bash | grep -q "^  $c)" || echo "bash: no $c"
  "$GRUS" completions fish | grep -q -- "-a $c " || echo "fish: no $c"
  "$GRUS" completions zsh | grep -q "^  $c)" || echo "zsh: no $c"
done
if command -v bash >/dev/null; then
  "$GRUS" completions bash >grus.bash
  bash -n grus.bash && bash -c '. ./grus.bash; COMP_WORDS=(grus build --bat); COMP_CWORD=2; _grus; echo "${COMPREPLY[*]}"
    COMP_WORDS=(grus ex); COMP_CWORD=1; _grus; echo "${COMPREPLY[*]}"'
fi
command -v zsh >/dev/null && "$GRUS" completions zsh | zsh -n
command -v fish >/dev/null && "$GRUS" completions fish | fish -n

say the manual page
"$GRUS" man >grus.1
for c in $commands; do grep -q "fB$c" grus.1 || echo "the manual has no $c"; done
if command -v man >/dev/null && command -v groff >/dev/null; then
  man --warnings -l grus.1 2>&1 >/dev/null
fi
if command -v groff >/dev/null; then groff -man -ww -Tutf8 -z grus.1; fi
for c in $commands; do
  "$GRUS" man "$c" >page.1 || echo "no page of $c"
  for part in NAME SYNOPSIS OPTIONS EXAMPLES 'SEE ALSO'; do grep -q "^.SH $part" page.1 || echo "$c: no $part"; done
  if command -v groff >/dev/null; then groff -man -ww -Tutf8 -z page.1; fi
done
t man nonsense
t man build check
