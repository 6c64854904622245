/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* LSTM, GRU and RNN. With d inputs, u units and p outputs of a step (u without a projection):
 *
 *   LSTM  i = f(Wi x + Ri h + bi + Pi c), f likewise, g = g(Wg x + Rg h + bg)
 *         c' = f c + i g;  o = f(Wo x + Ro h + bo + Po c');  h' = o h(c'), then projected
 *   GRU   z, r = f(W x + b + R h + rb);  n = g(Wn x + bn + Rn (r h) + rbn), or r (Rn h + rbn) with
 *         reset_after
 *         h' = z h + (1 - z) n
 *   RNN   h' = f(W x + R h + b)
 *
 * clip bounds the sums that go into activations (not c'); cell_clip bounds c'. */
#include "import/graph/eval.h"

#include <stdlib.h>
#include <string.h>

/* ---- activations by their word, "leaky_relu(0.01)" ---- */

typedef struct CellFunction {
  double (*f)(double x, double a, double b);
  double a, b;
} CellFunction;

/* ACTIVATION(word, parameters it needs, its value at x) */
#define ACTIVATION_LIST(ACTIVATION)                                                                \
  ACTIVATION(linear, 0, x)                                                                         \
  ACTIVATION(sigmoid, 0, 1 / (1 + exp(-x)))                                                        \
  ACTIVATION(tanh, 0, tanh(x))                                                                     \
  ACTIVATION(relu, 0, x > 0 ? x : 0)                                                               \
  ACTIVATION(hard_tanh, 0, x > 1 ? 1 : x < -1 ? -1 : x)                                            \
  ACTIVATION(relu6, 0, x > 6 ? 6 : x > 0 ? x : 0)                                                  \
  ACTIVATION(softsign, 0, x / (1 + fabs(x)))                                                       \
  ACTIVATION(softplus, 0, x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)))                              \
  ACTIVATION(exp, 0, exp(x))                                                                       \
  ACTIVATION(silu, 0, x / (1 + exp(-x)))                                                           \
  ACTIVATION(gelu, 0, 0.5 * x * (1 + erf(x * 0.70710678118654752440)))                             \
  ACTIVATION(mish, 0, (x * tanh(x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)))))                      \
  ACTIVATION(hard_silu, 0, (x * fmin(1, fmax(0, x / 6 + 0.5))))                                    \
  ACTIVATION(log_sigmoid, 0, x < 0 ? x - log1p(exp(x)) : -log1p(exp(-x)))                          \
  ACTIVATION(tanh_shrink, 0, x - tanh(x))                                                          \
  ACTIVATION(squareplus, 0, 0.5 * (x + sqrt(x * x + 4)))                                           \
  ACTIVATION(celu, 1, x > 0 ? x : a * expm1(x / a))                                                \
  ACTIVATION(affine, 2, (a * x + b))                                                               \
  ACTIVATION(leaky_relu, 1, x < 0 ? a * x : x)                                                     \
  ACTIVATION(thresholded_relu, 1, x > a ? x : 0)                                                   \
  ACTIVATION(scaled_tanh, 2, (a * tanh(b * x)))                                                    \
  ACTIVATION(hard_sigmoid, 2, (fmin(1, fmax(0, a * x + b))))                                       \
  ACTIVATION(elu, 1, x > 0 ? x : a * expm1(x))                                                     \
  ACTIVATION(selu, 2, (b * (x > 0 ? x : a * expm1(x))))

#define ACTIVATION(word, n, value)                                                                 \
  static double word##_at(double x, double a, double b) {                                          \
    (void)a;                                                                                       \
    (void)b;                                                                                       \
    return value;                                                                                  \
  }
ACTIVATION_LIST(ACTIVATION)
#undef ACTIVATION

static bool activation_of(GraphCall *call, const char *word, CellFunction *out) {
  static const struct {
    const char *word;
    int n;
    double (*f)(double x, double a, double b);
  } known[] = {
#define ACTIVATION(word, n, value) {#word, n, word##_at},
      ACTIVATION_LIST(ACTIVATION)
#undef ACTIVATION
  };
  const char *open = strchr(word, '(');
  size_t len = open ? (size_t)(open - word) : strlen(word);
  double number[2] = {0, 0};
  int n = 0;
  for (const char *at = open; at && *at && *at != ')' && n < 2;) {
    char *end;
    number[n++] = strtod(at + 1, &end);
    at = end;
  }
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strlen(known[i].word) == len && memcmp(known[i].word, word, len) == 0 && n == known[i].n) {
      *out = (CellFunction){known[i].f, number[0], number[1]};
      return true;
    }
  return call_fault(call, "there is no activation `%s`", word);
}

