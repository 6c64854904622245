/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The numbers of a QuantLayer: operand, integer weights, multipliers, fraction bits. In: a layer
 * that computes in integers, and the formats of its values. After: its QuantLayer is complete. */
#include "model/quant/quant_internal.h"

#include <limits.h>
#include <math.h>
#include <string.h>

enum { MOST_FRACTION = 20 };

static int weight_bits(Precision p) {
  return precision_info[p].weight_bits;
}

typedef enum InIntegers { IN_other, IN_bounded, IN_gate } InIntegers;

static InIntegers in_integers(Activation a) {
#define IN_INTEGERS(id, word, integers) IN_##integers,
  static const InIntegers of[ACT_COUNT] = {ACTIVATION_LIST(IN_INTEGERS, IN_INTEGERS)};
#undef IN_INTEGERS
  return of[a];
}

bool quant_has_bounded(Activation a) {
  return in_integers(a) != IN_other;
}

/* ---- refusals ---- */

void quant_refuse(Quantise *q, const Layer *layer, const char *what, const char *instead) {
  const QuantLayer *ql = q->quant->layer[layer->id];
  const char *message = arena_printf(q->arena, "`%s` does not support %s",
                                     layer_info(layer->kind)->name, precision_name[ql->precision]);
  Diag *d = quant_report(q, E703, layer, message);
  diag_primary(d, "%s", what);
  diag_fix(d, FIX_MAYBE, "%s", instead);
}

/* Reports a sum of so many products; returns false. */
static bool too_long(Quantise *q, const Layer *layer, int64_t terms) {
  quant_refuse(q, layer,
               arena_printf(q->arena, "%lld products and the bias do not fit a 32-bit sum",
                            (long long)terms),
               "compute this layer in f32: `precision=f32`");
  return false;
}

/* ---- parts ---- */

/* The weights that were rounded for this part; NULL: none. */
static const QuantGivenPart *given_part(const Quantise *q, const Layer *layer, int dir, int part) {
  for (int i = 0; q->given && i < q->given->n_parts; i++) {
    const QuantGivenPart *g = &q->given->part[i];
    if (g->direction == dir && g->part == part && strcmp(g->layer, layer->path) == 0) return g;
  }
  return NULL;
}

static bool same_scale(double a, double b) {
  return fabs(a - b) <= 1e-6 * fabs(a);
}

/* Whether weights of 8 bits are within -127..127, which the kernels rely on. */
static bool weights_are_narrow(const QuantPart *part) {
  for (int64_t i = 0; part->bits == 8 && i < part->rows * part->depth; i++)
    if (part->w[i] < -INT8_MAX || part->w[i] > INT8_MAX) return false;
  return true;
}

/* Puts rounded weights in place of those made here; E705 if they do not fit the part. */
static void take_given(Quantise *q, const Layer *layer, const QuantGivenPart *g, QuantPart *part) {
  for (int64_t r = 0; r < part->rows && q->given->needs_same_scale; r++) {
    if (same_scale(part->scale[r], g->scale[r])) continue;
    Diag *d =
        quant_report(q, E705, layer,
                     arena_printf(q->arena, "the weights in `%s` were rounded for other ranges",
                                  q->given->path));
    diag_primary(d, "row %lld has a scale of %.9g, but these ranges give it %.9g", (long long)r,
                 g->scale[r], part->scale[r]);
    diag_fix(d, FIX_MAYBE, "calibrate again, or remove the line `rounded` from the file of ranges");
    return;
  }
  QuantPart kept = *part;
  part->w = g->w;
  part->bias_shift = g->bias_shift;
  if (g->bias) part->bias = g->bias;
  if (!q->given->needs_same_scale) part->scale = g->scale;
  bool narrow = weights_are_narrow(part);
  if (narrow && quant_part_fits(part)) return;
  *part = kept;
  Diag *d = quant_report(q, E705, layer,
                         arena_printf(q->arena, "the weights in `%s` %s", q->given->path,
                                      narrow ? "overflow 32-bit sums" : "are not within 8 bits"));
  diag_primary(d, "its rounded weights are larger than those that `grus calibrate` writes");
}

static QuantPart make_part(Quantise *q, const Layer *layer, int dir, int which,
                           const PartSpec *spec, int fraction) {
  QuantPart part = quant_part_make(q->arena, spec, fraction);
  const QuantGivenPart *given = given_part(q, layer, dir, which);
  if (given)
    take_given(q, layer, given, &part);
  else if (!quant_part_fits(&part))
    too_long(q, layer, spec->depth);
  return part;
}

static double *to_double(Arena *arena, const float *from, int64_t n) {
  double *to = ARENA_ARRAY(arena, double, n + 1);
  for (int64_t i = 0; from && i < n; i++)
    to[i] = (double)from[i];
  return to;
}

