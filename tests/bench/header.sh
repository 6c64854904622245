#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# header.sh GRUS: the README's header, compiled with the flags that its build prints, takes at most
# 1.2 times what `grus bench` measures for the machine code of this machine. The least times of the
# two are compared, several times, because a machine has other things to do.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cat >"$dir/hand.grus" <<'END'
grus 1
model hand {
  in  imu : f32[time 100 @ 50Hz, axis 6]
  out p   : f32[6] = imu |> LSTM(32) |> last |> Dense(6) |> softmax
}
END
least() { "$@" --json | sed 's/.*"ns_per_call":{"min":\([0-9.]*\).*/\1/'; }
for try in 1 2 3 4 5; do
  code=$(least "$1" bench "$dir/hand.grus") header=$(least "$1" bench "$dir/hand.grus" --emit=header --dispatch)
  ratio=$(awk "BEGIN { printf \"%.2f\", $header / $code }")
  echo "try $try: header $header ns, machine code $code ns, ratio $ratio"
  if awk "BEGIN { exit !($ratio <= 1.2) }"; then exit 0; fi
done
exit 1
