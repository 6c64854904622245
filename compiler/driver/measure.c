/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Times on this machine; see measure.h. */
#if defined(__linux__)
#define _DEFAULT_SOURCE /* syscall */
#endif
#include "driver/measure.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__linux__)
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

enum { BLOCKS = 400, BLOCK_NS = 500000, READINGS = 60 };

static double now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

Spread measure_spread(double *ns, int n) {
  qsort(ns, (size_t)n, sizeof *ns, by_value);
  return (Spread){ns[0], ns[n / 2], ns[(n * 99) / 100], ns, n};
}

/* Nanoseconds a call, over n calls. */
static double time_block(Timed timed, long n) {
  double start = now_ns();
  for (long i = 0; i < n; i++)
    timed.once(timed.subject);
  return (now_ns() - start) / (double)n;
}

Spread measure_calls(Arena *arena, Timed timed, long least) {
  long n = least > 0 ? least : 1;
  while (time_block(timed, n) * (double)n < BLOCK_NS / 2 && n < 1 << 24)
    n *= 2;
  int blocks = BLOCKS;
  double *ns = ARENA_ARRAY(arena, double, blocks), begin = now_ns();
  for (int k = 0; k < blocks; k++) {
    ns[k] = time_block(timed, n);
    if (now_ns() - begin > 5e9) blocks = k + 1; /* fewer blocks for a slow model */
  }
  return measure_spread(ns, blocks);
}

/* ---- instructions ---- */

double measure_instructions(Timed timed) {
  double count = 0;
#if defined(__linux__)
  struct perf_event_attr what;
  memset(&what, 0, sizeof what);
  what.size = sizeof what;
  what.type = PERF_TYPE_HARDWARE;
  what.config = PERF_COUNT_HW_INSTRUCTIONS;
  what.exclude_kernel = what.exclude_hv = 1;
  int counter = (int)syscall(SYS_perf_event_open, &what, 0, -1, -1, 0);
  if (counter < 0) return 0;
  enum { CALLS = 64 };
  uint64_t before = 0, after = 0;
  timed.once(timed.subject);
  bool good = read(counter, &before, sizeof before) == sizeof before;
  for (int i = 0; i < CALLS; i++)
    timed.once(timed.subject);
  good = good && read(counter, &after, sizeof after) == sizeof after;
  close(counter);
  if (good) count = (double)(after - before) / (double)CALLS;
#else
  (void)timed;
#endif
  return count;
}

/* ---- reading ---- */

/* Reads n vectors of 64 bytes, a multiple of 8, with the widest loads the machine has: eight sums,
 * so that no chain of additions is waited for, each with a name, so that they are registers at -O2
 * too. */
typedef uint64_t Wide __attribute__((vector_size(64)));
#define DEFINE_READER(name, attribute)                                                             \
  attribute static void name(const Wide *data, size_t n, Wide *out) {                              \
    Wide s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0}, s4 = {0}, s5 = {0}, s6 = {0}, s7 = {0};           \
    for (const Wide *end = data + n; data < end; data += 8) {                                      \
      s0 += data[0], s1 += data[1], s2 += data[2], s3 += data[3];                                  \
      s4 += data[4], s5 += data[5], s6 += data[6], s7 += data[7];                                  \
    }                                                                                              \
    *out += ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));                                     \
  }
DEFINE_READER(read_any, )
#if defined(__x86_64__)
DEFINE_READER(read_avx2, __attribute__((target("avx2"))))
DEFINE_READER(read_avx512, __attribute__((target("avx512f"))))
#endif

typedef void Reader(const Wide *data, size_t n, Wide *out);

static Reader *widest_reader(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) return read_avx512;
  if (__builtin_cpu_supports("avx2")) return read_avx2;
#endif
  return read_any;
}

double measure_reading(Arena *arena, int64_t bytes) {
  size_t n = ((size_t)bytes / 64 + 8) / 8 * 8;
  Wide sum = {0};
  char *memory = arena_alloc(arena, n * sizeof(Wide) + 64);
  Wide *data = (Wide *)(((uintptr_t)memory + 63) / 64 * 64);
  long repeat = (long)(4000000 / (bytes / 8 + 1)) + 1;
  double ns[READINGS];
  Reader *reader = widest_reader();
  for (int k = 0; k < READINGS; k++) {
    double start = now_ns();
    for (long r = 0; r < repeat; r++)
      reader(data, n, &sum);
    ns[k] = (now_ns() - start) / (double)repeat;
  }
  volatile uint64_t kept = sum[0];
  (void)kept;
  return measure_spread(ns, READINGS).median;
}
