/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* GRU, LSTM and RNN of the integer oracle, one step and one unit at a time, by the formulas of
 * model/quant/quant.h. In w8 only the products are integers. */
#include "model/eval/eval_int.h"

#include <math.h>

enum { MAX_GATES = 4 };

/* One direction of a layer while it runs. */
typedef struct OracleCell {
  const Layer *layer;
  const QuantLayer *ql;
  int dir, gates;
  int64_t d, u;
  Activation gate, act, out;
  int64_t *x, *hq, *rh; /* operands: the input, h, and r h of a GRU with reset=before */
  int64_t *h, *s;       /* h in 16 bits; c of an LSTM, wide h of a GRU */
  int64_t *next;        /* h after the step */
  double *hf, *cf, *nf; /* w8: states in f32 */
} OracleCell;

/* p limited by the option `clip`. */
static int64_t clipped(const OracleCell *c, int64_t p) {
  double clip = layer_number(c->layer, OPT_clip, 0);
  if (clip <= 0) return p;
  int64_t most = oracle_constant(clip, c->ql->fraction);
  return oracle_limit(p, -most, most);
}

static int64_t input_sum(Eval *e, const OracleCell *c, int gate, int64_t j) {
  return oracle_preactivation(e, &c->ql->part[c->dir][QUANT_INPUT], gate * c->u + j, c->x);
}

static int64_t state_sum(Eval *e, const OracleCell *c, int gate, int64_t j, const int64_t *q) {
  return oracle_preactivation(e, &c->ql->part[c->dir][QUANT_STATE], gate * c->u + j, q);
}

/* The preactivation of unit j of a gate. */
static int64_t both(Eval *e, const OracleCell *c, int gate, int64_t j) {
  return oracle_held(e, input_sum(e, c, gate, j) + state_sum(e, c, gate, j, c->hq));
}

/* h as an operand: its 16 bits, or the upper 8 of them, rounded. */
static int64_t operand_of(const OracleCell *c, int64_t h) {
  return c->ql->part[c->dir][QUANT_STATE].x.bits == 16 ? h
                                                       : oracle_limit((h + 128) >> 8, -127, 127);
}

static int64_t saturated(int64_t x) {
  return oracle_limit(x, INT32_MIN, INT32_MAX);
}

/* p += mulw(c, P) >> shift */
static int64_t peephole(Eval *e, const OracleCell *c, int which, int64_t j, int64_t p,
                        int64_t cell) {
  const int16_t *m = c->ql->peephole[c->dir];
  return m ? saturated(p + (oracle_mulw(e, cell, m[which * c->u + j]) >> c->ql->peephole_shift))
           : p;
}

static void lstm_step(Eval *e, OracleCell *c) {
  int fraction = c->ql->fraction, fc = c->ql->cell_fraction;
  double limit = layer_number(c->layer, OPT_cell_clip, 0);
  for (int64_t j = 0; j < c->u; j++) {
    int64_t p[MAX_GATES];
    for (int g = 0; g < MAX_GATES; g++)
      p[g] = both(e, c, g, j);
    int64_t pi = clipped(c, peephole(e, c, 0, j, p[0], c->s[j])),
            pf = clipped(c, peephole(e, c, 1, j, p[1], c->s[j]));
    int64_t i = oracle_activation(e, c->gate, pi, fraction),
            n = oracle_activation(e, c->gate, -1 - pf, fraction);
    int64_t g = oracle_activation(e, c->act, clipped(c, p[2]), fraction);
    int64_t kept = oracle_held(e, c->s[j] - 2 * oracle_mulw(e, c->s[j], n));
    c->s[j] = saturated(kept + (oracle_held(e, i * g) >> (30 - fc)));
    if (limit > 0)
      c->s[j] = oracle_limit(c->s[j], -oracle_constant(limit, fc), oracle_constant(limit, fc));
    int64_t o =
        oracle_activation(e, c->gate, clipped(c, peephole(e, c, 2, j, p[3], c->s[j])), fraction);
    c->next[j] = oracle_held(e, o * oracle_activation(e, c->out, c->s[j], fc) + 16384) >> 15;
  }
}

