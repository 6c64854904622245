/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The floors beside the peers, of this core: what reading the weights once costs, measured by the
 * very function of `grus bench`, and how many multiply-adds a nanosecond it can do at all. */
#include <stdint.h>
#include <time.h>

#include "base/arena.h"
#include "driver/measure.h"

/* Nanoseconds; -1 when there is no memory for it. */
double floors_reading(long bytes);
/* Multiply-adds of single precision a nanosecond, from registers: the best of 40 tries. */
double floors_multiply_adds(void);

double floors_reading(long bytes) {
  jmp_buf oom;
  if (setjmp(oom)) return -1;
  Arena *arena = arena_new(&oom);
  if (!arena) return -1;
  double ns = measure_reading(arena, bytes);
  arena_free(arena);
  return ns;
}

/* Twelve sums, all different, that wait for nothing but themselves: more than latency times
 * pipes. */
typedef float Lanes __attribute__((vector_size(64)));
enum { SUMS = 12, LANES = 16 };
#define DEFINE_SPIN(name, attribute)                                                               \
  attribute static float name(long n, Lanes half, Lanes one) {                                     \
    Lanes a = one, b = a + one, c = b + one, d = c + one, e = d + one, f = e + one;                \
    Lanes g = f + one, h = g + one, i = h + one, j = i + one, k = j + one, l = k + one;            \
    for (long round = 0; round < n; round++) {                                                     \
      a = a * half + one, b = b * half + one, c = c * half + one, d = d * half + one;              \
      e = e * half + one, f = f * half + one, g = g * half + one, h = h * half + one;              \
      i = i * half + one, j = j * half + one, k = k * half + one, l = l * half + one;              \
    }                                                                                              \
    Lanes sum = ((a + b) + (c + d)) + ((e + f) + (g + h)) + ((i + j) + (k + l));                   \
    return sum[0];                                                                                 \
  }
#if defined(__x86_64__)
DEFINE_SPIN(spin_avx512, __attribute__((target("avx512f"))))
#endif
DEFINE_SPIN(spin_any, )

double floors_multiply_adds(void) {
  float (*spin)(long, Lanes, Lanes) = spin_any;
  Lanes half, one;
  double best = 0;
  const long rounds = 20000;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) spin = spin_avx512;
#endif
  for (int k = 0; k < LANES; k++)
    half[k] = 0.5f, one[k] = 1.0f;
  volatile float kept = spin(rounds, half, one);
  for (int k = 0; k < 40; k++) {
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    kept = spin(rounds, half, one);
    clock_gettime(CLOCK_MONOTONIC, &to);
    double ns = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
    double rate = (double)rounds * SUMS * LANES / ns;
    if (rate > best) best = rate;
  }
  (void)kept;
  return best;
}
