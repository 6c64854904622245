/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Inputs from a fixed generator, and what the evaluator makes of them; see kernel_tool.h. */
#include "kernel_tool.h"

#include "model/infer/infer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A number in -1..1 that depends on everything given. */
static double noise(int64_t sample, int port, int64_t element) {
  uint64_t x = (uint64_t)sample * 1000003u + (uint64_t)port * 7919u +
               (uint64_t)element * 2654435761u + 12345u;
  for (int i = 0; i < 3; i++) {
    x ^= x >> 31;
    x *= 0x9e3779b97f4a7c15u;
  }
  return (double)(int64_t)(x >> 11) / (double)(1 << 30) / (double)(1 << 22) - 1.0;
}

double tool_input(const Type *type, int64_t sample, int port, int64_t element) {
  double x = noise(sample, port, element);
  switch (type->elem) {
  case ELEM_F32:
  case ELEM_F16: return (double)(float)x;
  case ELEM_INDEX:
    return fmin(floor((x + 1) / 2 * (double)type->categories), (double)type->categories - 1);
  case ELEM_U8:
  case ELEM_U16: return floor((x + 1) * 100);
  case ELEM_I8:
  case ELEM_I16:
  case ELEM_I32: return floor(x * 100);
  }
  return x;
}

/* The least length for which everything derived from it has a step. */
static int64_t length_least(const Model *m, int id) {
  int64_t least = 1;
  for (int i = 1; i < m->n_lengths; i++) {
    const Length *d = &m->length[i];
    int64_t need = d->from == id ? (length_least(m, i) - 1) * d->hop + d->size : 0;
    if (need > least) least = need;
  }
  return least;
}

/* Length number `id` in run `sample`: the bound, the least and what lies between. */
int64_t tool_length(const Model *m, int id, int64_t sample) {
  const Length *l = &m->length[id];
  if (!l->from) {
    int64_t least = length_least(m, id);
    int64_t n = sample % 3 == 0 ? l->bound : sample % 3 == 1 ? least : (l->bound + least) / 2;
    return n;
  }
  int64_t n = tool_length(m, l->from, sample);
  return n < l->size ? 0 : (n - l->size) / l->hop + 1;
}

static int64_t steps_of(const Tool *t, const Type *type, int64_t sample, int64_t stream_steps) {
  switch (type->time.kind) {
  case TIME_NONE: return 1;
  case TIME_FIXED: return type->time.n;
  case TIME_BOUNDED: return tool_length(t->model, type->time.length, sample);
  case TIME_STREAM: return stream_steps / type->time.period;
  }
  return 1;
}

/* Elements before and behind the time axis. */
void tool_around(const Type *type, int time_pos, int64_t *outer, int64_t *inner) {
  *outer = *inner = 1;
  for (int i = 0; i < type->rank; i++)
    *(type_is_sequence(type) && i < time_pos ? outer : inner) *= type->dim[i].n;
}

/* Steps of the longest windowed input; all end at the same sample. */
int64_t tool_longest_window(const Model *m) {
  int64_t n = 0;
  for (int i = 0; i < m->n_in; i++)
    if (m->in[i]->every && m->in[i]->value->type.time.n > n) n = m->in[i]->value->type.time.n;
  return n;
}

/* Runs the evaluator; first_step shifts a windowed input. */
EvalRun tool_evaluate(Tool *t, int64_t sample, int64_t stream_steps, int64_t first_step) {
  Model *m = t->model;
  EvalRun run = {.in = ARENA_ARRAY(t->arena, EvalTensor, m->n_in + 1)};
  for (int i = 0; i < m->n_in; i++) {
    const Type *type = &m->in[i]->value->type;
    int64_t steps = steps_of(t, type, sample, stream_steps), outer, inner;
    tool_around(type, type->time_pos, &outer, &inner);
    double *data = ARENA_ARRAY(t->arena, double, (steps * outer * inner));
    int64_t shift = m->in[i]->every ? first_step + tool_longest_window(m) - steps : 0;
    for (int64_t o = 0; o < outer; o++)
      for (int64_t s = 0; s < steps; s++)
        for (int64_t k = 0; k < inner; k++)
          data[(o * steps + s) * inner + k] =
              tool_input(type, sample, i, ((s + shift) * outer + o) * inner + k);
    run.in[i] = (EvalTensor){data, steps};
  }
  if (model_eval(m, t->arena, &run) != EVAL_OK) {
    fprintf(stderr, "kernel_tool: the evaluator refuses the input\n");
    exit(3);
  }
  return run;
}
