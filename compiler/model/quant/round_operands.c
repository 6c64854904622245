/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The operands of the rows of Dense and recurrent layers in recorded data, and the rounding and
 * pruning of the rows by them. In: runs of the reference evaluator, and real weights. Out: the
 * results of the Columns. */
#include "model/quant/round_operands.h"
#include "model/eval/eval_layer.h"

#include <math.h>
#include <string.h>

enum { MOST_ROWS = 6000 };
/* A bound of the multiply-adds for the candidate of a GRU, each row of which has moments of its
 * own. */
static const double MOST_WORK = 4e9;

int64_t round_looked_at(const RoundData *data, int64_t steps) {
  return steps > 1 ? (int64_t)((double)steps * data->share) : steps;
}

int64_t round_stride(int64_t all) {
  return all / MOST_ROWS + 1;
}

static int64_t stride_of(const RoundData *data, const Value *v) {
  int64_t all = 0;
  for (int i = 0; i < data->n_runs; i++)
    all += round_looked_at(data, data->run[i].value[v->id].steps);
  return round_stride(all);
}

/* What the biases are multiplied with: 1, or 0 if the layer has none. In integers every row has a
 * bias. */
static double bias_operand(const Layer *layer, const Columns *c) {
  return c->real && !layer->weights->role[ROLE_BIAS] ? 0 : 1;
}

/* Whether operands have 8 bits, so that their rounding counts. */
static bool has_bytes(const Columns *c) {
  return c->part && c->part->x.bits == 8;
}

/* n operands as their integers have them, in real numbers. */
static void round_operands(const Columns *c, const double *z, int64_t n, double *y) {
  for (int64_t i = 0; i < n; i++) {
    const QuantFormat *x = has_bytes(c) ? &c->part->x : NULL;
    y[i] =
        x ? (fmin(fmax(nearbyint(z[i] / x->scale) + x->zero, x->low), x->high) - x->zero) * x->scale
          : z[i];
  }
}

/* ---- a recurrent layer: x and the h before it ---- */

/* The operands of a recurrent layer at the steps that are used. */
typedef struct OperandSteps {
  int64_t n, d, u;
  double bias; /* what biases are multiplied with; see bias_operand */
  double *z;   /* [n][d + u]: x, h */
  double *y;   /* the same rounded to 8 bits; NULL: operands have more bits */
  double *r;   /* [n][u]: reset gates of a GRU; NULL: none */
} OperandSteps;

/* The reset gates of one step of a GRU, from x and the h before it. */
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
    r[j] = eval_activation(layer_activation(layer, OPT_gate), a);
  }
}

static OperandSteps steps_of(Arena *arena, const Layer *layer, const RoundData *data, int dir,
                             const Columns *c) {
  const Value *in = layer->in[0], *out = layer->out[0];
  OperandSteps to = {.d = type_last_dim(&in->type),
                     .u = layer_size(layer, OPT_units, 1),
                     .bias = bias_operand(layer, c)};
  int64_t dirs = layer_directions(layer), stride = stride_of(data, in), most = 0;
  bool backward = dir == 1 || layer_word_is(layer, OPT_direction, "backward");
  for (int i = 0; i < data->n_runs; i++)
    most += round_looked_at(data, data->run[i].value[in->id].steps) / stride + 1;
  to.z = ARENA_ARRAY(arena, double, (most * (to.d + to.u)));
  if (layer->kind == LAYER_GRU) to.r = ARENA_ARRAY(arena, double, (most * to.u));
  if (has_bytes(&c[QUANT_INPUT]) || has_bytes(&c[QUANT_STATE]))
    to.y = ARENA_ARRAY(arena, double, (most * (to.d + to.u)));
  for (int i = 0; i < data->n_runs; i++) {
    const EvalTensor *x = &data->run[i].value[in->id], *y = &data->run[i].value[out->id];
    for (int64_t t = 0; t < round_looked_at(data, x->steps); t += stride) {
      int64_t before = backward ? t + 1 : t - 1;
      double *z = to.z + to.n * (to.d + to.u);
      memcpy(z, x->data + t * to.d, (size_t)to.d * sizeof *z);
      if (before >= 0 && before < x->steps)
        memcpy(z + to.d, y->data + (before * dirs + dir) * to.u, (size_t)to.u * sizeof *z);
      if (to.y) {
        double *rounded = to.y + to.n * (to.d + to.u);
        round_operands(&c[QUANT_INPUT], z, to.d, rounded);
        round_operands(&c[QUANT_STATE], z + to.d, to.u, rounded + to.d);
      }
      if (to.r) reset_gates(layer, dir, z, to.d, z + to.d, to.u, to.r + to.n * to.u);
      to.n++;
    }
  }
  return to;
}

