#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Every kind of output and every option that shapes it compiles without warnings and gives the same
# numbers; two builds are the same bytes.
. "$(dirname "$0")/lib.sh"
cat >m.grus <<'END'
grus 1

param units = 5

model m {
  in  x : f32[time 6, feature 4]
  let h = x |> GRU(units)
  out y : f32[3] = h |> last |> Dense(3)
}
END
cat >main.c <<'END'
#include <stdio.h>
#include HEADER
#ifdef M_BATCH
static void twice(const float *x, float *y) {
  static float xs[2][6][4], ys[2][3];
  for (int i = 0; i < 48; i++)
    (&xs[0][0][0])[i] = x[i % 24];
  m_run((const float (*)[6][4])xs, ys);
  for (int i = 0; i < 3; i++)
    y[i] = ys[1][i];
}
#endif
int main(void) {
  static float x[6 * 4], y[3];
  for (int i = 0; i < 24; i++)
    x[i] = (float)(i % 7) * 0.25f - 0.5f;
  CALL;
  printf("%.4f %.4f %.4f\n", (double)y[0], (double)y[1], (double)y[2]);
  return 0;
}
END
NESTED='m_run((const float (*)[4])x, y)'
strict="-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"
b() { q build m.grus --weights=random:1 -q "$@"; }
clang=$(command -v clang-19 || echo :) # a second opinion, where it is installed
# Compiles main.c with what was built and runs it: NAME, CALL, then files.
run() {
  name=$1 call=$2
  shift 2
  gcc $strict -O1 "-DHEADER=\"$name.h\"" "-DCALL=$call" main.c "$@" -o run -lm && ./run
  for source in main.c "$@"; do
    case $source in
    *.c) $clang $strict -fsyntax-only "-DHEADER=\"$name.h\"" "-DCALL=$call" "$source" ;;
    esac
  done
}

say the numbers by the evaluator
printf '%s' "$(seq 0 23 | awk '{ printf "%s%s", ($1 % 7) * 0.25 - 0.5, $1 % 4 == 3 ? "\n" : "," }')" >x.csv
t run m.grus --weights=random:1 x=x.csv | rounded

say a pair, and forms of it
b -o pair.c && run pair "$NESTED" pair.c
b -o iso.c --vectors=iso && run iso "$NESTED" iso.c
b -o wide.c --target x86-64-v2 && run wide "$NESTED" wide.c
b -o wide_iso.c --target x86-64-v2 --vectors=iso && run wide_iso "$NESTED" wide_iso.c
b -o flat.c --c-arrays=flat && run flat 'm_run(x, y)' flat.c
b -o static.c --scratch=static && run static "$NESTED" static.c
b -o caller.c --scratch=caller &&
  run caller 'static float scratch[M_SCRATCH]; m_run((const float (*)[4])x, y, scratch)' caller.c
b -o named.c --prefix my_net && run named 'my_net_run((const float (*)[4])x, y)' named.c
b -o two.c --batch 2 && run two 'twice(x, y)' two.c
q build m.grus --weights=extern -q -o extern.c
grep -c 'const void \*weights' extern.h
q build m.grus --weights=random:1 -D units=7 -q -o d.c
grep -c 'm_run' d.h

say one header
b -o one.h
run one "$NESTED"
"$GRUS" build m.grus --weights=random:1 -o - --emit=header | cmp - one.h

say compiled
b -o obj.o && run obj "$NESTED" obj.o
b -o libm_net.a && run libm_net "$NESTED" libm_net.a
b -o shared.o -O 0 && run shared "$NESTED" shared.o
b -o program -O0 && ./program x.csv | rounded
"$GRUS" build m.grus --weights=random:1 -O0 -o - --emit=exe >piped && chmod +x piped && ./piped x.csv | rounded

say as C++
for f in pair one flat caller; do g++ -Wall -Wextra -Wpedantic -Werror -fsyntax-only -include $f.h -x c++ /dev/null; done
cp pair.c pair.cc && g++ -Wall -Wextra -Werror -c pair.cc -o pair_cc.o

say the kernel language
b -o m.kir && sed -n 1p m.kir

say the same bytes, wherever and whenever
mkdir else
(cd else && HOME=/nowhere LANG=tr_TR.UTF-8 LC_ALL=C.UTF-8 TZ=Asia/Tokyo "$GRUS" build ../m.grus --weights=random:1 -q -o pair.c)
cmp pair.c else/pair.c
cmp pair.h else/pair.h
for kind in o a; do
  b -o again.$kind --prefix m --emit=$([ $kind = o ] && echo obj || echo lib) && cmp again.$kind $([ $kind = o ] && echo obj.o || echo libm_net.a)
done
(cd else && "$GRUS" build ../m.grus --weights=random:1 -q -o obj.o) && cmp obj.o else/obj.o
(cd else && "$GRUS" build ../m.grus --weights=random:1 -q -O0 -o program) && cmp program else/program

say an output that is the same stays untouched
touch -d '2001-01-01' pair.c pair.h
b -o pair.c
find pair.c pair.h -newermt '2001-01-02'

say one changed layer is one changed hunk of weights
sed 's/Dense(3)/Dense(3, bias=false)/' m.grus >other.grus
"$GRUS" build other.grus --weights=random:1 -q -o other.c
diff pair.c other.c | grep -c '^[<>] *static const float'

say dependencies
printf 'grus 1\nblock tail(n) { in v  out r = v |> last |> Dense(n) }\n' >'my blocks.grus'
cat >dep.grus <<'END'
grus 1
use "my blocks.grus"
model dep {
  in  x : f32[time 6, feature 4]
  out y : f32[3] = x |> RNN(5) |> tail(3)
}
END
q build dep.grus --weights=random:1 -q -o dep.c -MD -MP && cat dep.c.d
q build dep.grus --weights=random:1 -q -o dep.c -MD -MF dep.d -MT 'all$(x)' && cat dep.d
t build dep.grus --weights=random:1 -o - --emit=header -MD
printf 'all: dep.c\ninclude dep.c.d\n' >Makefile && make -s && echo made

say the report
t build m.grus --weights=random:1 -o pair.c
t build m.grus --weights=random:1 -o pair.c --json

say what does not go together
t build m.grus --weights=random:1 -o pair.x --emit=c
t build m.grus --weights=random:1 -o - --emit=c
t build m.grus --weights=random:1 -o pair --emit=elf
t build m.grus --weights=random:1 -O 9
t build m.grus --weights=random:1 --batch 0
t build m.grus --weights=random:1 --batch 99999999999999999999 -o big.c
t build m.grus --weights=random:1 --chunk 3 -o chunk.c
t build m.grus --weights=extern -o program2
t build m.grus -D units
t build m.grus -D units=0 --weights=random:1
t build m.grus -D unit=3 --weights=random:1
t build
t build nothere.grus
t build .
t build m.grus -o pair.c
