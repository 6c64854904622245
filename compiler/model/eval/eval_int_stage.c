/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Dense, convolutions and Embedding of the integer oracle, and the stages that move, join or
 * rescale. */
#include "model/eval/eval_int.h"

#include <math.h>

static float option(const Layer *layer, OptName name, double if_absent) {
  return (float)layer_number(layer, name, if_absent);
}

/* ---- activations on sums ---- */

static float float_activation(const Layer *layer, float x) {
  if (!layer) return x;
  if (layer->kind == LAYER_clip)
    return fminf(option(layer, OPT_high, 0), fmaxf(option(layer, OPT_low, 0), x));
  x = fmaxf(0, x);
  return layer_has(layer, OPT_max) ? fminf(option(layer, OPT_max, 0), x) : x;
}

/* relu or clip of p, which is in units of the result with `fraction` fraction bits.
 * lower/int_matrix.c does the same in KIR: the oracle shares no code with it. */
static int64_t limited(const Layer *layer, int64_t p, double scale, int fraction) {
  if (!layer) return p;
  bool clip = layer->kind == LAYER_clip;
  int64_t lo = clip ? oracle_constant(layer_number(layer, OPT_low, 0) / scale, fraction) : 0,
          hi = INT32_MAX;
  if (clip)
    hi = oracle_constant(layer_number(layer, OPT_high, 0) / scale, fraction);
  else if (layer_has(layer, OPT_max))
    hi = oracle_constant(layer_number(layer, OPT_max, 0) / scale, fraction);
  return oracle_limit(p, lo, hi);
}

/* The result of one row of a Dense or convolution: its sum, then the activation that follows. */
static double sum_out(Eval *e, const QuantLayer *ql, const QuantPart *part, int64_t row,
                      const int64_t *q, const QuantFormat *value) {
  if (ql->to_float) {
    float scale = (float)(part->scale[row] * part->x.scale);
    return (double)float_activation(ql->activation, (float)oracle_sum(e, part, row, q) * scale);
  }
  int64_t p = oracle_preactivation(e, part, row, q);
  if (ql->activation && quant_is_bounded(ql->activation)) {
    int64_t y = oracle_activation(e, quant_function(ql->activation), p, ql->fraction);
    return value->bits ? (double)y : ldexp((double)y, -15);
  }
  p = limited(ql->activation, p, value->scale, ql->fraction);
  QuantFormat units = *value;
  int64_t zero = (int64_t)units.zero;
  return (double)oracle_limit(
      oracle_to_fraction(e, p, ql->fraction, 0, INT32_MIN / 2, INT32_MAX / 2) + zero, units.low,
      units.high);
}

/* The result of one row in w8. scale: of the operand. */
static double w8_out(Eval *e, const QuantLayer *ql, int64_t row, const int64_t *q, float scale) {
  const QuantPart *part = &ql->part[0][QUANT_INPUT];
  const float *b = part->float_bias, *shift = part->bias_shift;
  float y = (float)oracle_sum(e, part, row, q) * ((float)part->scale[row] * scale);
  if (shift) y += shift[row];
  return (double)(b ? y + b[row] : y);
}

/* ---- Dense and convolutions ---- */

/* Rows from..to of W times the vector x. */
static void rows_out(Eval *e, const Layer *layer, const QuantLayer *ql, const double *x,
                     int64_t from, int64_t to, double *y) {
  const QuantPart *part = &ql->part[0][QUANT_INPUT];
  QuantFormat in = oracle_format(e, layer->in[0]), value = oracle_format(e, ql->last->out[0]);
  bool w8 = ql->precision == PRECISION_W8;
  int64_t n = part->depth, *q = ARENA_ARRAY(e->arena, int64_t, n);
  float scale = w8 ? oracle_by_largest(x, n, q) : 1;
  for (int64_t k = 0; k < n && !w8; k++)
    q[k] = oracle_operand(x[k], &in, &part->x);
  for (int64_t r = from; r < to; r++)
    y[r] = w8 ? w8_out(e, ql, r, q, scale) : sum_out(e, ql, part, r, q, &value);
}

static void conv(Eval *e, const Layer *layer, const QuantLayer *ql, const ConvTaps *c,
                 const double *x, double *y) {
  int64_t filters = layer_size(layer, OPT_filters, 0), groups = layer_size(layer, OPT_groups, 1),
          d = c->from.d / groups;
  QuantFormat in = oracle_format(e, layer->in[0]);
  double *window = ARENA_ARRAY(e->arena, double, (c->taps * d)),
         zero = in.bits ? nearbyint(in.zero) : 0;
  for (int64_t p = 0; p < c->positions; p++)
    for (int64_t g = 0; g < groups; g++) {
      for (int64_t tap = 0; tap < c->taps; tap++) {
        int64_t at = conv_tap(c, p, tap);
        for (int64_t k = 0; k < d; k++)
          window[tap * d + k] = at < 0 ? zero : x[at * c->from.d + g * d + k];
      }
      rows_out(e, layer, ql, window, g * (filters / groups), (g + 1) * (filters / groups),
               y + p * filters);
    }
}