/* The moments of operands from..to at all steps. reset: h is multiplied by the reset gates. */
static Moments moments_of(Arena *arena, const OperandSteps *s, int64_t from, int64_t to,
                          bool reset) {
  Moments m = moments_new(arena, to - from, 1);
  double *z[2] = {ARENA_ARRAY(arena, double, m.n), ARENA_ARRAY(arena, double, m.n)};
  for (int64_t t = 0; t < s->n; t++) {
    for (int k = 0; k < (s->y ? 2 : 1); k++) {
      memcpy(z[k], (k ? s->y : s->z) + t * (s->d + s->u) + from, (size_t)m.k * sizeof **z);
      for (int64_t j = 0; j < s->u && reset; j++)
        z[k][s->d + j] *= s->r[t * s->u + j];
      z[k][m.k] = s->bias;
    }
    moments_add(arena, &m, z[0], s->y ? z[1] : NULL);
  }
  return m;
}

/* Rounds one row of the candidate of a GRU with reset=after, which is b + W x + r (b' + U h). Each
 * unit has its own r, so each row has its own moments, of x, r h, 1 and r. */
static void round_candidate_row(Arena *arena, const OperandSteps *s, const Columns *c, int64_t unit,
                                int64_t row, int64_t stride) {
  Moments m = moments_new(arena, s->d + s->u, 2);
  double *z[2] = {ARENA_ARRAY(arena, double, m.n), ARENA_ARRAY(arena, double, m.n)};
  for (int64_t t = 0; t < s->n; t += stride) {
    double r = s->r[t * s->u + unit];
    for (int i = 0; i < (s->y ? 2 : 1); i++) {
      memcpy(z[i], (i ? s->y : s->z) + t * m.k, (size_t)m.k * sizeof **z);
      for (int64_t k = s->d; k < m.k; k++)
        z[i][k] *= r;
      z[i][m.k] = s->bias;
      z[i][m.k + 1] = r * s->bias;
    }
    moments_add(arena, &m, z[0], s->y ? z[1] : NULL);
  }
  round_rows(arena, &m, c, 2, row, row + 1);
}

/* How many steps each row can use within MOST_WORK; 0 if those would be too few. */
static int64_t candidate_steps(const OperandSteps *s) {
  double n = (double)(s->d + s->u + 2), u = (double)s->u;
  double steps = (MOST_WORK / u - n * n * n) * 2 / (n * n);
  if (steps < 2 * n) return 0;
  return steps < (double)s->n ? (int64_t)steps : s->n;
}

static void round_candidate(Arena *arena, const Layer *layer, const OperandSteps *s,
                            const Columns *c, int64_t first, int64_t last) {
  int64_t steps = candidate_steps(s);
  Moments m;
  if (layer_word_is(layer, OPT_reset, "before")) {
    m = moments_of(arena, s, 0, s->d + s->u, true);
    round_rows(arena, &m, c, 2, first, last);
    return;
  }
  for (int64_t r = first; r < last && steps; r++)
    round_candidate_row(arena, s, c, r - first, r, (s->n + steps - 1) / steps);
  for (int k = 0; k < QUANT_PARTS && !steps; k++) { /* without r: each sum by itself */
    m = moments_of(arena, s, k ? s->d : 0, k ? s->d + s->u : s->d, false);
    round_rows(arena, &m, &c[k], 1, first, last);
  }
}

