#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# neovim.sh NVIM GRUS: nvim.lua, with a home of its own and plain line ends.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
status=0
HOME=$home XDG_STATE_HOME=$home XDG_CONFIG_HOME=$home XDG_DATA_HOME=$home GRUS=$2 EDITORS=$here/../../editors \
  "$1" --headless --clean -S "$here/nvim.lua" >"$home/out" 2>&1 </dev/null || status=$?
tr -d '\r' <"$home/out"
echo
exit $status
