/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Rounding by calibration: what the rows of each layer are multiplied with in the data, and what
 * becomes of its parts. The rounding itself is round_moments.c. */
#include "model/quant/round.h"
#include "model/eval/eval_layer.h"
#include "model/quant/prune.h"
#include "model/quant/round_moments.h"

#include <math.h>
#include <string.h>

enum { MOST_ROWS = 6000 };
/* Multiply-adds of the moments of all rows of a candidate, each with its own. */
static const double MOST_WORK = 4e9;

static int64_t last_axis(const Type *type) {
  return type->rank ? type->dim[type->rank - 1].n : 1;
}

/* Steps of a run that are looked at, and every how manieth of them. */
static int64_t looked_at(const RoundData *data, int64_t steps) {
  return (int64_t)((double)steps * data->share);
}

static int64_t stride_of(const RoundData *data, const Value *v) {
  int64_t all = 0;
  for (int i = 0; i < data->n_runs; i++)
    all += looked_at(data, data->run[i].value[v->id].steps);
  return all / MOST_ROWS + 1;
}

static void add_vectors(const Layer *layer, const RoundData *data, Moments *m, double *z) {
  const Value *in = layer->in[0];
  int64_t d = last_axis(&in->type), each = type_step_size(&in->type) / d,
          stride = stride_of(data, in);
  for (int i = 0; i < data->n_runs; i++) {
    const EvalTensor *x = &data->run[i].value[in->id];
    for (int64_t v = 0; v < looked_at(data, x->steps) * each; v += stride) {
      memcpy(z, x->data + v * d, (size_t)d * sizeof *z);
      moments_add(m, z);
    }
  }
}

/* ---- a recurrent layer: x and the h before it ---- */

/* The operands of a recurrent layer at the steps that are looked at. */
typedef struct Steps {
  int64_t n, d, u;
  double *z; /* [n][d + u]: x, h */
  double *r; /* [n][u]: reset gates of a GRU; NULL: none */
} Steps;

static double sigmoid(double x) {
  return 1 / (1 + exp(-x));
}

static void reset_gates(const Layer *layer, int dir, const double *x, int64_t d, const double *h,
                        int64_t u, double *r) {
  const LayerWeights *w = layer->weights;
  for (int64_t j = 0; j < u; j++) {
    int64_t row = dir * 3 * u + u + j;
    double a = w->role[ROLE_BIAS] ? (double)w->role[ROLE_BIAS][row] : 0;
    if (w->role[ROLE_RECURRENT_BIAS]) a += (double)w->role[ROLE_RECURRENT_BIAS][row];
    for (int64_t k = 0; k < d; k++)
      a += (double)w->role[ROLE_KERNEL][row * d + k] * x[k];
    for (int64_t k = 0; k < u; k++)
      a += (double)w->role[ROLE_RECURRENT][row * u + k] * h[k];
    r[j] = sigmoid(a);
  }
}

static Steps steps_of(Arena *arena, const Layer *layer, const RoundData *data, int dir) {
  const Value *in = layer->in[0], *out = layer->out[0];
  Steps to = {.d = last_axis(&in->type), .u = layer_size(layer, OPT_units, 1)};
  int64_t dirs = layer_directions(layer), stride = stride_of(data, in), most = 0;
  bool backward = dir == 1 || layer_word_is(layer, OPT_direction, "backward");
  for (int i = 0; i < data->n_runs; i++)
    most += looked_at(data, data->run[i].value[in->id].steps) / stride + 1;
  to.z = ARENA_ARRAY(arena, double, most *(to.d + to.u));
  if (layer->kind == LAYER_GRU) to.r = ARENA_ARRAY(arena, double, most *to.u);
  for (int i = 0; i < data->n_runs; i++) {
    const EvalTensor *x = &data->run[i].value[in->id], *y = &data->run[i].value[out->id];
    for (int64_t t = 0; t < looked_at(data, x->steps); t += stride) {
      int64_t before = backward ? t + 1 : t - 1;
      double *z = to.z + to.n * (to.d + to.u);
      memcpy(z, x->data + t * to.d, (size_t)to.d * sizeof *z);
      if (before >= 0 && before < x->steps)
        memcpy(z + to.d, y->data + (before * dirs + dir) * to.u, (size_t)to.u * sizeof *z);
      if (to.r) reset_gates(layer, dir, z, to.d, z + to.d, to.u, to.r + to.n * to.u);
      to.n++;
    }
  }
  return to;
}

