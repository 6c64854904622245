/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Times on this machine: calls of a compiled model, in repeated blocks, and what reading its
 * weights costs at least. One thread, warm caches, CLOCK_MONOTONIC. */
#ifndef GRUS_DRIVER_MEASURE_H
#define GRUS_DRIVER_MEASURE_H

#include <stdint.h>

#include "base/arena.h"

typedef struct Spread {
  double min, median, p99;
  const double *all; /* n of them, in order */
  int n;
} Spread;

/* Puts n times in order. */
Spread measure_spread(double *ns, int n);

/* What is timed: once(subject) is one call. */
typedef struct Timed {
  void (*once)(const void *subject);
  const void *subject;
} Timed;

/* Nanoseconds a call: blocks of at least `least` calls that last about half a millisecond, 400 of
 * them or as many as five seconds hold. */
Spread measure_calls(Arena *arena, Timed timed, long least);
/* Instructions a call takes in user mode, by the processor's own counter; 0 where it cannot be had
 * (virtual machines, kernel.perf_event_paranoid, other systems than Linux). */
double measure_instructions(Timed timed);
/* Nanoseconds to read `bytes` once, from memory read just before, with the widest loads there are;
 * the median of 60 blocks. */
double measure_reading(Arena *arena, int64_t bytes);

#endif