/* ---- one direction ---- */

typedef struct GraphCell {
  const GraphNode *node;
  int64_t steps, batch, d, u, p, gates;
  GraphTensor w, r; /* of this direction */
  const double *b, *rb, *peephole, *projection;
  const GraphTensor *lengths, *mask;
  CellFunction act[3];
  double clip, cell_clip;
  bool input_forget, reset_after, zero_output, round_state;
} GraphCell;

static double bounded(double x, double limit) {
  return x > limit ? limit : x < -limit ? -limit : x;
}

static double activate(const GraphCell *cell, int k, double x) {
  const CellFunction *a = &cell->act[k];
  return a->f(bounded(x, cell->clip), a->a, a->b);
}

static double dot(const double *w, const double *x, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++)
    sum += w[i] * x[i];
  return sum;
}

/* The product of row k of a matrix and x. */
static double row_dot(const GraphTensor *m, int64_t k, const double *x, int64_t n) {
  double sum = 0;
  if (m->wide) return dot(m->wide + k * n, x, n);
  for (int64_t i = 0; i < n; i++)
    sum += (double)m->narrow[k * n + i] * x[i];
  return sum;
}

/* W x + b of unit j in gate g. */
static double input_sum(const GraphCell *cell, int64_t g, int64_t j, const double *x) {
  return row_dot(&cell->w, g * cell->u + j, x, cell->d) + (cell->b ? cell->b[g * cell->u + j] : 0);
}

static double state_sum(const GraphCell *cell, int64_t g, int64_t j, const double *h) {
  return row_dot(&cell->r, g * cell->u + j, h, cell->p) +
         (cell->rb ? cell->rb[g * cell->u + j] : 0);
}

static void step_lstm(const GraphCell *cell, const double *x, const double *h, double *c,
                      double *next) {
  const double *pi = cell->peephole, *pf = pi ? pi + cell->u : NULL, *po = pi ? pf + cell->u : NULL;
  for (int64_t j = 0; j < cell->u; j++) {
    double sum[4];
    for (int g = 0; g < 4; g++)
      sum[g] = input_sum(cell, g, j, x) + state_sum(cell, g, j, h);
    double i = activate(cell, 0, sum[0] + (pi ? pi[j] * c[j] : 0));
    double f = activate(cell, 0, sum[1] + (pf ? pf[j] * c[j] : 0));
    double g = activate(cell, 1, sum[2]);
    if (cell->input_forget) f = 1 - i;
    c[j] = bounded(f * c[j] + i * g, cell->cell_clip);
    double o = activate(cell, 0, sum[3] + (po ? po[j] * c[j] : 0));
    next[j] = o * cell->act[2].f(c[j], cell->act[2].a, cell->act[2].b);
  }
}

static void step_gru(const GraphCell *cell, const double *x, const double *h, double *gated,
                     double *next) {
  int64_t u = cell->u;
  for (int64_t j = 0; j < u && !cell->reset_after; j++)
    gated[j] = h[j] * activate(cell, 0, input_sum(cell, 1, j, x) + state_sum(cell, 1, j, h));
  for (int64_t j = 0; j < u; j++) {
    double z = activate(cell, 0, input_sum(cell, 0, j, x) + state_sum(cell, 0, j, h)),
           n = input_sum(cell, 2, j, x);
    if (cell->reset_after)
      n += activate(cell, 0, input_sum(cell, 1, j, x) + state_sum(cell, 1, j, h)) *
           state_sum(cell, 2, j, h);
    else
      n += state_sum(cell, 2, j, gated);
    next[j] = z * h[j] + (1 - z) * activate(cell, 1, n);
  }
}

static void step_rnn(const GraphCell *cell, const double *x, const double *h, double *next) {
  for (int64_t j = 0; j < cell->u; j++)
    next[j] = activate(cell, 0, input_sum(cell, 0, j, x) + state_sum(cell, 0, j, h));
}

/* Replaces h and c of one sample by those after a step. seen: h as products read it, which may be
 * rounded. Both scratch arrays have room for u numbers. */
