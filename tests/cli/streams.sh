#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Streams as audio and firmware use them: blocks of any length give the bits of single steps, a queue
# those of pushes, --flush leaves the processor as it was.
. "$(dirname "$0")/lib.sh"
strict="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -Wno-psabi -O1 -ffp-contract=off -I."
# Every compiler must accept the file and give the same answers.
agree() { # FILES.o
  gcc -std=c99 $strict main.c "$@" -o main && ./main | tee said
  g++ -x c++ $strict main.c -x none "$@" -o main && ./main | cmp - said
  if command -v clang-19 >/dev/null; then clang-19 -std=c99 $strict main.c "$@" -o main && ./main | cmp - said; fi
}

cat >words.grus <<'END'
grus 1

model words {
  allow state_never_reset
  in  n : f32[time .., 3]
  in  w : index(9)[time ..]
  out y : f32[time .., 2] = n |> concat(w |> Embedding(4)) |> LSTM(3) |> Dense(2)
}
END
cat >late.grus <<'END'
grus 1

model late {
  in  pcm : f32[time .., 1]
  out y   : f32[time .., 1] = pcm |> frames(12, hop=4) |> Dense(12) |> tanh |> overlap_add(hop=4)
}
END
cat >main.c <<'END'
#include <stdio.h>
#include <string.h>
#include "late.h"
#include "words.h"
enum { N = 48 };
static float n[3 * N], pcm[N], a[2 * N], b[2 * N], c[N], d[N];
static uint8_t w[N];
int main(void) {
  static const size_t piece[] = {4, 8, 0, 20, 12, 4};
  size_t pieces = sizeof piece / sizeof *piece, at = 0;
  words_state p, q;
  late_state l, m;
  int first, status = -1;
  for (int i = 0; i < 3 * N; i++) n[i] = (float)(i * 7 % 11) * 0.2f - 1.0f;
  for (int i = 0; i < N; i++) {
    pcm[i] = (float)(i % 5) - 2.0f;
    w[i] = (uint8_t)(i * 4 % 9);
  }
  words_reset(&p);
  words_reset(&q);
  for (size_t t = 0; t < N; t++) words_step(&p, n + 3 * t, w[t], a + 2 * t);
  for (size_t i = 0; i < pieces; at += piece[i++]) status = words_block(&q, piece[i], n + 3 * at, w + at, b + 2 * at);
  printf("words: %s, %d\n", memcmp(a, b, sizeof a) == 0 ? "same bits" : "differ", status);
  w[2] = 9;
  memset(b, 0, sizeof b);
  printf("a word of no meaning: %d, ", words_block(&q, 4, n, w, b));
  printf("%s\n", b[3] != 0 && b[4] == 0 && b[7] == 0 ? "steps before it are done" : "wrong");
  late_reset(&l);
  late_reset(&m);
  for (size_t t = 0; t < N; t += LATE_STEPS) late_step(&l, (const float(*)[1])(pcm + t), (float(*)[1])(c + t));
  for (int i = 0; i < N; i++) d[i] = 7.0f;
  first = late_block(&m, 4, pcm, d);
  status = late_block(&m, N - 4, pcm + 4, d + 4);
  printf("late: %d then %d, %s\n", first, status, memcmp(c, d, sizeof c) == 0 ? "same bits" : "differ");
  printf("half a call: %d\n", late_block(&m, 6, pcm, d));
  return 0;
}
END
say blocks are steps
for form in "--emit=header -o" "--target multi --emit=header -o" "-o"; do
  echo "form: $form"
  ending=h
  [ "$form" = -o ] && ending=o
  rm -f words.o late.o
  q build words.grus --weights=random:3 -q $form words.$ending
  q build late.grus --weights=random:3 -q $form late.$ending
  if [ "$form" = -o ]; then agree words.o late.o; else agree; fi
done 2>&1

say flushed
cat >twice.grus <<'END'
grus 1