Columns columns_new(Arena *arena, const QuantPart *part, const double *w) {
  return (Columns){.w = w,
                   .rows = part->rows,
                   .depth = part->depth,
                   .part = part,
                   .q = ARENA_ARRAY(arena, int16_t, part->rows * part->depth),
                   .shift = ARENA_ARRAY(arena, double, part->rows)};
}

PruneShape round_prune_shape(const Layer *layer, int64_t rows, int64_t depth) {
  bool cells = layer_info(layer->kind)->flags & RECURRENT;
  return (PruneShape){rows, depth, cells ? layer_size(layer, OPT_units, 1) : rows};
}

/* Chooses the weights of all matrices that become 0. m: the moments of all operands, before
 * rounding finishes them. They serve the candidate of a GRU, too. */
static void prune(Arena *arena, const Layer *layer, const Moments *m, double share, Columns *c,
                  int n_parts) {
  if (share <= 0) return;
  const double *salience = moments_salience(arena, m);
  for (int k = 0; k < n_parts; k++) {
    PruneShape shape = round_prune_shape(layer, c[k].rows, c[k].depth);
    c[k].pruned = prune_choose(arena, &shape, c[k].w, salience, share);
    salience += shape.depth;
  }
}

/* ---- both kinds of layers ---- */

int64_t round_vector_count(const Layer *layer, const RoundData *data) {
  bool is_recurrent = layer_info(layer->kind)->flags & RECURRENT;
  const Value *in = layer->in[0];
  int64_t n = 0, each = is_recurrent ? 1 : type_step_size(&in->type) / type_last_dim(&in->type);
  for (int i = 0; i < data->n_runs; i++)
    n += round_looked_at(data, data->run[i].value[in->id].steps) * each;
  return n;
}

void round_vectors(Arena *arena, const Layer *layer, const RoundData *data, Columns *c) {
  const Value *in = layer->in[0];
  int64_t d = type_last_dim(&in->type), each = type_step_size(&in->type) / d,
          stride = stride_of(data, in);
  double *z = ARENA_ARRAY(arena, double, d + 1), *y = ARENA_ARRAY(arena, double, d + 1);
  Moments m = moments_new(arena, d, 1);
  z[d] = y[d] = bias_operand(layer, c);
  for (int i = 0; i < data->n_runs; i++) {
    const EvalTensor *x = &data->run[i].value[in->id];
    for (int64_t v = 0; v < round_looked_at(data, x->steps) * each; v += stride) {
      memcpy(z, x->data + v * d, (size_t)d * sizeof *z);
      round_operands(c, z, d, y);
      moments_add(arena, &m, z, has_bytes(c) ? y : NULL);
    }
  }
  prune(arena, layer, &m, data->prune, c, 1);
  round_rows(arena, &m, c, 1, 0, c->rows);
}

void round_direction(Arena *arena, const Layer *layer, const RoundData *data, int dir,
                     Columns c[QUANT_PARTS]) {
  int64_t rows = c[QUANT_INPUT].rows, width = c[QUANT_INPUT].depth + c[QUANT_STATE].depth;
  bool gru = layer->kind == LAYER_GRU;
  int64_t shared = gru ? 2 * c[QUANT_STATE].depth : rows;
  OperandSteps steps = steps_of(arena, layer, data, dir, c);
  Moments m = moments_of(arena, &steps, 0, width, false);
  prune(arena, layer, &m, data->prune, c, QUANT_PARTS);
  round_rows(arena, &m, c, QUANT_PARTS, 0, shared);
  if (gru) round_candidate(arena, layer, &steps, c, shared, rows);
}
