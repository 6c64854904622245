#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# selftest_multi.sh GRUS MODELS few|all: NAME_selftest of a file with several bodies, by each compiler and for each level that
# this processor has: 0 as it is built; with a weight of one body changed, the code of that weight's layer where this
# body runs, and 0 elsewhere.
set -eu
grus=$1 models=$2 ways=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0
cat >"$dir/main.c" <<'END'
#include "model.h"
#include <stdio.h>
int main(void) {
  printf("%d\n", model_selftest());
  return 0;
}
END
levels=
has() { grep -qw "$1" /proc/cpuinfo 2>/dev/null; }
[ "$(uname -m)" = x86_64 ] && has sse4_2 && levels=-march=x86-64-v2
[ -n "$levels" ] && has avx2 && has fma && levels="$levels -march=x86-64-v3"
[ -n "$levels" ] && has avx512vl && has avx512dq && levels="$levels -march=x86-64-v4"
compilers=
names=gru_stream
[ "$ways" = few ] || names="$names conv_stream window lstm_both"
for cc in gcc clang-19; do ! command -v $cc >/dev/null || compilers="$compilers $cc"; done
[ "$ways" = all ] || compilers=${compilers%% clang-19}
strict="-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -Wno-psabi -O1 -ffp-contract=off"
check() { # WHAT NEEDED CC FLAGS FILE...
  what=$1 needed=$2 cc=$3 level=$4
  shift 4
  # shellcheck disable=SC2086
  $cc $strict $level -I"$dir" "$dir/main.c" "$@" -o "$dir/main" || { echo "$what: $cc $level does not compile it" && failed=1 && return 0; }
  code=$("$dir/main")
  [ "$code" = "$needed" ] || { echo "$what: $cc $level: $code, needed $needed" && failed=1; }
}
for name in $names; do
  for how in --target=multi --dispatch; do
    "$grus" build -q "$models/$name.grus" --weights=random:1 $how --selftest --prefix model --emit=header -o "$dir/model.h"
    for cc in $compilers; do
      check "$name $how" 0 "$cc" ""
      [ "$how" = --dispatch ] || for level in $levels; do check "$name $how" 0 "$cc" "$level"; done
    done
  done
done

# the weights of the body for any processor are damaged; its code is that of the second stage
cat >"$dir/three.grus" <<'END'
grus 1

model three {
  allow state_never_reset
  in  x : f32[time .., 4]
  out y : f32[time .., 3] = x |> Dense(6) |> tanh |> GRU(8, reset=after) |> Dense(3)
}
END
damage() { # SECTION: the first weight of its GRU
  awk -v section="/* ---- $1 ---- */" 'index($0, "/* ---- ") { on = $0 == section }
    on && /static const float model_.*gru_U/ && !done { at = NR + 1; done = 1 } NR == at { sub(/[-0-9.e]+f,/, "3.5f,") } { print }' \
    "$dir/good.c" >"$dir/model.c"
  ! cmp -s "$dir/good.c" "$dir/model.c" || { echo "no weight of $1 was changed" && failed=1; }
}
"$grus" build -q "$dir/three.grus" --weights=random:1 --target multi --selftest --prefix model --c-weights numbers -o "$dir/model.c"
mv "$dir/model.c" "$dir/good.c"
for cc in $compilers; do
  damage generic
  check "damaged, for any processor" 3 "$cc" -U__SSE2__ "$dir/model.c"
  for level in $levels; do
    check "another body than the damaged one" 0 "$cc" "$level" "$dir/model.c"
    damage "${level#-march=x86-64-}"
    check "damaged" 3 "$cc" "$level" "$dir/model.c"
    damage generic
  done
done
"$grus" verify "$dir/three.grus" --weights=random:1 --selftest=3 | sed "s|$dir/||"
[ -n "$levels" ] && "$grus" build -q "$dir/three.grus" --weights=random:1 --dispatch --selftest --prefix model --c-weights numbers -o "$dir/model.c" &&
  mv "$dir/model.c" "$dir/good.c" && for cc in $compilers; do
  best=v2 needed=0
  for level in $levels; do best=${level#-march=x86-64-}; done
  case $best in v3 | v4) damage "$best" && needed=3 ;; v2) damage base && needed=3 ;; esac
  check "damaged, chosen by the processor" $needed "$cc" "" "$dir/model.c"
  [ "$best" = v2 ] || { damage base && check "another body than the one that the processor chose" 0 "$cc" "" "$dir/model.c"; }
done
exit $failed
