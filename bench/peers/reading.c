/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The floor beside the peers: what reading the weights once costs, measured by the very function of
 * `grus bench`. */
#include "base/arena.h"
#include "driver/measure.h"

/* Nanoseconds. */
double reading_time(long bytes);

/* -1 when there is no memory for it. */
double reading_time(long bytes) {
  jmp_buf oom;
  if (setjmp(oom)) return -1;
  Arena *arena = arena_new(&oom);
  if (!arena) return -1;
  double ns = measure_reading(arena, bytes);
  arena_free(arena);
  return ns;
}
