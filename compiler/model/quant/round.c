/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Rounding by calibration: from a quantised layer and recorded data to its rounded parts.
 * round_operands.c finds the operands of the rows, and round_moments.c rounds the rows. */
#include "model/quant/round.h"
#include "model/eval/eval_layer.h"
#include "model/quant/round_operands.h"

#include <math.h>

/* A rounded part in w8, which adds the shift of the bias in f32. */
static QuantGivenPart given_float(Arena *arena, const Layer *layer, int dir, int which,
                                  const Columns *c) {
  float *shift = ARENA_ARRAY(arena, float, c->part->rows);
  for (int64_t r = 0; r < c->part->rows; r++)
    shift[r] = (float)c->shift[r];
  return (QuantGivenPart){layer->path, dir, which, c->q, NULL, c->part->scale, shift};
}

/* The integer bias of a row with weights q: b[r], and a share of what the rounding moved into the
 * bias. */
static int32_t given_bias(const Columns *c, int64_t r, const int16_t *q, const double *b,
                          double share) {
  const QuantPart *p = c->part;
  double sum = 0, unit = p->scale[r] * p->x.scale;
  for (int64_t k = 0; k < p->depth; k++)
    sum += q[k];
  double bias = ((b ? b[r] : 0) + share * c->shift[r]) / unit - sum * p->x.zero;
  return (int32_t)fmin(fmax(nearbyint(bias), -INT32_MAX), INT32_MAX);
}

/* A pruned row whose other weights compensate so much that its sum may overflow. The compensation
 * is halved until the sum fits, in the end to nothing. */
static void pruned_row_within(const Columns *c, int64_t r, const double *b, int16_t *q,
                              int32_t *bias) {
  static const double LEAST_SHARE = 1.0 / 16;
  const QuantPart *p = c->part;
  const int16_t *nearest = p->w + r * p->depth, *made = c->q + r * p->depth;
  const bool *pruned = c->pruned + r * p->depth;
  for (double share = 1;; share = share > LEAST_SHARE ? share / 2 : 0) {
    for (int64_t k = 0; k < p->depth; k++) {
      double from = pruned[k] ? 0 : nearest[k];
      q[k] = (int16_t)nearbyint(from + share * (made[k] - from));
    }
    *bias = given_bias(c, r, q, b, share);
    QuantPart row = *p;
    row.rows = 1;
    row.w = q;
    row.bias = bias;
    if (quant_part_fits(&row) || share <= 0) return;
  }
}

/* A rounded part in integers. b: the real biases of its rows. If the sums could overflow, the part
 * stays as it was. */
static QuantGivenPart given_part(Arena *arena, const Layer *layer, int dir, int which,
                                 const Columns *c, const double *b) {
  const QuantPart *p = c->part;
  int32_t *bias = ARENA_ARRAY(arena, int32_t, p->rows);
  int16_t *q = c->pruned ? ARENA_ARRAY(arena, int16_t, p->rows * p->depth) : c->q;
  for (int64_t r = 0; r < p->rows; r++) {
    if (c->pruned)
      pruned_row_within(c, r, b, q + r * p->depth, &bias[r]);
    else
      bias[r] = given_bias(c, r, q + r * p->depth, b, 1);
  }
  QuantPart made = *p;
  made.w = q;
  made.bias = bias;
  if (!quant_part_fits(&made))
    return (QuantGivenPart){layer->path, dir, which, p->w, p->bias, p->scale, NULL};
  return (QuantGivenPart){layer->path, dir, which, q, bias, p->scale, NULL};
}

static double *as_double(Arena *arena, const float *w, int64_t n) {
  double *to = ARENA_ARRAY(arena, double, n + 1);
  for (int64_t i = 0; i < n; i++)
    to[i] = (double)w[i];
  return to;
}