static void step(const GraphCell *cell, const double *x, const double *seen, double *h, double *c,
                 double *gated, double *next) {
  if (cell->node->op == GRAPH_Lstm)
    step_lstm(cell, x, seen, c, next);
  else if (cell->node->op == GRAPH_Gru)
    step_gru(cell, x, h, gated, next);
  else
    step_rnn(cell, x, h, next);
  for (int64_t k = 0; k < cell->p; k++)
    h[k] = cell->projection ? dot(cell->projection + k * cell->u, next, cell->u) : next[k];
}

/* n numbers as DynamicQuantize and Dequantize leave them. */
static void round_dynamic(const double *x, int64_t n, double *y) {
  double low = 0, high = 0;
  for (int64_t i = 0; i < n; i++) {
    low = fmin(low, x[i]);
    high = fmax(high, x[i]);
  }
  double scale = high > low ? (high - low) / 255 : 1,
         zero = elem_saturate(GRAPH_U8, nearbyint(-low / scale));
  for (int64_t i = 0; i < n; i++)
    y[i] = (elem_saturate(GRAPH_U8, nearbyint(x[i] / scale) + zero) - zero) * scale;
}

/* The arrays of one direction for all samples: states, results, and room to work in. */
typedef struct Track {
  double *h, *c, *seen, *scratch, *y;
  int64_t stride;      /* the number of elements of y from one step to the next */
  const double **last; /* of each sample, its result at its last step that is not masked */
} Track;

/* Computes step k, in the order of reading, of sample n. */
static void run_step(const GraphCell *cell, const Track *track, int64_t n, int64_t k, bool backward,
                     const double *x) {
  int64_t length = cell->lengths ? graph_whole(graph_at(cell->lengths, n)) : cell->steps;
  if (k >= length) return;
  int64_t t = backward ? length - 1 - k : k;
  double *h = track->h + n * cell->p, *c = track->c + n * cell->u,
         *to = track->y + n * cell->p + t * track->stride;
  const double *last = track->last[n], *seen = cell->round_state ? track->seen + n * cell->p : h;
  bool live = !cell->mask || graph_at(cell->mask, t * cell->batch + n) != 0;
  if (live)
    step(cell, x + (t * cell->batch + n) * cell->d, seen, h, c, track->scratch,
         track->scratch + cell->u);
  for (int64_t j = 0; j < cell->p; j++)
    to[j] = live ? h[j] : cell->zero_output || !last ? 0 : last[j];
  if (live) track->last[n] = to;
}

static void run_direction(const GraphCell *cell, const Track *track, bool backward,
                          const double *x) {
  for (int64_t k = 0; k < cell->steps; k++) {
    if (cell->round_state) round_dynamic(track->h, cell->batch * cell->p, track->seen);
    for (int64_t n = 0; n < cell->batch; n++)
      run_step(cell, track, n, k, backward, x);
  }
}

static const double *part(GraphCall *call, int k, int64_t dir, int64_t dirs) {
  const GraphTensor *t = call_in(call, k);
  return t ? graph_wide(call->arena, t) + dir * (t->count / dirs) : NULL;
}

static GraphTensor matrix(const GraphTensor *t, int64_t dir, int64_t dirs) {
  int64_t at = dir * (t->count / dirs);
  return (GraphTensor){.wide = t->wide ? t->wide + at : NULL,
                       .narrow = t->narrow ? t->narrow + at : NULL};
}