void oracle_matrix(Eval *e, const Layer *layer, const QuantLayer *ql) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  bool is_dense = layer->kind == LAYER_Dense;
  ConvTaps c = {.steps = x->steps};
  if (!is_dense) c = conv_taps(layer, x->steps);
  EvalTensor *y = eval_out(e, ql->last->out[0], c.steps);
  if (layer != ql->last) eval_out(e, layer->out[0], c.steps);
  if (ql->norm && ql->norm != ql->last) eval_out(e, ql->norm->out[0], c.steps);
  if (!is_dense) {
    conv(e, layer, ql, &c, x->data, y->data);
    return;
  }
  int64_t d = type_last_dim(&layer->in[0]->type), u = type_last_dim(&layer->out[0]->type);
  for (int64_t v = 0, n = x->steps * type_step_size(&layer->in[0]->type) / d; v < n; v++)
    rows_out(e, layer, ql, x->data + v * d, 0, u, y->data + v * u);
}

void oracle_table(Eval *e, const Layer *layer, const QuantLayer *ql) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  int64_t u = type_last_dim(&layer->out[0]->type),
          n = x->steps * type_step_size(&layer->in[0]->type);
  bool integer = oracle_format(e, layer->out[0]).bits != 0;
  EvalTensor *y = eval_out(e, layer->out[0], x->steps);
  for (int64_t i = 0; i < n * u; i++) {
    int64_t q = ql->table[(int64_t)x->data[i / u] * u + i % u];
    y->data[i] = integer ? (double)q : (double)((float)q * (float)ql->out.scale);
  }
}

/* ---- stages whose result has the format of their input ---- */

/* One function for each elementwise stage that keeps its format: same_<id>. q: an integer without
 * the zero of the format. Out: the same of the result, which may still be beyond the format. */
typedef int64_t Same(const Layer *layer, int64_t q, double scale);

static int64_t same_abs(const Layer *layer, int64_t q, double scale) {
  (void)layer, (void)scale;
  return q < 0 ? -q : q;
}

static int64_t same_relu(const Layer *layer, int64_t q, double scale) {
  return limited(layer, q, scale, 0);
}

static int64_t same_clip(const Layer *layer, int64_t q, double scale) {
  return limited(layer, q, scale, 0);
}

static Same *const same_of[LAYER_KIND_COUNT] = {
#define SAME_SAME(id) [LAYER_##id] = same_##id,
#define SAME_FLOAT(id)
#define SAME_AS(activation) SAME_FLOAT
#define LAYER(...)
#define ELEMENTWISE(id, integers, ...) SAME_##integers(id)
#include "model/graph/layers.def"
};

static void average(Eval *e, const Layer *layer, const QuantLayer *ql) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  bool all = layer->kind == LAYER_mean;
  int64_t n = type_step_size(&layer->in[0]->type),
          size = all ? x->steps : layer_size(layer, OPT_size, 1);
  int64_t stride = all ? 1 : layer_size(layer, OPT_stride, size),
          steps = x->steps < size ? 0 : (x->steps - size) / stride + 1;
  EvalTensor *y = eval_out(e, layer->out[0], steps);
  for (int64_t t = 0; t < steps; t++)
    for (int64_t k = 0; k < n; k++) {
      int64_t sum = 0;
      for (int64_t i = 0; i < size; i++)
        sum = oracle_held(e,
                          sum + (int64_t)x->data[(t * stride + i) * n + k] - (int64_t)ql->out.zero);
      y->data[t * n + k] = (double)oracle_rescale(e, sum, ql->input, &ql->out);
    }
}

void oracle_same(Eval *e, const Layer *layer, const QuantLayer *ql) {
  if (layer->kind == LAYER_mean || layer->kind == LAYER_mean_pool) {
    average(e, layer, ql);
    return;
  }
  eval_layer(e, layer); /* stages that move elements or take the greatest do the same to integers */
  EvalTensor *y = &e->run->value[layer->out[0]->id];
  int64_t n = y->steps * type_step_size(&layer->out[0]->type);
  if (same_of[layer->kind]) {
    const EvalTensor *x = eval_in(e, layer->in[0]);
    const QuantFormat *f = &ql->out;
    int64_t zero = (int64_t)f->zero;
    for (int64_t i = 0; i < n; i++)
      y->data[i] = (double)oracle_limit(
          same_of[layer->kind](layer, (int64_t)x->data[i] - zero, f->scale) + zero, f->low,
          f->high);
  }
  if (layer->kind != LAYER_delay) return;
  int64_t first = layer_size(layer, OPT_n, 0) * type_step_size(&layer->out[0]->type);
  for (int64_t i = 0; i < first && i < n; i++)
    y->data[i] = nearbyint(ql->out.zero);
}

