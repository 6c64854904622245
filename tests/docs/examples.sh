#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Runs the examples of Markdown pages: models through `grus check`, and commands as they stand.
#
#   examples.sh GRUS [MAKE_WEIGHTS] PAGE...
#
#   ```grus                a model without errors
#   ```grus error(E301)    its errors are of this code and no other
#   ```grus warning(W301)  it has no errors and this warning
#   ```grus fragment       not run
#   ```text                after an example with a code: exactly its messages, LINE:COLUMN: first line.
#                          A page of a code (docs/errors/E301.md) must have it.
#   ```grus file(kws.grus), ```text file(kws.ranges)
#                          a file of this name, next to which the commands of the page run
#   ```console             `$ grus ...` is run; the lines after it are among those that it prints, in this order.
#                          What else the commands need is made by tests/docs/pages/PAGE.sh, which runs before them.
#   ```console whole       the same, and the page shows all that they print, and nothing else
#
# A page of a code must have an example that gives this code.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tools=$(cd "$(dirname "$1")" && pwd)
grus=$tools/$(basename "$1")
make_weights=$tools/make_weights
shift
case ${1-} in *make_weights*) make_weights=$1; shift ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One file an example: PAGE.LINE.grus, where LINE is that of its fence, and its kind in PAGE.LINE.kind.
for page in "$@"; do
  awk -v stem="$work/$(basename "$page" .md)" '
    /^```[a-z]+ file\(/ { name = $0; sub(/^[^(]*\(/, "", name); sub(/\).*/, "", name); system("mkdir -p " stem ".d")
                      file = stem ".d/" name; asked = ""; plain = 1; printf "" > file; next }
    /^```console( whole)?$/ { file = stem "." NR (/whole/ ? ".whole" : "") ".console"; asked = ""; plain = 1; printf "" > file; next }
    /^```grus( |$)/ { file = stem "." NR; kind = $0; sub(/^```grus */, "", kind)
                      print kind > (file ".kind"); close(file ".kind"); printf "" > (file ".grus"); next }
    /^```text$/ && asked { text = asked ".text"; printf "" > text; asked = ""; next }
    /^```/          { if (file && !plain) { close(file ".grus"); asked = kind ~ /[(]/ ? file : "" }
                      if (plain) close(file)
                      if (text) close(text)
                      file = text = plain = ""; next }
    plain           { print > file; next }
    file            { print > (file ".grus") }
    text            { print > text }
    !file && !text && NF { asked = "" }' "$page"
done

# shown EXPECTED SAID: every line of EXPECTED is in SAID, in this order; prints the first that is not.
shown() {
  awk -v said="$2" '
    function trimmed(line) { sub(/[ \t]+$/, "", line); return line }
    { while ((more = (getline line < said)) > 0 && trimmed(line) != trimmed($0)) continue
      if (more <= 0) { print "    the page has a line that grus does not print here: " $0; exit 1 } }' "$1"
}

# same EXPECTED SAID: the lines of both are the same, but for blanks at their ends.
same() {
  sed 's/[ \t]*$//' "$1" >"$work/same.page"
  sed 's/[ \t]*$//' "$2" >"$work/same.said"
  diff "$work/same.page" "$work/same.said" >"$work/same.diff" && return 0
  echo "    the page does not show all that grus prints (<: the page, >: grus)"
  sed 's/^/    /' "$work/same.diff"
  return 1
}

# commands PAGE CONSOLE: runs the commands of a block in the folder of the page.
commands() {
  folder=$work/$(basename "$1" .md).d
  mkdir -p "$folder"
  if [ -f "$here/pages/$(basename "$1" .md).sh" ] && [ ! -f "$folder/.made" ]; then
    (cd "$folder" && MAKE_WEIGHTS=$make_weights ROOT=$here/../.. sh "$here/pages/$(basename "$1" .md).sh") || return 1
    : >"$folder/.made"
  fi
  # One file a command: N.run, and what the page shows of it.
  rm -f "$work"/step.*
  awk -v stem="$work/step" '/^\$ / { n++; print substr($0, 3) > (stem "." n); printf "" > (stem "." n ".shows"); next }
                            { print > (stem "." n ".shows") }' "$2"
  step=1
  while [ -f "$work/step.$step" ]; do
    case $(cat "$work/step.$step") in
    'grus '*) ;;
    *) echo "    not a command of grus: $(cat "$work/step.$step")" && return 1 ;;
    esac
    (cd "$folder" && PATH=$tools:$PATH sh "$work/step.$step") >"$work/said" 2>&1 </dev/null || true
    case $2 in
    *.whole.console) same "$work/step.$step.shows" "$work/said" || return 1 ;;
    *) shown "$work/step.$step.shows" "$work/said" || { sed 's/^/    > /' "$work/said" && return 1; } ;;
    esac
    step=$((step + 1))
  done
}

failed=0
count=0
for page in "$@"; do
  name=$(basename "$page" .md)
  for console in "$work/$name".[0-9]*.console; do
    [ -f "$console" ] || continue
    count=$((count + 1))
    commands "$page" "$console" >"$work/wrong" || {
      printf '%s: the commands do not print what the page shows\n' "$(basename "$console" .console)"
      cat "$work/wrong"
      failed=1
    }
  done
  case $name in
  E905) ;; # only a mistake of grus gives it: tests/conformance/faults makes such mistakes
  [EW][0-9][0-9][0-9])
    grep -qs "\[$name\]" "$work/$name".[0-9]*.console "$work/$name".[0-9]*.text || {
      echo "$name: the page has no example that gives its message"
      failed=1
    } ;;
  esac
done
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