static int recurrent(Arena *arena, const Model *model, const Layer *layer, const RoundData *data,
                     QuantGivenPart *out) {
  const QuantLayer *ql = model->quant->layer[layer->id];
  int64_t u = layer_size(layer, OPT_units, 1), d = ql->part[0][0].depth, rows = ql->part[0][0].rows;
  int n = 0;
  for (int dir = 0; dir < ql->directions; dir++) {
    Columns c[QUANT_PARTS];
    for (int k = 0; k < QUANT_PARTS; k++) {
      int64_t depth = k ? u : d;
      c[k] = columns_new(
          arena, &ql->part[dir][k],
          as_double(arena,
                    layer->weights->role[k ? ROLE_RECURRENT : ROLE_KERNEL] + dir * rows * depth,
                    rows * depth));
    }
    round_direction(arena, layer, data, dir, c);
    for (int k = 0; k < QUANT_PARTS; k++) {
      if (ql->precision == PRECISION_W8) {
        out[n++] = given_float(arena, layer, dir, k, &c[k]);
        continue;
      }
      double *b = ARENA_ARRAY(arena, double, rows);
      for (int64_t r = 0; r < rows; r++)
        b[r] = ((double)ql->part[dir][k].bias[r] + 0) * ql->part[dir][k].scale[r] *
               ql->part[dir][k].x.scale;
      for (int64_t r = 0; r < rows && ql->part[dir][k].x.zero != 0; r++)
        for (int64_t j = 0; j < ql->part[dir][k].depth; j++)
          b[r] += (double)ql->part[dir][k].w[r * ql->part[dir][k].depth + j] *
                  ql->part[dir][k].x.zero * ql->part[dir][k].scale[r] * ql->part[dir][k].x.scale;
      out[n++] = given_part(arena, layer, dir, k, &c[k], b);
    }
  }
  return n;
}

static int dense(Arena *arena, const Model *model, const Layer *layer, const RoundData *data,
                 QuantGivenPart *out) {
  const QuantLayer *ql = model->quant->layer[layer->id];
  const QuantPart *part = &ql->part[0][QUANT_INPUT];
  double *b, *w = quant_folded(model, arena, layer, ql->norm, &b);
  Columns c = columns_new(arena, part, w);
  round_vectors(arena, layer, data, &c);
  out[0] = ql->precision == PRECISION_W8 ? given_float(arena, layer, 0, QUANT_INPUT, &c)
                                         : given_part(arena, layer, 0, QUANT_INPUT, &c, b);
  return 1;
}

/* ---- convolutions: the windows of each group of filters ---- */

/* How many windows of a run are used: those of its first steps. */
static int64_t windows_of(const RoundData *data, const ConvTaps *c) {
  return c->steps ? round_looked_at(data, c->steps) * (c->positions / c->steps) : 0;
}

static int64_t windows_in_all(const Layer *layer, const RoundData *data) {
  int64_t all = 0;
  for (int i = 0; i < data->n_runs; i++) {
    ConvTaps c = conv_taps(layer, data->run[i].value[layer->in[0]->id].steps);
    all += windows_of(data, &c);
  }
  return all;
}

/* How many windows would fit the data without overlap: the measure of how much the data tells. */
static int64_t windows_apart(const Layer *layer, const RoundData *data, int64_t depth) {
  int64_t elements = 0, groups = layer_size(layer, OPT_groups, 1);
  const Value *in = layer->in[0];
  for (int i = 0; i < data->n_runs; i++) {
    elements += round_looked_at(data, data->run[i].value[in->id].steps) *
                type_step_size(&in->type) / groups;
  }
  int64_t all = windows_in_all(layer, data);
  return elements / depth < all ? elements / depth : all;
}

/* Adds every stride-th window of one group of features to the moments. */
static void add_windows(Arena *arena, const Layer *layer, const RoundData *data, int64_t group,
                        int64_t stride, Moments *m, double *z) {
  for (int i = 0; i < data->n_runs; i++) {
    const EvalTensor *x = &data->run[i].value[layer->in[0]->id];
    ConvTaps c = conv_taps(layer, x->steps);
    int64_t d = m->k / c.taps;
    for (int64_t p = 0; p < windows_of(data, &c); p += stride) {
      for (int64_t tap = 0; tap < c.taps; tap++) {
        int64_t at = conv_tap(&c, p, tap);
        for (int64_t k = 0; k < d; k++)
          z[tap * d + k] = at < 0 ? 0 : x->data[at * c.from.d + group * d + k];
      }
      moments_add(arena, m, z, NULL);
    }
  }
}

