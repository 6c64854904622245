/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Rounding by calibration; see round.h.
 *
 *     H = E[z z'], z = (operands, 1);  H += lambda mean(diag H) I on the operands;  U' U = H^-1, U
 *                                      upper
 *     for j: q_j = clamp(round(w_j / s_j));  w[j+1..] -= (w_j - q_j s_j) / U[j][j] * U[j][j+1..];
 *                                            bias += w[K]
 *
 * lambda is 0.01, or 0.1 below four times as many steps as weights a row. */
#include "model/quant/round.h"
#include "model/quant/quant_internal.h"

#include <math.h>
#include <string.h>

enum { MOST_ROWS = 6000 };

/* What a group of rows is multiplied with: columns of the operands, then 1. */
typedef struct Moments {
  int64_t k; /* operands */
  int64_t steps;
  double *h; /* [k + 1][k + 1] */
} Moments;

static Moments moments_new(Arena *arena, int64_t k) {
  return (Moments){.k = k, .h = ARENA_ARRAY(arena, double, (k + 1) * (k + 1))};
}

static void moments_add(Moments *m, const double *z) { /* z[k] is 1 */
  m->steps++;
  for (int64_t i = 0; i <= m->k; i++)
    for (int64_t j = 0; j <= i; j++)
      m->h[i * (m->k + 1) + j] += z[i] * z[j];
}

static void moments_finish(Moments *m) {
  int64_t n = m->k + 1;
  double trace = 0, lambda = m->steps < 4 * m->k ? 0.1 : 0.01;
  for (int64_t i = 0; i < n * n; i++)
    m->h[i] /= (double)m->steps;
  for (int64_t i = 0; i < n; i++)
    trace += m->h[i * n + i];
  for (int64_t i = 0; i < m->k; i++)
    m->h[i * n + i] += fmax(lambda * trace / (double)n, 1e-12);
  m->h[m->k * n + m->k] += 1e-9;
}

/* a becomes its lower Cholesky factor (upper part is not touched). */
static void cholesky(double *a, int64_t n) {
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = j; i < n; i++) {
      double sum = a[i * n + j];
      for (int64_t k = 0; k < j; k++)
        sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = i == j ? sqrt(fmax(sum, 1e-18)) : sum / a[j * n + j];
    }
}

/* The inverse of l l', its lower half. */
static void inverse(Arena *arena, const double *l, int64_t n, double *out) {
  double *m = ARENA_ARRAY(arena, double, n *n); /* l^-1, lower */
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = j; i < n; i++) {
      double sum = i == j ? 1 : 0;
      for (int64_t k = j; k < i; k++)
        sum -= l[i * n + k] * m[k * n + j];
      m[i * n + j] = sum / l[i * n + i];
    }
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j <= i; j++) {
      double sum = 0;
      for (int64_t k = i; k < n; k++)
        sum += m[k * n + i] * m[k * n + j];
      out[i * n + j] = sum;
    }
}

/* One row: w in real numbers, s by column; q gets the integers. Returns what the bias takes. */
static double round_row(const double *lower, int64_t n, double *w, const double *s, double most,
                        double *q) {
  for (int64_t j = 0; j < n - 1; j++) { /* U[j][i] is lower[i][j] */
    q[j] = fmin(fmax(nearbyint(w[j] / s[j]), -most), most);
    double e = (w[j] - q[j] * s[j]) / lower[j * n + j];
    for (int64_t i = j + 1; i < n; i++)
      w[i] -= e * lower[i * n + j];
  }
  return w[n - 1];
}

/* ---- the operands of a layer ---- */

typedef struct Columns {
  const double *w; /* of the part: [rows][depth], real */
  const QuantPart *part;
  int16_t *q;
  double *shift; /* [rows]: what the bias takes, real */
} Columns;

