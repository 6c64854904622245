#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# readme.sh GRUS ROOT: the first model of README.md, from its text to the program, with the commands and flags
# that stand there. What the header computes is at most 1.2 times as slow as what `grus bench` measures, by the
# least of all times, in one of ten tries, for other processes disturb some. On AArch64, under QEMU, the program prints the
# same. Exit code 77: grus has no LLVM backend.
set -eu
grus=$1 root=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
unset CC
"$grus" --version | grep -q llvm || { echo "skipped: no LLVM backend" && exit 77; }
block() { # the first fenced block of README.md behind a line that begins so
  awk -v begin="$1" 'index($0, begin) == 1 { near = 1 } near && /^```/ { if (inside) exit; inside = 1; next } inside' "$root/README.md"
}
block '**1. Write the model.' | sed 's/^model hand {/&\n  weights torch "hand.safetensors"/' >hand.grus
sed '/weights torch/d' hand.grus >sizes.grus
block '**5. Call it.' >main.c
block '**4. Build the header.' >build.sh
grep -q '^grus build hand.grus --emit=header --dispatch -o hand.h$' build.sh || { cat build.sh && exit 1; }
"$grus" build sizes.grus --weights=random:1 --emit=header --dispatch -o hand.h >said
flags=$(sed -n 's/^compile with: //p' said)
echo "flags: $flags"
grep -qF "$flags main.c -o main && ./main" "$root/README.md" || { echo "README.md compiles with other flags" && exit 1; }
$flags main.c -o main
./main >probabilities
cat probabilities
if command -v aarch64-linux-gnu-gcc >/dev/null && command -v qemu-aarch64 >/dev/null; then
  aarch64-linux-gnu-gcc ${flags#cc } -static main.c -o main_arm
  qemu-aarch64 ./main_arm | cmp - probabilities
fi
least() { "$grus" bench sizes.grus --json "$@" | sed 's/.*"ns_per_call":{"min":\([0-9]*\).*/\1/'; }
for try in 1 2 3 4 5 6 7 8 9 10; do
  ours=$(least) header=$(least --emit=header --dispatch --cc "$flags")
  echo "try $try: bench $ours ns a call, the header $header ns" >&2
  if [ $((header * 10)) -le $((ours * 12)) ]; then echo "within 1.2 of grus bench" && exit 0; fi
done
echo "the header is more than 1.2 times as slow as what grus bench measures"
exit 1