/* Operands from..to of each step, and 1. reset: h is multiplied by its gates. */
static Moments moments_of(Arena *arena, const Steps *s, int64_t from, int64_t to, bool reset) {
  Moments m = moments_new(arena, to - from, 1);
  double *z = ARENA_ARRAY(arena, double, m.n);
  z[m.k] = 1;
  for (int64_t t = 0; t < s->n; t++) {
    memcpy(z, s->z + t * (s->d + s->u) + from, (size_t)m.k * sizeof *z);
    for (int64_t j = 0; j < s->u && reset; j++)
      z[s->d + j] *= s->r[t * s->u + j];
    moments_add(&m, z);
  }
  return m;
}

/* The candidate of a GRU with reset after: b + W x + r (b' + U h). r is of a unit, so every row has
 * moments of its own: of x, r h, 1 and r. */
static void round_candidate_row(Arena *arena, const Steps *s, const Columns *c, int64_t unit,
                                int64_t row, int64_t stride) {
  Moments m = moments_new(arena, s->d + s->u, 2);
  double *z = ARENA_ARRAY(arena, double, m.n);
  z[m.k] = 1;
  for (int64_t t = 0; t < s->n; t += stride) {
    double r = s->r[t * s->u + unit];
    memcpy(z, s->z + t * m.k, (size_t)m.k * sizeof *z);
    for (int64_t k = s->d; k < m.k; k++)
      z[k] *= r;
    z[m.k + 1] = r;
    moments_add(&m, z);
  }
  round_rows(arena, &m, c, 2, row, row + 1);
}

/* How many steps a row of its own can look at within MOST_WORK; 0: too few. */
static int64_t candidate_steps(const Steps *s) {
  double n = (double)(s->d + s->u + 2), u = (double)s->u;
  double steps = (MOST_WORK / u - n * n * n) * 2 / (n * n);
  if (steps < 2 * n) return 0;
  return steps < (double)s->n ? (int64_t)steps : s->n;
}

static void round_candidate(Arena *arena, const Layer *layer, const Steps *s, const Columns *c,
                            int64_t first, int64_t last) {
  int64_t steps = candidate_steps(s);
  Moments m;
  if (layer_word_is(layer, OPT_reset, "before")) {
    m = moments_of(arena, s, 0, s->d + s->u, true);
    round_rows(arena, &m, c, 2, first, last);
    return;
  }
  for (int64_t r = first; r < last && steps; r++)
    round_candidate_row(arena, s, c, r - first, r, (s->n + steps - 1) / steps);
  for (int k = 0; k < QUANT_PARTS && !steps; k++) { /* the sums apart */
    m = moments_of(arena, s, k ? s->d : 0, k ? s->d + s->u : s->d, false);
    round_rows(arena, &m, &c[k], 1, first, last);
  }
}

static double *as_double(Arena *arena, const float *w, int64_t n) {
  double *to = ARENA_ARRAY(arena, double, n + 1);
  for (int64_t i = 0; i < n; i++)
    to[i] = (double)w[i];
  return to;
}

static Columns columns_of(Arena *arena, const QuantPart *part, const double *w) {
  return (Columns){.w = w,
                   .part = part,
                   .q = ARENA_ARRAY(arena, int16_t, part->rows * part->depth),
                   .shift = ARENA_ARRAY(arena, double, part->rows)};
}

static PruneShape prune_shape(const Layer *layer, const QuantPart *part) {
  bool cells = layer_info(layer->kind)->flags & RECURRENT;
  return (PruneShape){part->rows, part->depth,
                      cells ? layer_size(layer, OPT_units, 1) : part->rows};
}

/* m: of the operands of all parts, not yet rounded with. The candidate of a GRU is judged by them
 * too. */