/* Rows first..last of up to two parts that share their operands side by side. */
static void round_rows(Arena *arena, Moments *m, const Columns *c, int n_parts, int64_t first,
                       int64_t last) {
  int64_t n = m->k + 1;
  double *inv = ARENA_ARRAY(arena, double, n *n), *w = ARENA_ARRAY(arena, double, n);
  double *s = ARENA_ARRAY(arena, double, n), *q = ARENA_ARRAY(arena, double, n);
  moments_finish(m);
  cholesky(m->h, n);
  inverse(arena, m->h, n, inv);
  cholesky(inv, n);
  for (int64_t r = first; r < last; r++) {
    int64_t at = 0;
    for (int p = 0; p < n_parts; p++)
      for (int64_t k = 0; k < c[p].part->depth; k++, at++) {
        w[at] = c[p].w[r * c[p].part->depth + k];
        s[at] = c[p].part->scale[r];
      }
    w[at] = 0;
    double shift = round_row(inv, n, w, s, c[0].part->bits == 8 ? 127 : 32767, q);
    at = 0;
    for (int p = 0; p < n_parts; p++)
      for (int64_t k = 0; k < c[p].part->depth; k++, at++)
        c[p].q[r * c[p].part->depth + k] = (int16_t)q[at];
    c[0].shift[r] += shift;
  }
}

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

/* ---- a recurrent layer: x and the h before it; the reset gate's r h ---- */

typedef enum Operands { X_AND_H, X_ALONE, H_ALONE, X_AND_RH } Operands;

static double sigmoid(double x) {
  return 1 / (1 + exp(-x));
}

static void reset_state(const Layer *layer, int dir, const double *x, int64_t d, const double *h,
                        int64_t u, double *rh) {
  const LayerWeights *w = layer->weights;
  for (int64_t j = 0; j < u; j++) {
    int64_t row = dir * 3 * u + u + j;
    double a = w->role[ROLE_BIAS] ? (double)w->role[ROLE_BIAS][row] : 0;
    for (int64_t k = 0; k < d; k++)
      a += (double)w->role[ROLE_KERNEL][row * d + k] * x[k];
    for (int64_t k = 0; k < u; k++)
      a += (double)w->role[ROLE_RECURRENT][row * u + k] * h[k];
    rh[j] = sigmoid(a) * h[j];
  }
}

static void add_steps(Arena *arena, const Layer *layer, const RoundData *data, int dir,
                      Operands which, Moments *m, double *z) {
  const Value *in = layer->in[0], *out = layer->out[0];
  int64_t d = last_axis(&in->type), u = layer_size(layer, OPT_units, 1),
          dirs = layer_directions(layer), stride = stride_of(data, in);
  bool backward = dir == 1 || layer_word_is(layer, OPT_direction, "backward");
  double *zero = ARENA_ARRAY(arena, double, u);
  for (int i = 0; i < data->n_runs; i++) {
    const EvalTensor *x = &data->run[i].value[in->id], *y = &data->run[i].value[out->id];
    for (int64_t t = 0; t < looked_at(data, x->steps); t += stride) {
      int64_t before = backward ? t + 1 : t - 1;
      bool starts = before < 0 || before >= x->steps;
      const double *h = starts ? zero : y->data + (before * dirs + dir) * u;
      int64_t at = 0;
      if (which != H_ALONE) memcpy(z, x->data + t * d, (size_t)d * sizeof *z);
      if (which != H_ALONE) at = d;
      if (which == X_AND_RH)
        reset_state(layer, dir, x->data + t * d, d, h, u, z + at);
      else if (which != X_ALONE)
        memcpy(z + at, h, (size_t)u * sizeof *z);
      moments_add(m, z);
    }
  }
}

static double *as_double(Arena *arena, const float *w, int64_t n) {
  double *to = ARENA_ARRAY(arena, double, n + 1);
  for (int64_t i = 0; i < n; i++)
    to[i] = (double)w[i];
  return to;
}

static Columns columns_of(Arena *arena, const QuantPart *part, const double *w) {
  return (Columns){w, part, ARENA_ARRAY(arena, int16_t, part->rows * part->depth),
                   ARENA_ARRAY(arena, double, part->rows)};
}