model twice {
  in  x : f32[time .., 1]
  out y : f32[time .., 1] = x + x
}
END
cat >main.c <<'END'
#include <stdio.h>
#include "twice.h"
int main(void) {
  static const unsigned odd[] = {0x7fc00000u, 0x7f800000u, 0xff800000u, 0x7f7fffffu, 1u};
  float x[64], y[64];
  volatile float tiny = 1e-38f;
  int zeros = 0, smalls = 0;
  for (int i = 0; i < 64; i++) x[i] = 1e-40f * (float)i;
  twice_state s;
  twice_reset(&s);
  twice_block(&s, 64, x, y);
  for (int i = 0; i < 64; i++) {
    zeros += y[i] == 0.0f;
    smalls += y[i] > 0.0f && y[i] < 1.17549435e-38f;
  }
  printf("zeros %d, subnormals %d; afterwards %s\n", zeros, smalls, tiny * 0.5f > 0.0f ? "as before" : "flushed");
  for (int i = 0; i < 5; i++) {
    union {
      unsigned u;
      float f;
    } number;
    number.u = odd[i];
    x[3] = number.f;
    printf("%d", twice_is_finite(x, 4));
  }
  printf("\n");
  return 0;
}
END
for form in "" --flush; do
  q build twice.grus --weights=random:1 -q $form --emit=header -o twice.h
  agree
done
gcc -O2 -ffast-math -I. main.c -o main && ./main | tail -1

say a queue between an interrupt and the main loop
cat >fall.grus <<'END'
grus 1

model fall {
  in  x : f32[time 6, 2] every 2
  in  k : i32
  out y : f32[3] = x |> GRU(4, reset=after) |> last |> Dense(3)
  out z : i32 = k
}
END
cat >main.c <<'END'
#include <stdio.h>
#include <string.h>
#include "fall.h"
int main(void) {
  fall_window a, b;
  fall_queue q;
  float x[2], y[3], z[3];
  int32_t k = 0, l = 0;
  int same = 1, answers = 0, stored = 0, full;
  fall_reset(&a);
  fall_reset(&b);
  fall_queue_reset(&q);
  printf("empty: %d\n", fall_poll(&q, &b, z, &l));
  for (int t = 0; t < 40; t++) {
    x[0] = (float)(t % 7) - 3.0f;
    x[1] = (float)(t % 5) - 2.0f;
    while (fall_put(&q, x, &t) != GRUS_OK) printf("full before there was anything\n");
    if (fall_push(&a, x, t, y, &k) == GRUS_OK) {
      int status = fall_poll(&q, &b, z, &l);
      same = same && status == GRUS_OK && memcmp(y, z, sizeof y) == 0 && k == l && fall_poll(&q, &b, z, &l) == GRUS_NO_OUTPUT;
      answers++;
    }
  }
  for (full = 0; full == GRUS_OK; stored += full == GRUS_OK) full = fall_put(&q, x, &l);
  printf("%d answers, %s; %d wait, then %d\n", answers, same ? "same bits" : "differ", stored, full);
  printf("the size of the queue is %s\n", sizeof q == FALL_QUEUE_BYTES ? "as reported" : "another one");
  return 0;
}
END
q build fall.grus --weights=random:1 -q --queue 8 --emit=header -o fall.h
agree
q build words.grus --weights=random:1 -q --queue 3 -o words.c
t build fall.grus --weights=random:1 --queue 100 --max-ram 1KiB -o x.c
sed -n '/words_put\|words_poll/p' words.h

say what cannot be
t build fall.grus --weights=random:1 --queue 0 -o x.c
t build fall.grus --weights=random:1 --flush -o x.c
sed 's/ every 2//' fall.grus >whole.grus
t build whole.grus --weights=random:1 --queue 4 -o x.c
say verify fills its calls
t verify twice.grus --chunk 3
printf '1\n2\n3\n4\n' >four.csv
t verify twice.grus --chunk 3 x=four.csv
t verify twice.grus --chunk 2 x=four.csv
