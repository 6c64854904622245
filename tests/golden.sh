#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Runs a command beside a golden file and compares what it prints with that file.
#
#   golden.sh EXPECTED [--exit N] [--stdin FILE] [--stdout|--stderr|--both] -- CMD [ARG...]
#
#   EXPECTED    the golden file; CMD runs in its directory, so it can name inputs by their stem
#   --exit N    the exit status CMD must have (0); `errors`: 1 if an error is among what is expected, or else 0
#   --stdin F   CMD reads F, relative to EXPECTED's directory (otherwise it reads nothing)
#   --stdout    compare standard output (the default); --stderr: standard error;
#   --both      both, as they come
#
# GRUS_BLESS=1 writes EXPECTED instead of comparing; a person then reads the diff. It is refused
# where CI=true. The exit status of CMD is checked either way.
set -eu

fail() {
  printf 'golden: %s\n' "$*" >&2
  exit 1
}

usage() {
  sed -n '3,14s/^# \{0,1\}//p' "$0" >&2
  exit 2
}

[ $# -ge 1 ] || usage
expected=$1
shift
want_exit=0
stdin=/dev/null
stream=stdout
while [ $# -gt 0 ]; do
  case $1 in
  --exit) want_exit=${2?}; shift 2 ;;
  --stdin) stdin=${2?}; shift 2 ;;
  --stdout | --stderr | --both) stream=${1#--}; shift ;;
  --) shift; break ;;
  *) usage ;;
  esac
done
[ $# -gt 0 ] || usage

cd "$(dirname "$expected")"
expected=$(basename "$expected")
[ -r "$stdin" ] || fail "cannot read the input $stdin"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

status=0
if [ "$stream" = both ]; then
  "$@" <"$stdin" >"$work/both" 2>&1 || status=$?
else
  "$@" <"$stdin" >"$work/stdout" 2>"$work/stderr" || status=$?
fi

ok=yes
if [ "$want_exit" = errors ]; then
  judge=$expected
  [ "${GRUS_BLESS:-0}" != 1 ] || judge=$work/$stream
  want_exit=0
  ! grep -q '^error\[' "$judge" 2>/dev/null || want_exit=1
fi
if [ "$status" -ne "$want_exit" ]; then
  printf 'golden: exit status %s, expected %s: %s\n' "$status" "$want_exit" "$*"
  for other in stdout stderr; do
    [ "$other" = "$stream" ] || [ ! -s "$work/$other" ] || sed "s/^/$other: /" "$work/$other"
  done
  ok=no
fi

if [ "${GRUS_BLESS:-0}" = 1 ]; then
  [ "${CI:-false}" != true ] || fail "GRUS_BLESS is set in CI; golden files are blessed by people"
  cmp -s "$work/$stream" "$expected" || {
    cat "$work/$stream" >"$expected"
    printf 'golden: wrote %s\n' "$expected"
  }
elif [ ! -f "$expected" ]; then
  printf 'golden: %s does not exist; what came out:\n' "$expected"
  cat "$work/$stream"
  ok=no
elif ! diff -u --label "$expected (expected)" --label "$stream (actual)" \
  "$expected" "$work/$stream"; then
  ok=no
fi

[ "$ok" = yes ]