/* ---- Dense and Conv1D ---- */

double quant_norm_factor(const Model *model, const Layer *norm, int64_t row) {
  const float *scale = layer_role(norm, ROLE_SCALE);
  return (scale ? (double)scale[row] : 1) /
         sqrt((double)layer_role(norm, ROLE_VARIANCE)[row] + layer_eps(model, norm));
}

double *quant_folded(const Model *model, Arena *arena, const Layer *layer, const Layer *norm,
                     double **bias) {
  ParamShape shape[LAYER_MAX_PARAMS];
  int n = layer_params(layer, shape);
  int64_t rows = 1, size = 1;
  for (int i = 0; i < n; i++)
    if (shape[i].role == ROLE_KERNEL) {
      rows = shape[i].dim[0];
      size = param_count(&shape[i]);
    }
  double *w = to_double(arena, layer_role(layer, ROLE_KERNEL), size),
         *b = to_double(arena, layer_role(layer, ROLE_BIAS), rows);
  for (int64_t r = 0; norm && r < rows; r++) {
    const float *center = layer_role(norm, ROLE_CENTER);
    double a = quant_norm_factor(model, norm, r);
    for (int64_t k = 0; k < size / rows; k++)
      w[r * (size / rows) + k] *= a;
    b[r] = a * (b[r] - (double)layer_role(norm, ROLE_MEAN)[r]) + (center ? (double)center[r] : 0);
  }
  *bias = b;
  return w;
}

static void matrix(Quantise *q, const Layer *layer, QuantLayer *ql) {
  ParamShape shape[LAYER_MAX_PARAMS];
  layer_params(layer, shape);
  int64_t depth = param_count(&shape[0]) / shape[0].dim[0];
  QuantFormat value = q->quant->value[ql->last->out[0]->id];
  bool bounded = ql->activation && quant_is_bounded(ql->activation);
  bool w8 = ql->precision == PRECISION_W8;
  ql->to_float = w8 || (!value.bits && !bounded);
  ql->out = bounded ? quant_format_fraction(15, 16) : value;
  PartSpec spec = {
      .rows = shape[0].dim[0], .depth = depth, .bits = weight_bits(ql->precision), .out = 1};
  spec.x = w8 ? quant_format_fraction(0, 16) : quant_operand(q, layer->in[0], ql->precision, layer);
  if (q->missing) return;
  double *b;
  spec.w = quant_folded(q->model, q->arena, layer, ql->norm, &b);
  spec.b = w8 ? NULL : b;
  spec.to_float = ql->to_float;
  if (!ql->to_float && !bounded) spec.out = value.scale;
  ql->fraction = quant_part_fraction(&spec, MOST_FRACTION);
  if (ql->fraction == INT_MIN) {
    too_long(q, layer, depth);
    return;
  }
  if (ql->fraction < 0 && !ql->to_float) {
    quant_refuse(q, layer, "its results are too small compared with its sums",
                 "compute this layer in f32: `precision=f32`");
    return;
  }
  ql->part[0][QUANT_INPUT] = make_part(q, layer, 0, QUANT_INPUT, &spec, ql->fraction);
  if (!w8 || (!ql->norm && !layer_role(layer, ROLE_BIAS))) return;
  float *bias = ARENA_ARRAY(q->arena, float, spec.rows);
  for (int64_t r = 0; r < spec.rows; r++)
    bias[r] = (float)b[r];
  ql->part[0][QUANT_INPUT].float_bias = bias;
}

/* ---- recurrent ---- */

static bool activations_are_there(Quantise *q, const Layer *layer) {
  Activation act = layer_activation(layer, OPT_activation);
  bool unbounded = act == ACT_LINEAR || act == ACT_RELU;
  bool ok = quant_has_bounded(act) || (unbounded && layer->kind != LAYER_LSTM);
  if (layer->kind != LAYER_RNN)
    ok = ok && in_integers(layer_activation(layer, OPT_gate)) == IN_gate;
  if (layer->kind == LAYER_LSTM && layer_has(layer, OPT_cell_activation))
    ok = ok && quant_has_bounded(layer_activation(layer, OPT_cell_activation));
  if (!ok)
    quant_refuse(q, layer, "with these activations",
                 "integer cells have `tanh`, `sigmoid`, `hard_sigmoid` and `hard_tanh`; or "
                 "`precision=f32` here");
  return ok;
}

