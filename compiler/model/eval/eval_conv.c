/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Convolutions in double: each element of the result is a sum over taps and features. A value is
 * [time, axes .., d] here, where time is an axis like the others, of one position if there is none.
 */
#include "model/eval/eval_layer.h"

static EvalGrid grid_of(const Type *type, int64_t steps) {
  EvalGrid g = {.rank = type->rank, .n = {steps}, .d = type->dim[type->rank - 1].n};
  for (int i = 0; i + 1 < type->rank; i++)
    g.n[1 + i] = type->dim[i].n;
  return g;
}

static int64_t grid_size(const EvalGrid *g) {
  int64_t n = 1;
  for (int i = 0; i < g->rank; i++)
    n *= g->n[i];
  return n;
}

/* The coordinates of position p. */
static void grid_split(const EvalGrid *g, int64_t p, int64_t at[EVAL_MAX_AXES]) {
  for (int i = g->rank - 1; i >= 0; i--) {
    at[i] = p % g->n[i];
    p /= g->n[i];
  }
}

/* The position with these coordinates; -1 outside. */
static int64_t grid_join(const EvalGrid *g, const int64_t at[EVAL_MAX_AXES]) {
  int64_t p = 0;
  for (int i = 0; i < g->rank; i++) {
    if (at[i] < 0 || at[i] >= g->n[i]) return -1;
    p = p * g->n[i] + at[i];
  }
  return p;
}

static int64_t span_of(const LayerAxis *a) {
  return (a->size - 1) * a->dilation + 1;
}

int64_t window_results(const LayerAxis *a, int64_t n) {
  if (a->padding.kind == PAD_SAME || a->padding.kind == PAD_CAUSAL)
    return (n + a->stride - 1) / a->stride;
  if (a->padding.kind == PAD_ZEROS) n += a->padding.before + a->padding.after;
  return n < span_of(a) ? 0 : (n - span_of(a)) / a->stride + 1;
}

/* `same` is as in Keras: if the number of zeros is odd, one more comes after. */
int64_t window_before(const LayerAxis *a, int64_t n) {
  switch (a->padding.kind) {
  case PAD_VALID: return 0;
  case PAD_ZEROS: return a->padding.before;
  case PAD_CAUSAL: return span_of(a) - 1;
  case PAD_SAME: break;
  }
  int64_t pad = (window_results(a, n) - 1) * a->stride + span_of(a) - n;
  return pad > 0 ? pad / 2 : 0;
}

ConvTaps conv_taps(const Layer *layer, int64_t steps) {
  const Type *in = &layer->in[0]->type;
  ConvTaps c = {.layer = layer, .taps = 1, .steps = steps, .from = grid_of(in, steps)};
  for (int k = 0; k < layer->n_along; k++) {
    const LayerAxis *a = &layer->along[k];
    c.taps *= a->size;
    c.before[k] = window_before(a, c.from.n[a->axis + 1]);
    if (a->axis == AXIS_TIME) c.steps = window_results(a, steps);
  }
  c.to = grid_of(&layer->out[0]->type, c.steps);
  c.positions = grid_size(&c.to);
  return c;
}

int64_t conv_tap(const ConvTaps *c, int64_t position, int64_t tap) {
  int64_t at[EVAL_MAX_AXES];
  grid_split(&c->to, position, at);
  for (int k = c->layer->n_along - 1; k >= 0; k--) {
    const LayerAxis *a = &c->layer->along[k];
    at[a->axis + 1] = at[a->axis + 1] * a->stride + tap % a->size * a->dilation - c->before[k];
    tap /= a->size;
  }
  return at[0] < 0 ? CONV_BEFORE_FIRST : grid_join(&c->from, at);
}

/* y[o, f] = b[f] + sum over taps i and features k of W[f, i, k] x[o * stride + i * dilation -
 * before, group(f) + k]. x is zero outside; with init=learned, x before the first step is
 * initial_x. */
EvalStatus eval_conv(Eval *e, const Layer *layer) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  int64_t filters = layer_size(layer, OPT_filters, 0), groups = layer_size(layer, OPT_groups, 1);
  ConvTaps c = conv_taps(layer, x->steps);
  const float *w = layer->weights->role[ROLE_KERNEL], *b = layer->weights->role[ROLE_BIAS];
  const float *past = layer->weights->role[ROLE_INITIAL_X];
  int64_t dg = c.from.d / groups, fg = filters / groups;
  EvalTensor *y = eval_out(e, layer->out[0], c.steps);
  for (int64_t p = 0; p < c.positions; p++)
    for (int64_t f = 0; f < filters; f++) {
      double sum = b ? (double)b[f] : 0;
      for (int64_t tap = 0; tap < c.taps; tap++) {
        int64_t q = conv_tap(&c, p, tap);
        for (int64_t k = 0; k < dg && q >= 0; k++)
          sum += (double)w[(f * c.taps + tap) * dg + k] * x->data[q * c.from.d + f / fg * dg + k];
        for (int64_t k = 0; k < dg && past && q == CONV_BEFORE_FIRST; k++)
          sum += (double)w[(f * c.taps + tap) * dg + k] * (double)past[f / fg * dg + k];
      }
      y->data[p * filters + f] = sum;
    }
  return EVAL_OK;
}