/* ---- stages whose result has a format of its own ---- */

/* An element of input i as an integer of at most 16 bits, minus the zero of its format. */
static int64_t term(Eval *e, const Layer *layer, const QuantLayer *ql, int i, int64_t at) {
  QuantFormat value = oracle_format(e, layer->in[i]);
  int64_t q = oracle_operand(eval_in(e, layer->in[i])->data[at], &value, &ql->operand[i]);
  return q - (int64_t)nearbyint(ql->operand[i].zero);
}

static int64_t scaled(Eval *e, int64_t a, const QuantScale *s) {
  return oracle_mulw(e, oracle_held(e, a * ((int64_t)1 << s->shift)), s->m);
}

/* add and sub: both operands in units of the result, with the same fraction bits. */
static int64_t joined(Eval *e, const Layer *layer, const QuantLayer *ql, int64_t at) {
  int fraction = ql->input[0].fraction;
  int64_t a = scaled(e, term(e, layer, ql, 0, at), &ql->input[0]), b;
  if (layer->n_in == 2)
    b = scaled(e, term(e, layer, ql, 1, at), &ql->input[1]);
  else
    b = oracle_limit(oracle_constant(layer_number(layer, OPT_value, 0) / ql->out.scale, fraction),
                     -(1 << 29), 1 << 29);
  bool swapped = layer_word_is(layer, OPT_swapped, "true");
  int64_t p = oracle_held(e, layer->kind == LAYER_add ? a + b : swapped ? b - a : a - b);
  int64_t half = fraction ? (int64_t)1 << (fraction - 1) : 0;
  return oracle_limit((oracle_held(e, p + half) >> fraction) + (int64_t)ql->out.zero, ql->out.low,
                      ql->out.high);
}

static int64_t multiplied(Eval *e, const Layer *layer, const QuantLayer *ql, int64_t at) {
  int64_t a = term(e, layer, ql, 0, at);
  bool negative = layer->n_in == 1 && layer_number(layer, OPT_value, 0) < 0;
  if (layer->n_in == 2) a = oracle_held(e, a * term(e, layer, ql, 1, at));
  return oracle_rescale(e, negative ? -a : a, &ql->input[0], &ql->out);
}

static void concat(Eval *e, const Layer *layer, const QuantLayer *ql) {
  eval_layer(e, layer);
  EvalTensor *y = &e->run->value[layer->out[0]->id];
  int64_t width = type_last_dim(&layer->out[0]->type),
          rows = y->steps * type_step_size(&layer->out[0]->type) / width, at = 0;
  for (int i = 0; i < layer->n_in; i++) {
    QuantFormat from = oracle_format(e, layer->in[i]);
    int64_t d = type_last_dim(&layer->in[i]->type);
    bool same =
        from.bits == ql->out.bits && from.scale == ql->out.scale && from.zero == ql->out.zero;
    for (int64_t r = 0; r < rows; r++)
      for (int64_t k = 0; k < d; k++) {
        double *x = &y->data[r * width + at + k];
        if (!from.bits)
          *x = (double)oracle_operand(*x, &from, &ql->out);
        else if (!same)
          *x = (double)oracle_rescale(e, (int64_t)*x - (int64_t)nearbyint(from.zero), &ql->input[i],
                                      &ql->out);
      }
    at += d;
  }
}

void oracle_rescaled(Eval *e, const Layer *layer, const QuantLayer *ql) {
  if (layer->kind == LAYER_concat) {
    concat(e, layer, ql);
    return;
  }
  const EvalTensor *x = eval_in(e, layer->in[0]);
  EvalTensor *y = eval_out(e, layer->out[0], x->steps);
  int64_t n = x->steps * type_step_size(&layer->out[0]->type);
  bool integer = oracle_format(e, layer->out[0]).bits != 0;
  for (int64_t i = 0; i < n; i++) {
    int64_t q;
    if (quant_is_bounded(layer))
      q = oracle_activation(e, quant_function(layer),
                            scaled(e, term(e, layer, ql, 0, i), &ql->input[0]),
                            17 + ql->input[0].fraction);
    else if (layer->kind == LAYER_add || layer->kind == LAYER_sub)
      q = joined(e, layer, ql, i);
    else
      q = multiplied(e, layer, ql, i);
    y->data[i] = integer ? (double)q : ldexp((double)q, -15);
  }
}
