/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* How the numbers of a tensor are held. In, numbers as doubles; out, the same as floats, half as
 * large, where there are many and a float holds each of them: weights of 8, 16 and 32 bits. */
#include "import/graph/graph.h"

#include <string.h>

enum { LEAST = 4096 }; /* the number of elements from which on floats are worth it */

const double *graph_wide(Arena *arena, const GraphTensor *t) {
  if (!t->narrow) return t->wide;
  double *data = ARENA_ARRAY(arena, double, t->count ? t->count : 1);
  graph_copy_numbers(t, data);
  return data;
}

void graph_copy_numbers(const GraphTensor *t, double *to) {
  for (int64_t i = 0; i < t->count; i++)
    to[i] = graph_at(t, i);
}

bool graph_same_shape(const GraphTensor *a, const GraphTensor *b) {
  return a->rank == b->rank && memcmp(a->dim, b->dim, sizeof *a->dim * (size_t)a->rank) == 0;
}

bool graph_same_numbers(const GraphTensor *a, const GraphTensor *b) {
  if (a->wide == b->wide && a->narrow == b->narrow) return true;
  for (int64_t i = 0; i < a->count; i++) {
    double x = graph_at(a, i), y = graph_at(b, i);
    if (memcmp(&x, &y, sizeof x) != 0) return false; /* zeros of both signs differ */
  }
  return true;
}

bool graph_is_all(const GraphTensor *t, double value) {
  for (int64_t i = 0; i < t->count; i++)
    if (graph_at(t, i) != value) return false;
  return true;
}

GraphNumbers graph_numbers(Arena *arena, int64_t count, bool are_floats) {
  GraphNumbers to = {0};
  if (are_floats && count >= LEAST)
    to.narrow = ARENA_ARRAY(arena, float, count);
  else
    to.wide = ARENA_ARRAY(arena, double, count ? count : 1);
  return to;
}

/* Whether a float holds each number of a tensor of doubles. */
static bool are_floats(const GraphTensor *t) {
  for (int64_t i = 0; i < t->count; i++) {
    double as_float = (double)(float)t->wide[i];
    if (memcmp(&as_float, &t->wide[i], sizeof as_float) != 0) return false;
  }
  return true;
}

void graph_narrow(Arena *arena, GraphTensor *t) {
  if (!t->wide || t->count < LEAST || !are_floats(t)) return;
  const double *wide = t->wide;
  float *narrow = ARENA_ARRAY(arena, float, t->count);
  for (int64_t i = 0; i < t->count; i++)
    narrow[i] = (float)wide[i];
  t->wide = NULL;
  t->narrow = narrow;
  arena_release(arena, wide);
}
