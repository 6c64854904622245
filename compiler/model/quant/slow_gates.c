/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Slow gates; see slow_gates.h. The evaluator keeps only results, so gates are computed again from
 * x and the h before it. */
#include "model/quant/slow_gates.h"

#include "model/bind/weights.h"

#include <math.h>

enum { MOST_STEPS = 2000 };
/* The least mean of what a unit forgets in a step, so that its inverse is finite. */
static const double LEAST_FORGOTTEN = 1e-12;

/* One direction of a layer. */
typedef struct Forgetting {
  const Layer *layer;
  int dir, dirs;
  int64_t d, u, first; /* first: row of the gate in W, U and the biases of all directions */
  bool backward;
  double *sum; /* [u] */
  int64_t steps;
} Forgetting;

static float weight(const Layer *layer, Role role, int64_t at) {
  const float *w = layer->weights->role[role];
  return w ? w[at] : 0;
}

/* The argument of the forget gate of an LSTM, or of z of a GRU. h and c are NULL before the first
 * step. */
static double preactivation(const Forgetting *f, int64_t j, const double *x, const double *h,
                            const double *c) {
  int64_t row = f->first + j;
  double sum =
      (double)weight(f->layer, ROLE_BIAS, row) + (double)weight(f->layer, ROLE_RECURRENT_BIAS, row);
  for (int64_t k = 0; k < f->d; k++)
    sum += (double)weight(f->layer, ROLE_KERNEL, row * f->d + k) * x[k];
  for (int64_t k = 0; k < f->u && h; k++)
    sum += (double)weight(f->layer, ROLE_RECURRENT, row * f->u + k) * h[k];
  if (c && f->layer->kind == LAYER_LSTM)
    sum += (double)weight(f->layer, ROLE_PEEPHOLE, (f->dir * 3 + 1) * f->u + j) * c[j];
  return sum;
}

/* Adds what each unit forgets in every stride-th step of a run. */
static void add_run(Forgetting *f, const EvalRun *run, int64_t stride) {
  const EvalTensor *x = &run->value[f->layer->in[0]->id], *y = &run->value[f->layer->out[0]->id];
  const EvalTensor *c = &run->cell[f->layer->id];
  for (int64_t t = 0; t < x->steps; t += stride) {
    int64_t before = f->backward ? t + 1 : t - 1;
    bool starts = before < 0 || before >= x->steps;
    int64_t at = (before * f->dirs + f->dir) * f->u;
    for (int64_t j = 0; j < f->u; j++) {
      double p = preactivation(f, j, x->data + t * f->d, starts ? NULL : y->data + at,
                               starts || !c->data ? NULL : c->data + at);
      f->sum[j] += 1 / (1 + exp(p));
    }
    f->steps++;
  }
}

SlowGates quant_slow_gates(Arena *arena, const Layer *layer, const EvalRun *run, int n_runs) {
  SlowGates slow = {0};
  bool gated = layer->kind == LAYER_LSTM || layer->kind == LAYER_GRU;
  if (!gated || layer_activation(layer, OPT_gate) != ACT_SIGMOID) return slow;
  const Type *in = &layer->in[0]->type;
  int64_t all = 0, u = layer_size(layer, OPT_units, 1);
  for (int i = 0; i < n_runs; i++)
    all += run[i].value[layer->in[0]->id].steps;
  for (int dir = 0; dir < layer_directions(layer); dir++) {
    Forgetting f = {.layer = layer, .dir = dir, .dirs = layer_directions(layer), .u = u};
    f.d = in->rank ? in->dim[in->rank - 1].n : 1;
    f.first = layer->kind == LAYER_LSTM ? (4 * dir + 1) * u : 3 * dir * u;
    f.backward = dir == 1 || layer_word_is(layer, OPT_direction, "backward");
    f.sum = ARENA_ARRAY(arena, double, u);
    for (int i = 0; i < n_runs; i++)
      add_run(&f, &run[i], all / MOST_STEPS + 1);
    for (int64_t j = 0; j < u && f.steps; j++) {
      double constant = 1 / fmax(f.sum[j] / (double)f.steps, LEAST_FORGOTTEN);
      slow.units += constant > (double)SLOW_STEPS;
      slow.slowest = fmax(slow.slowest, constant);
    }
  }
  return slow;
}
