#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# docs/performance.md shows what was measured: its tables and its picture are those that
# bench/compare makes of docs/performance.json, line by line.
# Usage: tables.sh PROJECT
set -eu
cd "$1"
command -v python3 >/dev/null || {
  echo 'SKIPPED: no python3, so nobody compares docs/performance.md with docs/performance.json'
  exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PYTHONDONTWRITEBYTECODE=1
status=0
for what in table aims; do
  python3 bench/compare "--$what" docs/performance.json >"$work/$what"
  [ -s "$work/$what" ] || {
    echo "bench/compare --$what prints nothing"
    status=1
  }
  awk 'NR == FNR { there[$0] = 1; next } !($0 in there) { print "not in docs/performance.md: " $0; bad = 1 }
    END { exit bad }' docs/performance.md "$work/$what" || status=1
done
python3 bench/compare --picture docs/performance.json "$work/picture.svg"
cmp "$work/picture.svg" docs/performance.svg || status=1
exit $status