/* n of a GRU with the fraction bits of its wide state, 15 more than those of h. */
static int64_t candidate(Eval *e, const OracleCell *c, int64_t p) {
  int64_t most = (int64_t)32767 << 15;
  p = clipped(c, p);
  if (c->act == ACT_RELU)
    return oracle_to_fraction(e, p, c->ql->fraction, c->ql->state_fraction + 15, 0, most);
  if (c->act == ACT_LINEAR)
    return oracle_to_fraction(e, p, c->ql->fraction, c->ql->state_fraction + 15, -most, most);
  return oracle_activation(e, c->act, p, c->ql->fraction) * ((int64_t)1 << c->ql->state_fraction);
}

static void gru_step(Eval *e, OracleCell *c) {
  int fraction = c->ql->fraction;
  bool before = layer_word_is(c->layer, OPT_reset, "before");
  for (int64_t j = 0; j < c->u && before; j++) {
    int64_t r = oracle_activation(e, c->gate, clipped(c, both(e, c, 1, j)), fraction);
    c->rh[j] = operand_of(c, oracle_held(e, r * c->h[j] + 16384) >> 15);
  }
  for (int64_t j = 0; j < c->u; j++) {
    int64_t u = oracle_activation(e, c->gate, -1 - clipped(c, both(e, c, 0, j)), fraction), p;
    if (before)
      p = oracle_held(e, input_sum(e, c, 2, j) + state_sum(e, c, 2, j, c->rh));
    else {
      int64_t r = oracle_activation(e, c->gate, clipped(c, both(e, c, 1, j)), fraction);
      p = oracle_held(e,
                      input_sum(e, c, 2, j) + 2 * oracle_mulw(e, state_sum(e, c, 2, j, c->hq), r));
    }
    int64_t toward = oracle_held(e, candidate(e, c, p) - c->s[j]);
    c->s[j] = oracle_held(e, c->s[j] + 2 * oracle_mulw(e, toward, u));
    c->next[j] = oracle_limit((c->s[j] + 16384) >> 15, -32768, 32767);
  }
}

static void rnn_step(Eval *e, OracleCell *c) {
  for (int64_t j = 0; j < c->u; j++) {
    int64_t p = clipped(c, both(e, c, 0, j));
    bool unbounded = c->act == ACT_RELU || c->act == ACT_LINEAR;
    c->next[j] = unbounded ? oracle_to_fraction(e, p, c->ql->fraction, c->ql->state_fraction,
                                                c->act == ACT_RELU ? 0 : -32767, 32767)
                           : oracle_activation(e, c->act, p, c->ql->fraction);
  }
}

/* ---- w8 ---- */

/* b + W x + U h of unit j of a gate, in f32 products. sx and sh are the scales of x and h; a part
 * whose scale is 0 is left out. bias: whether b counts. */
static double float_sum(Eval *e, const OracleCell *c, int gate, int64_t j, const int64_t *hq,
                        float sx, float sh, bool bias) {
  const QuantPart *w = &c->ql->part[c->dir][QUANT_INPUT], *u = &c->ql->part[c->dir][QUANT_STATE];
  int64_t row = gate * c->u + j, rows = c->gates * c->u;
  const float *b = c->layer->weights->role[ROLE_BIAS],
              *rb = c->layer->weights->role[ROLE_RECURRENT_BIAS];
  double sum = bias && b ? (double)b[c->dir * rows + row] : 0;
  if (bias && rb && !(gate == 2 && c->layer->kind == LAYER_GRU))
    sum += (double)rb[c->dir * rows + row];
  if (sx != 0) sum += (double)((float)oracle_sum(e, w, row, c->x) * ((float)w->scale[row] * sx));
  if (sh != 0) sum += (double)((float)oracle_sum(e, u, row, hq) * ((float)u->scale[row] * sh));
  if (sx != 0 && w->bias_shift) sum += (double)w->bias_shift[row];
  if (sh != 0 && u->bias_shift) sum += (double)u->bias_shift[row];
  return sum;
}

static double limited(double x, double clip) {
  return clip > 0 ? fmin(fmax(x, -clip), clip) : x;
}