/* Biases for the new integers: what the plain ones stand for, and the shift. */
static QuantGivenPart given_part(Arena *arena, const Layer *layer, int dir, int which,
                                 const Columns *c, const double *b) {
  const QuantPart *p = c->part;
  int32_t *bias = ARENA_ARRAY(arena, int32_t, p->rows);
  int16_t *q = c->q;
  for (int64_t r = 0; r < p->rows; r++) {
    double sum = 0, unit = p->scale[r] * p->x.scale;
    for (int64_t k = 0; k < p->depth; k++)
      sum += q[r * p->depth + k];
    bias[r] = (int32_t)fmin(
        fmax(nearbyint(((b ? b[r] : 0) + c->shift[r]) / unit - sum * p->x.zero), -INT32_MAX),
        INT32_MAX);
  }
  QuantPart made = *p;
  made.w = q;
  made.bias = bias;
  if (!quant_part_fits(&made))
    return (QuantGivenPart){layer->path, dir, which, p->w, p->bias, p->scale};
  return (QuantGivenPart){layer->path, dir, which, q, bias, p->scale};
}

static int recurrent(Arena *arena, const Model *model, const Layer *layer, const RoundData *data,
                     QuantGivenPart *out) {
  const QuantLayer *ql = model->quant->layer[layer->id];
  int64_t u = layer_size(layer, OPT_units, 1), d = ql->part[0][0].depth, rows = ql->part[0][0].rows;
  bool gru = layer->kind == LAYER_GRU, before = gru && layer_word_is(layer, OPT_reset, "before");
  double *z = ARENA_ARRAY(arena, double, d + u + 1);
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
    Moments m = moments_new(arena, d + u);
    z[d + u] = 1;
    add_steps(arena, layer, data, dir, X_AND_H, &m, z);
    round_rows(arena, &m, c, 2, 0, shared);
    if (gru && before) {
      m = moments_new(arena, d + u);
      add_steps(arena, layer, data, dir, X_AND_RH, &m, z);
      round_rows(arena, &m, c, 2, shared, rows);
    } else if (gru)
      for (int k = 0; k < QUANT_PARTS; k++) {
        m = moments_new(arena, k ? u : d);
        z[k ? u : d] = 1;
        add_steps(arena, layer, data, dir, k ? H_ALONE : X_ALONE, &m, z);
        round_rows(arena, &m, &c[k], 1, shared, rows);
      }
    for (int k = 0; k < QUANT_PARTS; k++) {
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
  Moments m = moments_new(arena, part->depth);
  z[part->depth] = 1;
  add_vectors(layer, data, &m, z);
  round_rows(arena, &m, &c, 1, 0, part->rows);
  out[0] = given_part(arena, layer, 0, QUANT_INPUT, &c, b);
  return 1;
}

int quant_round_layer(Arena *arena, const Model *model, const Layer *layer, const RoundData *data,
                      QuantGivenPart out[4], int64_t *steps, int64_t *needed) {
  const QuantLayer *ql = model->quant->layer[layer->id];
  bool is_recurrent = layer_info(layer->kind)->flags & RECURRENT;
  *steps = *needed = 0;
  if (!ql || ql->precision == PRECISION_W8 || (!is_recurrent && layer->kind != LAYER_Dense))
    return 0;
  *needed = ql->part[0][QUANT_INPUT].depth + (is_recurrent ? ql->part[0][QUANT_STATE].depth : 0);
  const Value *in = layer->in[0];
  int64_t each = is_recurrent ? 1 : type_step_size(&in->type) / last_axis(&in->type);
  for (int i = 0; i < data->n_runs; i++)
    *steps += looked_at(data, data->run[i].value[in->id].steps) * each;
  if (*steps < *needed) return 0;
  *needed = 0;
  return is_recurrent ? recurrent(arena, model, layer, data, out)
                      : dense(arena, model, layer, data, out);
}