/* Peepholes as multipliers of c, with as many fraction bits as fit 16 bits. */
static void peepholes(Quantise *q, const Layer *layer, QuantLayer *ql) {
  const float *p = layer_role(layer, ROLE_PEEPHOLE);
  int64_t units = layer_units(layer), n = 3 * units;
  double top = 1e-9;
  if (!p) return;
  for (int64_t i = 0; i < n * ql->directions; i++)
    top = fmax(top, fabs((double)p[i]));
  int shift = (int)floor(log2(32767 / top)) - (16 + ql->fraction - ql->cell_fraction);
  if (shift > 30) shift = 30;
  if (shift < 0) {
    quant_refuse(q, layer, arena_printf(q->arena, "a peephole of %.3g is too large", top),
                 "compute this layer in f32: `precision=f32`");
    return;
  }
  ql->peephole_shift = shift;
  for (int dir = 0; dir < ql->directions; dir++) {
    int16_t *m = ARENA_ARRAY(q->arena, int16_t, n);
    for (int64_t i = 0; i < n; i++)
      m[i] = (int16_t)nearbyint(
          ldexp((double)p[dir * n + i], 16 + ql->fraction - ql->cell_fraction + shift));
    ql->peephole[dir] = m;
  }
}

/* The biases of the rows of W (b) and of U (rb). apart: U has biases of its own, because the reset
 * gate multiplies them; otherwise b has the sums. */
static void cell_biases(const Layer *layer, int dir, double *b, double *rb, bool apart) {
  int64_t units = layer_units(layer), rows = layer_gates(layer) * units;
  const float *bias = layer_role(layer, ROLE_BIAS),
              *recurrent = layer_role(layer, ROLE_RECURRENT_BIAS);
  for (int64_t r = 0; r < rows; r++) {
    double mine = recurrent ? (double)recurrent[dir * rows + r] : 0;
    b[r] = (bias ? (double)bias[dir * rows + r] : 0) + (apart ? 0 : mine);
    rb[r] = apart ? mine : 0;
  }
}

static void recurrent(Quantise *q, const Layer *layer, QuantLayer *ql) {
  int64_t units = layer_units(layer), rows = layer_gates(layer) * units;
  const Type *in = &layer->in[0]->type;
  int64_t d = in->rank ? in->dim[in->rank - 1].n : 1;
  bool w8 = ql->precision == PRECISION_W8;
  if (!w8 && (!activations_are_there(q, layer) || !quant_state_fits(q, layer))) return;
  if (q->failed) return; /* a range of its states is missing */
  if (!w8) ql->state_fraction = quant_state_fraction(q, layer);
  if (!w8 && layer->kind == LAYER_LSTM) ql->cell_fraction = quant_cell_fraction(q, layer);
  PartSpec spec[2][QUANT_PARTS];
  bool apart = layer->kind == LAYER_GRU && !layer_word_is(layer, OPT_reset, "before");
  int bits = precision_operand_bits(ql->precision);
  QuantFormat h = quant_format_fraction(w8 ? 0 : ql->state_fraction - (16 - bits), bits);
  ql->fraction = MOST_FRACTION;
  for (int dir = 0; dir < ql->directions; dir++) {
    double *b = ARENA_ARRAY(q->arena, double, rows), *rb = ARENA_ARRAY(q->arena, double, rows);
    cell_biases(layer, dir, b, rb, apart);
    for (int k = 0; k < QUANT_PARTS; k++) {
      int64_t depth = k == QUANT_INPUT ? d : units;
      const float *w =
          layer_role(layer, k == QUANT_INPUT ? ROLE_KERNEL : ROLE_RECURRENT) + dir * rows * depth;
      spec[dir][k] = (PartSpec){.rows = rows,
                                .depth = depth,
                                .b = w8                 ? NULL
                                     : k == QUANT_INPUT ? b
                                                        : rb,
                                .out = 1,
                                .bits = weight_bits(ql->precision),
                                .to_float = w8};
      spec[dir][k].x =
          k == QUANT_STATE || w8 ? h : quant_operand(q, layer->in[0], ql->precision, layer);
      if (q->missing) continue;
      spec[dir][k].w = to_double(q->arena, w, rows * depth);
      int most = quant_part_fraction(&spec[dir][k], MOST_FRACTION);
      if (most == INT_MIN) {
        too_long(q, layer, depth);
        return;
      }
      if (most < ql->fraction) ql->fraction = most;
    }
  }
  if (q->missing) return;
  if (ql->fraction < 2 && !w8) {
    quant_refuse(q, layer, "its gates would have fewer than two fraction bits",
                 "scale its input with `normalize`, or `precision=f32` here");
    return;
  }
  for (int dir = 0; dir < ql->directions; dir++)
    for (int k = 0; k < QUANT_PARTS; k++)
      ql->part[dir][k] = make_part(q, layer, dir, k, &spec[dir][k], ql->fraction);
  ql->out = quant_format_fraction(ql->state_fraction, 16);
  if (!w8) peepholes(q, layer, ql);
}

/* ---- the rest ---- */