static void w8_gru(Eval *e, OracleCell *c, float sx, float sh) {
  bool before = layer_word_is(c->layer, OPT_reset, "before");
  double clip = layer_number(c->layer, OPT_clip, 0), *r = ARENA_ARRAY(e->arena, double, c->u);
  const float *rb = c->layer->weights->role[ROLE_RECURRENT_BIAS];
  for (int64_t j = 0; j < c->u; j++)
    r[j] = eval_activation(c->gate, limited(float_sum(e, c, 1, j, c->hq, sx, sh, true), clip));
  float srh = 0;
  if (before) {
    for (int64_t j = 0; j < c->u; j++)
      c->nf[j] = r[j] * c->hf[j];
    srh = oracle_by_largest(c->nf, c->u, c->rh);
  }
  for (int64_t j = 0; j < c->u; j++) {
    double z = eval_activation(c->gate, limited(float_sum(e, c, 0, j, c->hq, sx, sh, true), clip)),
           n;
    double m = rb && !before ? (double)rb[(c->dir * c->gates + 2) * c->u + j] : 0;
    if (before)
      n = float_sum(e, c, 2, j, c->rh, sx, srh, true);
    else
      n = float_sum(e, c, 2, j, c->hq, sx, 0, true) +
          r[j] * (m + float_sum(e, c, 2, j, c->hq, 0, sh, false));
    n = eval_activation(c->act, limited(n, clip));
    c->nf[j] = (double)(float)(n + z * (c->hf[j] - n));
  }
}

static void w8_lstm(Eval *e, OracleCell *c, float sx, float sh) {
  double clip = layer_number(c->layer, OPT_clip, 0),
         cell = layer_number(c->layer, OPT_cell_clip, 0);
  const float *p = c->layer->weights->role[ROLE_PEEPHOLE];
  if (p) p += 3 * c->u * c->dir;
  for (int64_t j = 0; j < c->u; j++) {
    double a[MAX_GATES];
    for (int g = 0; g < MAX_GATES; g++)
      a[g] = float_sum(e, c, g, j, c->hq, sx, sh, true);
    if (p) a[0] += (double)p[j] * c->cf[j];
    if (p) a[1] += (double)p[c->u + j] * c->cf[j];
    double i = eval_activation(c->gate, limited(a[0], clip)),
           f = eval_activation(c->gate, limited(a[1], clip));
    c->cf[j] = (double)(float)limited(
        f * c->cf[j] + i * eval_activation(c->act, limited(a[2], clip)), cell);
    if (p) a[3] += (double)p[2 * c->u + j] * c->cf[j];
    c->nf[j] = (double)(float)(eval_activation(c->gate, limited(a[3], clip)) *
                               eval_activation(c->out, c->cf[j]));
  }
}

static void w8_step(Eval *e, OracleCell *c, const double *x) {
  float sx = oracle_by_largest(x, c->d, c->x), sh = oracle_by_largest(c->hf, c->u, c->hq);
  if (c->layer->kind == LAYER_GRU)
    w8_gru(e, c, sx, sh);
  else if (c->layer->kind == LAYER_LSTM)
    w8_lstm(e, c, sx, sh);
  for (int64_t j = 0; j < c->u && c->layer->kind == LAYER_RNN; j++)
    c->nf[j] =
        (double)(float)eval_activation(c->act, limited(float_sum(e, c, 0, j, c->hq, sx, sh, true),
                                                       layer_number(c->layer, OPT_clip, 0)));
  for (int64_t j = 0; j < c->u; j++)
    c->hf[j] = c->nf[j];
}

/* ---- a layer ---- */

/* The initial state of a unit: state 0 is h, 1 is c. */
static float start_value(const Eval *e, const Layer *layer, int state, int64_t at) {
  const OptVal *init = layer_opt(layer, OPT_init);
  const float *learned = layer->weights->role[state ? ROLE_INITIAL_C : ROLE_INITIAL_H];
  const Value *from = init->states_of          ? init->states_of->out[1 + state]
                      : state < init->n_values ? init->values[state]
                                               : NULL;
  return from ? (float)eval_in(e, from)->data[at] : learned ? learned[at] : 0;
}

static void start(Eval *e, OracleCell *c) {
  QuantFormat none = {0}, h = c->ql->out;
  for (int64_t j = 0; j < c->u; j++) {
    float x = start_value(e, c->layer, 0, c->dir * c->u + j), cell = 0;
    if (c->layer->kind == LAYER_LSTM) cell = start_value(e, c->layer, 1, c->dir * c->u + j);
    c->hf[j] = (double)x;
    c->cf[j] = (double)cell;
    if (c->ql->precision == PRECISION_W8) continue;
    c->h[j] = oracle_operand((double)x, &none, &h);
    if (c->layer->kind == LAYER_LSTM)
      c->s[j] = oracle_round((float)ldexp((double)cell, c->ql->cell_fraction), -2147483520.0,
                             2147483520.0);
    if (c->layer->kind != LAYER_GRU) continue;
    c->s[j] = oracle_round((float)ldexp((double)x, c->ql->state_fraction + 15), -1073741824.0,
                           1073741760.0);
    c->h[j] = oracle_limit((c->s[j] + 16384) >> 15, -32768, 32767);
  }
}