static bool cell_of(GraphCall *call, GraphCell *cell) {
  const GraphNode *node = call->node;
  const GraphTensor *x = call_in(call, 0), *w = call_in(call, 1);
  double clip = graph_number(node, GRAPH_ATTR_clip, 0),
         cell_clip = graph_number(node, GRAPH_ATTR_cell_clip, 0);
  *cell = (GraphCell){.node = node,
                      .steps = x->dim[0],
                      .batch = x->dim[1],
                      .d = x->dim[2],
                      .u = w->dim[2],
                      .p = call->out[0].dim[3],
                      .gates = w->dim[1]};
  cell->clip = clip > 0 ? clip : INFINITY;
  cell->cell_clip = cell_clip > 0 ? cell_clip : INFINITY;
  cell->input_forget = graph_int(node, GRAPH_ATTR_input_forget, 0) != 0;
  cell->reset_after = graph_int(node, GRAPH_ATTR_reset_after, 0) != 0;
  cell->zero_output = graph_int(node, GRAPH_ATTR_zero_output, 0) != 0;
  cell->round_state = graph_int(node, GRAPH_ATTR_round_state, 0) != 0;
  cell->lengths = call_in(call, node->op == GRAPH_Gru ? 5 : 4);
  cell->mask = call_in(call, node->op == GRAPH_Gru ? 7 : node->op == GRAPH_Lstm ? 8 : 6);
  for (int64_t n = 0; cell->lengths && n < cell->batch; n++) {
    int64_t length = graph_whole(graph_at(cell->lengths, n));
    if (length < 0 || length > cell->steps)
      return call_fault(call, "a length of %lld is outside of %lld steps", (long long)length,
                        (long long)cell->steps);
  }
  return true;
}

static bool direction_of(GraphCall *call, int64_t dir, int64_t dirs, GraphCell *cell) {
  static const char *const usual[][3] = {
      {"sigmoid", "tanh", "tanh"}, {"sigmoid", "tanh", NULL}, {"tanh", NULL, NULL}};
  bool lstm = call->node->op == GRAPH_Lstm, gru = call->node->op == GRAPH_Gru;
  int each = lstm ? 3 : gru ? 2 : 1;
  cell->w = matrix(call_in(call, 1), dir, dirs);
  cell->r = matrix(call_in(call, 2), dir, dirs);
  cell->b = part(call, 3, dir, dirs);
  cell->rb = gru ? part(call, 4, dir, dirs) : NULL;
  cell->peephole = lstm ? part(call, 7, dir, dirs) : NULL;
  cell->projection = lstm ? part(call, 9, dir, dirs) : NULL;
  for (int k = 0; k < each; k++) {
    const char *word =
        graph_word(call->node, GRAPH_ATTR_activations, (int)dir * each + k, usual[3 - each][k]);
    if (!activation_of(call, word, &cell->act[k])) return false;
  }
  return true;
}

static bool recurrent(GraphCall *call) {
  const GraphNode *node = call->node;
  const char *direction = graph_word(node, GRAPH_ATTR_direction, 0, "forward");
  int64_t dirs = call->out[0].dim[1];
  bool lstm = node->op == GRAPH_Lstm;
  const GraphTensor *h0 = call_in(call, node->op == GRAPH_Gru ? 6 : 5),
                    *c0 = lstm ? call_in(call, 6) : NULL;
  GraphCell cell;
  if (!cell_of(call, &cell)) return false;
  int64_t n_h = dirs * cell.batch * cell.p, n_c = dirs * cell.batch * cell.u;
  double *y = call_data(call, 0);
  double *h = node->n_out > 1 ? call_data(call, 1) : ARENA_ARRAY(call->arena, double, n_h + 1);
  double *c = node->n_out > 2 ? call_data(call, 2) : ARENA_ARRAY(call->arena, double, n_c + 1);
  Track track = {.scratch = ARENA_ARRAY(call->arena, double, 2 * cell.u + 1),
                 .stride = dirs * cell.batch * cell.p,
                 .seen = ARENA_ARRAY(call->arena, double, (cell.batch * cell.p + 1))};
  if (h0 && n_h) memcpy(h, graph_wide(call->arena, h0), sizeof *h * (size_t)n_h);
  if (c0 && n_c) memcpy(c, graph_wide(call->arena, c0), sizeof *c * (size_t)n_c);
  for (int64_t dir = 0; dir < dirs; dir++) {
    bool backward = dir == 1 || strcmp(direction, "backward") == 0;
    if (!direction_of(call, dir, dirs, &cell)) return false;
    track.h = h + dir * cell.batch * cell.p;
    track.c = c + dir * cell.batch * cell.u;
    track.y = y + dir * cell.batch * cell.p;
    track.last = ARENA_ARRAY(call->arena, const double *, cell.batch + 1);
    run_direction(&cell, &track, backward, graph_wide(call->arena, call_in(call, 0)));
  }
  return true;
}

bool graph_eval_Lstm(GraphCall *call) {
  return recurrent(call);
}
bool graph_eval_Gru(GraphCall *call) {
  return recurrent(call);
}
bool graph_eval_Rnn(GraphCall *call) {
  return recurrent(call);
}
