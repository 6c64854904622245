#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# One name for one thing: the words that CONTRIBUTING.md replaces ("Prose") stand neither in the pages
# nor in what the compiler and its programs print.
set -eu
lint=$(cd "$(dirname "$0")" && pwd)
cd "$1"
terms='start(ing)? states?|run-time lengths?|varying lengths?|tensor files?|makes C of|for ever($|[^y])|all is well|[Tt]hat is all|of course|nobody has heard|[Mm]ostly '
status=0

# What grus does with a wrong model or file is an error or a rejection. docs/reliability.md counts refusals of tests.
refusals='(is|are) refused|grus refuses'
# docs/conformance.md quotes what was printed when it was made.
pages=$("$lint/files.sh" . '^(README|CHANGELOG|docs/.*)\.md$' | grep -vx docs/conformance.md || true)
sources=$("$lint/files.sh" . '^(compiler|runtime)/.*\.(c|h|def)$' || true)
# shellcheck disable=SC2086 # lists of files
! grep -nE "$terms" /dev/null $pages || status=1
# shellcheck disable=SC2086
! grep -nE "$refusals" /dev/null $(printf '%s\n' $pages | grep -vx docs/reliability.md) || status=1
# shellcheck disable=SC2086
! grep -nE "\"[^\"]*($terms)" /dev/null $sources || status=1
exit $status