static int conv(Arena *arena, const Model *model, const Layer *layer, const RoundData *data,
                QuantGivenPart *out) {
  const QuantLayer *ql = model->quant->layer[layer->id];
  const QuantPart *part = &ql->part[0][QUANT_INPUT];
  double *b, *w = quant_folded(model, arena, layer, ql->norm, &b),
             *z = ARENA_ARRAY(arena, double, part->depth + 1);
  Columns c = columns_new(arena, part, w);
  int64_t groups = layer_size(layer, OPT_groups, 1), rows = part->rows / groups,
          stride = round_stride(windows_in_all(layer, data));
  z[part->depth] = 1;
  for (int64_t g = 0; g < groups; g++) {
    Moments m = moments_new(arena, part->depth, 1);
    m.apart = windows_apart(layer, data, part->depth);
    add_windows(arena, layer, data, g, stride, &m, z);
    round_rows(arena, &m, &c, 1, g * rows, (g + 1) * rows);
  }
  out[0] = ql->precision == PRECISION_W8 ? given_float(arena, layer, 0, QUANT_INPUT, &c)
                                         : given_part(arena, layer, 0, QUANT_INPUT, &c, b);
  return 1;
}

/* ---- any layer ---- */

/* Whether all weights are integers already, as in a model that was imported from a quantised file.
 */
static bool has_integers(const QuantLayer *ql) {
  bool all = true;
  for (int dir = 0; dir < ql->directions; dir++)
    for (int k = 0; k < QUANT_PARTS; k++)
      all = all && (!ql->part[dir][k].rows || ql->part[dir][k].is_grid);
  return all;
}

int quant_round_layer(Arena *arena, const Model *model, const Layer *layer, const RoundData *data,
                      QuantGivenPart out[4], int64_t *steps, int64_t *needed) {
  const QuantLayer *ql = model->quant->layer[layer->id];
  bool is_recurrent = layer_info(layer->kind)->flags & RECURRENT;
  *steps = *needed = 0;
  if (!ql || (!is_recurrent && quant_kind(layer) != QUANT_MATRIX)) return 0;
  if (has_integers(ql) && data->prune <= 0) return 0;
  *needed = ql->part[0][QUANT_INPUT].depth + (is_recurrent ? ql->part[0][QUANT_STATE].depth : 0);
  *steps = is_recurrent || layer->kind == LAYER_Dense ? round_vector_count(layer, data)
                                                      : windows_apart(layer, data, *needed);
  if (*steps < *needed) return 0;
  *needed = 0;
  if (is_recurrent) return recurrent(arena, model, layer, data, out);
  return layer->kind == LAYER_Dense ? dense(arena, model, layer, data, out)
                                    : conv(arena, model, layer, data, out);
}

/* ---- blocks ---- */

bool quant_prunes(const Model *model, const Layer *layer) {
  const QuantLayer *ql = model->quant ? model->quant->layer[layer->id] : NULL;
  bool cells = layer_info(layer->kind)->flags & RECURRENT;
  if (!ql || (!cells && layer->kind != LAYER_Dense)) return false;
  const QuantPart *part = &ql->part[0][QUANT_INPUT];
  PruneShape shape = round_prune_shape(layer, part->rows, part->depth);
  return prune_blocks(&shape) > 0;
}

QuantBlocks quant_count_blocks(const Model *model, const Layer *layer, const QuantGivenPart *part,
                               int n, double share) {
  QuantBlocks sum = {0};
  for (int i = 0; i < n; i++) {
    const QuantLayer *ql = model->quant->layer[layer->id];
    const QuantPart *p = &ql->part[part[i].direction][part[i].part];
    PruneShape shape = round_prune_shape(layer, p->rows, p->depth);
    sum.all += prune_blocks(&shape);
    sum.zeros += prune_zeros(&shape, part[i].w);
    sum.wanted += prune_wanted(&shape, share);
  }
  return sum;
}