static void prune(Arena *arena, const Layer *layer, const Moments *m, double share, Columns *c,
                  int n_parts) {
  if (share <= 0) return;
  const double *salience = moments_salience(arena, m);
  for (int k = 0; k < n_parts; k++) {
    PruneShape shape = prune_shape(layer, c[k].part);
    c[k].pruned = prune_choose(arena, &shape, c[k].w, salience, share);
    salience += shape.depth;
  }
}

/* w8 keeps its bias in f32, to which the shift is added. */
static QuantGivenPart given_float(Arena *arena, const Layer *layer, int dir, int which,
                                  const Columns *c) {
  float *shift = ARENA_ARRAY(arena, float, c->part->rows);
  for (int64_t r = 0; r < c->part->rows; r++)
    shift[r] = (float)c->shift[r];
  return (QuantGivenPart){layer->path, dir, which, c->q, NULL, c->part->scale, shift};
}

/* The bias of a row for its new integers: what the plain one stands for, and a share of the shift.
 */
static int32_t given_bias(const Columns *c, int64_t r, const int16_t *q, const double *b,
                          double share) {
  const QuantPart *p = c->part;
  double sum = 0, unit = p->scale[r] * p->x.scale;
  for (int64_t k = 0; k < p->depth; k++)
    sum += q[k];
  double bias = ((b ? b[r] : 0) + share * c->shift[r]) / unit - sum * p->x.zero;
  return (int32_t)fmin(fmax(nearbyint(bias), -INT32_MAX), INT32_MAX);
}

/* A pruned row whose other weights make up for so much that its sum may overflow: they make up for
 * a half, a quarter and so on, in the end for nothing. */
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

/* b: what the plain biases stand for. */
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

static int recurrent(Arena *arena, const Model *model, const Layer *layer, const RoundData *data,
                     QuantGivenPart *out) {
  const QuantLayer *ql = model->quant->layer[layer->id];
  int64_t u = layer_size(layer, OPT_units, 1), d = ql->part[0][0].depth, rows = ql->part[0][0].rows;
  bool gru = layer->kind == LAYER_GRU;
  int n = 0;
  for (int dir = 0; dir < ql->directions; dir++) {
    Columns c[QUANT_PARTS];
    for (int k = 0; k < QUANT_PARTS; k++) {
      int64_t depth = k ? u : d;
      c[k] = columns_of(
          arena, &ql->part[dir][k],
          as_double(arena,
                    layer->weights->role[k ? ROLE_RECURRENT : ROLE_KERNEL] + dir * rows * depth,
                    rows * depth));
    }
    int64_t shared = gru ? 2 * u : rows;
    Steps steps = steps_of(arena, layer, data, dir);
    Moments m = moments_of(arena, &steps, 0, d + u, false);
    prune(arena, layer, &m, data->prune, c, QUANT_PARTS);
    round_rows(arena, &m, c, 2, 0, shared);
    if (gru) round_candidate(arena, layer, &steps, c, shared, rows);
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
  double *b, *w = quant_folded(model, arena, layer, ql->norm, &b),
             *z = ARENA_ARRAY(arena, double, part->depth + 1);
  Columns c = columns_of(arena, part, w);
  Moments m = moments_new(arena, part->depth, 1);
  z[part->depth] = 1;
  add_vectors(layer, data, &m, z);
  prune(arena, layer, &m, data->prune, &c, 1);
  round_rows(arena, &m, &c, 1, 0, part->rows);
  out[0] = ql->precision == PRECISION_W8 ? given_float(arena, layer, 0, QUANT_INPUT, &c)
                                         : given_part(arena, layer, 0, QUANT_INPUT, &c, b);
  return 1;
}

/* ---- convolutions: the windows of each group of filters ---- */

/* Windows of a run that are looked at: those of its first steps. */
static int64_t windows_of(const RoundData *data, const ConvTaps *c) {
  return c->steps ? looked_at(data, c->steps) * (c->positions / c->steps) : 0;
}

static int64_t windows_in_all(const Layer *layer, const RoundData *data) {
  int64_t all = 0;
  for (int i = 0; i < data->n_runs; i++) {
    ConvTaps c = conv_taps(layer, data->run[i].value[layer->in[0]->id].steps);
    all += windows_of(data, &c);
  }
  return all;
}

/* Windows overlap. As many as the elements of a group would fill without that. */
static int64_t windows_apart(const Layer *layer, const RoundData *data, int64_t depth) {
  int64_t elements = 0, groups = layer_size(layer, OPT_groups, 1);
  const Value *in = layer->in[0];
  for (int i = 0; i < data->n_runs; i++) {
    int64_t steps = data->run[i].value[in->id].steps;
    elements += (steps > 1 ? looked_at(data, steps) : steps) * type_step_size(&in->type) / groups;
  }
  int64_t all = windows_in_all(layer, data);
  return elements / depth < all ? elements / depth : all;
}

static void add_windows(const Layer *layer, const RoundData *data, int64_t group, int64_t stride,
                        Moments *m, double *z) {
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
      moments_add(m, z);
    }
  }
}