static OracleCell cell_new(Eval *e, const Layer *layer, const QuantLayer *ql, int dir) {
  OracleCell c = {.layer = layer,
                  .ql = ql,
                  .dir = dir,
                  .gates = layer->kind == LAYER_GRU    ? 3
                           : layer->kind == LAYER_LSTM ? 4
                                                       : 1};
  c.d = ql->part[dir][QUANT_INPUT].depth;
  c.u = ql->part[dir][QUANT_STATE].depth;
  c.act = c.out = layer_activation(layer, OPT_activation);
  if (layer->kind != LAYER_RNN) c.gate = layer_activation(layer, OPT_gate);
  if (layer->kind == LAYER_LSTM && layer_has(layer, OPT_cell_activation))
    c.out = layer_activation(layer, OPT_cell_activation);
  int64_t **array[] = {&c.x, &c.hq, &c.rh, &c.h, &c.s, &c.next};
  for (int i = 0; i < 6; i++)
    *array[i] = ARENA_ARRAY(e->arena, int64_t, c.d + c.u);
  c.hf = ARENA_ARRAY(e->arena, double, c.u);
  c.cf = ARENA_ARRAY(e->arena, double, c.u);
  c.nf = ARENA_ARRAY(e->arena, double, c.u);
  start(e, &c);
  return c;
}

static void oracle_step(Eval *e, OracleCell *c, const double *x) {
  QuantFormat from = oracle_format(e, c->layer->in[0]);
  for (int64_t k = 0; k < c->d; k++)
    c->x[k] = oracle_operand(x[k], &from, &c->ql->part[c->dir][QUANT_INPUT].x);
  for (int64_t j = 0; j < c->u; j++)
    c->hq[j] = operand_of(c, c->h[j]);
  if (c->layer->kind == LAYER_GRU)
    gru_step(e, c);
  else if (c->layer->kind == LAYER_LSTM)
    lstm_step(e, c);
  else
    rnn_step(e, c);
  for (int64_t j = 0; j < c->u; j++)
    c->h[j] = c->next[j];
}

/* The final state of a unit in f32: h, which a GRU has in its wide state, or c. */
static double field(const OracleCell *c, int state, int64_t j) {
  if (c->ql->precision == PRECISION_W8) return state ? c->cf[j] : c->hf[j];
  if (state) return ldexp((double)(float)c->s[j], -c->ql->cell_fraction);
  if (c->layer->kind == LAYER_GRU)
    return ldexp((double)(float)c->s[j], -c->ql->state_fraction - 15);
  return ldexp((double)c->h[j], -c->ql->state_fraction);
}

void oracle_recurrent(Eval *e, const Layer *layer, const QuantLayer *ql) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  EvalTensor *y = eval_out(e, layer->out[0], x->steps), *final[2] = {NULL, NULL};
  QuantFormat out = oracle_format(e, layer->out[0]);
  for (int k = 0; k < 2 && layer->out[1 + k]; k++)
    final[k] = eval_out(e, layer->out[1 + k], 1);
  for (int dir = 0; dir < ql->directions; dir++) {
    OracleCell c = cell_new(e, layer, ql, dir);
    bool backward = dir == 1 || layer_word_is(layer, OPT_direction, "backward");
    for (int64_t s = 0; s < x->steps; s++) {
      int64_t t = backward ? x->steps - 1 - s : s;
      if (ql->precision == PRECISION_W8)
        w8_step(e, &c, x->data + t * c.d);
      else
        oracle_step(e, &c, x->data + t * c.d);
      for (int64_t j = 0; j < c.u; j++) {
        double *to = &y->data[(t * ql->directions + dir) * c.u + j];
        *to = ql->precision == PRECISION_W8 ? c.hf[j]
              : out.bits                    ? (double)c.h[j]
                                            : ldexp((double)c.h[j], -ql->state_fraction);
      }
    }
    for (int k = 0; k < 2; k++)
      for (int64_t j = 0; j < c.u && final[k]; j++)
        final[k]->data[dir * c.u + j] = field(&c, k, j);
  }
}