static void table(Quantise *q, const Layer *layer, QuantLayer *ql) {
  if (q->missing) return;
  const float *from = layer_role(layer, ROLE_TABLE);
  int64_t n = layer->in[0]->type.categories * layer_units(layer);
  int16_t *to = ARENA_ARRAY(q->arena, int16_t, n);
  QuantFormat value = q->quant->value[layer->out[0]->id];
  ql->out = value.bits ? value : quant_format_of_table(layer, ql->precision);
  for (int64_t i = 0; i < n; i++)
    to[i] =
        (int16_t)fmin(fmax(nearbyint((double)from[i] / ql->out.scale), ql->out.low), ql->out.high);
  ql->table = to;
}

static double constant_factor(const Layer *layer) {
  double c = layer_number(layer, OPT_value, 0);
  return layer->kind == LAYER_div ? 1 / c : c;
}

/* E703 if the numbers of an input are so much larger than those of the result that a multiplier of
 * 16 bits cannot hold their ratio. */
static bool scale_fits(Quantise *q, const Layer *layer, const QuantFormat *x, double ratio,
                       double bound) {
  if (quant_scale_fits(ratio, bound)) return true;
  double most = fmax(fabs(x->low - x->zero), fabs(x->high - x->zero)) * x->scale;
  const char *what =
      arena_printf(q->arena, "its input can reach %.4g, too much for its result", most);
  quant_refuse(q, layer, what, "compute the layers before it in f32, with `precision=f32`");
  return false;
}

/* The change of scale from each input to the result, for the arithmetic of the stage. */
static void rescale(Quantise *q, const Layer *layer, QuantLayer *ql) {
  QuantFormat value = q->quant->value[layer->out[0]->id];
  ql->out = value.bits ? value : quant_format_fraction(15, 16); /* of a bounded function */
  double out = ql->out.scale;
  ql->input = ARENA_ARRAY(q->arena, QuantScale, layer->n_in + 1);
  ql->operand = ARENA_ARRAY(q->arena, QuantFormat, layer->n_in + 1);
  bool joins = layer->kind == LAYER_add || layer->kind == LAYER_sub;
  int fraction = 14;
  for (int round = 0; round < (joins ? 2 : 1); round++)
    for (int i = 0; i < layer->n_in; i++) {
      QuantFormat x = ql->operand[i] = quant_operand(q, layer->in[i], PRECISION_I16, layer);
      double ratio = x.scale / out, bound = quant_largest(&x) + fabs(x.zero);
      if (quant_is_bounded(layer)) {
        ratio = x.scale * 131072; /* Q3.17, and up to 11 bits more */
        if (!scale_fits(q, layer, &x, ratio, bound)) return;
        ql->input[i] = quant_scale_make(ratio, bound, 11);
        continue;
      }
      bool product = layer->kind == LAYER_mul || layer->kind == LAYER_div;
      if (product && layer->n_in == 1) ratio *= fabs(constant_factor(layer));
      if (product && layer->n_in == 2) {
        QuantFormat z = quant_operand(q, layer->in[1], PRECISION_I16, layer);
        ratio *= z.scale;
        bound *= quant_largest(&z) + fabs(z.zero);
      }
      if (!scale_fits(q, layer, &x, ratio, bound)) return;
      ql->input[i] = quant_scale_make(ratio, bound, fraction);
      if (joins && ql->input[i].fraction < fraction) fraction = ql->input[i].fraction;
    }
}

/* A stage whose result has the format of its input. An average needs a division. */
static void same(Quantise *q, const Layer *layer, QuantLayer *ql) {
  ql->out = q->quant->value[layer->out[0]->id];
  bool averages = layer->kind == LAYER_mean || layer->kind == LAYER_mean_pool;
  if (!averages) return;
  int64_t n =
      layer->kind == LAYER_mean ? layer->in[0]->type.time.n : layer_size(layer, OPT_size, 1);
  double bound = (double)n * (quant_largest(&ql->out) + fabs(ql->out.zero));
  ql->input = ARENA_ARRAY(q->arena, QuantScale, 1);
  if (bound >= ldexp(1, 30)) {
    quant_refuse(q, layer,
                 arena_printf(q->arena, "%lld values do not fit a 32-bit sum", (long long)n),
                 "compute the average in two stages");
    return;
  }
  ql->input[0] = quant_scale_make(1 / (double)n, bound, 14);
}

void quantise_layer(Quantise *q, const Layer *layer) {
  QuantLayer *ql = q->quant->layer[layer->id];
  switch (quant_kind(layer)) {
  case QUANT_MATRIX: matrix(q, layer, ql); break;
  case QUANT_RECURRENT: recurrent(q, layer, ql); break;
  case QUANT_TABLE: table(q, layer, ql); break;
  case QUANT_RESCALE: rescale(q, layer, ql); break;
  case QUANT_SAME: same(q, layer, ql); break;
  case QUANT_PORT: ql->out = q->quant->value[layer->out[0]->id]; break;
  case QUANT_NORM:
  case QUANT_FLOAT: break;
  }
}