static int conv(Arena *arena, const Model *model, const Layer *layer, const RoundData *data,
                QuantGivenPart *out) {
  const QuantLayer *ql = model->quant->layer[layer->id];
  const QuantPart *part = &ql->part[0][QUANT_INPUT];
  double *b, *w = quant_folded(model, arena, layer, ql->norm, &b),
             *z = ARENA_ARRAY(arena, double, part->depth + 1);
  Columns c = columns_of(arena, part, w);
  int64_t groups = layer_size(layer, OPT_groups, 1), rows = part->rows / groups,
          stride = windows_in_all(layer, data) / MOST_ROWS + 1;
  z[part->depth] = 1;
  for (int64_t g = 0; g < groups; g++) {
    Moments m = moments_new(arena, part->depth, 1);
    m.apart = windows_apart(layer, data, part->depth);
    add_windows(layer, data, g, stride, &m, z);
    round_rows(arena, &m, &c, 1, g * rows, (g + 1) * rows);
  }
  out[0] = ql->precision == PRECISION_W8 ? given_float(arena, layer, 0, QUANT_INPUT, &c)
                                         : given_part(arena, layer, 0, QUANT_INPUT, &c, b);
  return 1;
}

/* ---- any layer ---- */

/* Vectors that the rows of a layer are multiplied with. */
static int64_t vectors_of(const Layer *layer, const RoundData *data, int64_t depth) {
  bool is_recurrent = layer_info(layer->kind)->flags & RECURRENT;
  const Value *in = layer->in[0];
  if (!is_recurrent && layer->kind != LAYER_Dense) return windows_apart(layer, data, depth);
  int64_t n = 0, each = is_recurrent ? 1 : type_step_size(&in->type) / last_axis(&in->type);
  for (int i = 0; i < data->n_runs; i++)
    n += looked_at(data, data->run[i].value[in->id].steps) * each;
  return n;
}

int quant_round_layer(Arena *arena, const Model *model, const Layer *layer, const RoundData *data,
                      QuantGivenPart out[4], int64_t *steps, int64_t *needed) {
  const QuantLayer *ql = model->quant->layer[layer->id];
  bool is_recurrent = layer_info(layer->kind)->flags & RECURRENT;
  *steps = *needed = 0;
  if (!ql || (!is_recurrent && quant_kind(layer) != QUANT_MATRIX)) return 0;
  *needed = ql->part[0][QUANT_INPUT].depth + (is_recurrent ? ql->part[0][QUANT_STATE].depth : 0);
  *steps = vectors_of(layer, data, *needed);
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
  PruneShape shape = prune_shape(layer, &ql->part[0][QUANT_INPUT]);
  return prune_blocks(&shape) > 0;
}

QuantBlocks quant_count_blocks(const Model *model, const Layer *layer, const QuantGivenPart *part,
                               int n, double share) {
  QuantBlocks sum = {0};
  for (int i = 0; i < n; i++) {
    const QuantLayer *ql = model->quant->layer[layer->id];
    PruneShape shape = prune_shape(layer, &ql->part[part[i].direction][part[i].part]);
    sum.all += prune_blocks(&shape);
    sum.zeros += prune_zeros(&shape, part[i].w);
    sum.wanted += prune_wanted(&shape, share);
  }
  return sum;
}
