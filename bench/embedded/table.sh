#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# table.sh BIN [PEERS]: every row measure.sh knows, as a table. PEERS: a folder of folders
# NET-D-H/NAME, each a further candidate of that net (see measure.sh).
set -eu
bin=$1 peers=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
echo "| core | net | (in, units) | code from | instructions | modelled cycles | code bytes | stack bytes | error |"
echo "|---|---|---|---|---:|---:|---:|---:|---:|"
for core in m4 m7 m55; do
  for net in lstm gru; do
    for size in "13 32" "40 64"; do
      shape=$(echo "$size" | tr ' ' -)
      candidates="plain gcc clang llvm"
      for peer in "$peers/$net-$shape"/*; do
        [ -n "$peers" ] && [ -d "$peer" ] && candidates="$candidates $peer"
      done
      for candidate in $candidates; do
        # shellcheck disable=SC2086
        "$here/measure.sh" "$bin" $core $net $size "$candidate" | awk '{
          printf "| %s | %s | (%s, %s) | %s | %s | %s | %s | %s | %.1e |\n", $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 * 1e-9 }'
      done
    done
  done
done
