/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* GRU, LSTM and RNN in integers: places, initial states, the step, and the fields in f32. The
 * formulas are in model/quant/quant.h. h is kept in 16 bits, as it is multiplied; beside it the
 * wide state in 32: c of an LSTM, h of a GRU with 15 more fraction bits. */
#include "lower/int.h"

#include <math.h>

typedef struct IntCell {
  const Layer *layer;
  const QuantLayer *q;
  CellPlace *place;
  int dir, gates;
  int64_t units;
  IntVector x, h;      /* operands */
  KirBuffer *rh, *z;   /* reset before: r h as an operand, z of all units */
  KirBuffer *peephole; /* [unit][i f o] */
} IntCell;

static int64_t units_of(const Layer *layer) {
  return layer_size(layer, OPT_units, 1);
}

static bool streams(const Lower *l, const Layer *layer) {
  return l->streaming && type_is_stream(&layer->in[0]->type);
}

static bool resets_before(const Layer *layer) {
  return layer->kind == LAYER_GRU && layer_word_is(layer, OPT_reset, "before");
}

/* What the wide state of a GRU can hold: between -1 and 1 in its format, and one unit below. */
enum { WIDE_LEAST = -(1 << 30) - 1, WIDE_MOST = (1 << 30) - 1 };

/* ---- places ---- */

void int_cell_place(Lower *l, const Layer *layer) {
  int dirs = layer_directions(layer);
  int64_t units = units_of(layer), step = int_step(l), width = (units + step - 1) / step * step;
  KirBuffer *(*new)(Lower *, const Layer *, const char *, KirElem, int64_t) =
      streams(l, layer) ? new_state : new_kept;
  KirBuffer *h = new (l, layer, "h", KIR_I16, dirs * width), *wide = NULL;
  if (layer->kind != LAYER_RNN)
    wide = new (l, layer, layer->kind == LAYER_LSTM ? "c" : "s", KIR_I32, dirs * width);
  if (layer->kind == LAYER_GRU) {
    wide->lo = WIDE_LEAST;
    wide->hi = WIDE_MOST;
    wide->doc = "h with 15 more fraction bits";
  }
  KirBuffer *next = new_kept(l, layer, "next", KIR_I16, width);
  for (int d = 0; d < dirs; d++)
    l->cell[layer->id * 2 + d] = (CellPlace){
        .h = h, .c = wide, .next = next, .h_at = d * width, .c_at = d * width, .width = width};
}

/* ---- initial states ---- */

static const Value *init_value(const Layer *layer, int state) {
  const OptVal *init = layer_opt(layer, OPT_init);
  if (init->states_of) return init->states_of->out[1 + state];
  return state < init->n_values ? init->values[state] : NULL;
}

/* A initial state in f32: a value's, or learned; NULL: zeros. */
static KirBuffer *start_state(Lower *l, const Layer *layer, int state, int dir, KirIndex *at,
                              int64_t *stride) {
  int64_t units = units_of(layer);
  const Value *from = init_value(layer, state);
  Role role = state ? ROLE_INITIAL_C : ROLE_INITIAL_H;
  const float *learned = layer->weights->role[role];
  if (from) {
    const View *view = view_of(l, from);
    *stride = view->stride[0];
    *at = kir_at_offset(view_row(view, NULL, 0), dir * units * view->stride[0]);
    return view->buffer;
  }
  *stride = 1;
  *at = kir_at(0);
  if (!learned) return NULL;
  const char *part = arena_printf(l->arena, "%s0%s", state ? "c" : "h", dir ? "_backward" : "");
  return new_weights(l, layer, part, learned + dir * units, units, "learned initial state");
}

/* x * 2^fraction within 32 bits, by the largest floats that are below. */
static KirExpr *wide_of(Lower *l, KirExpr *x, int fraction, bool is_cell) {
  Kb *kb = &l->kb;
  int64_t lo = is_cell ? -2147483520 : -1073741824, hi = is_cell ? 2147483520 : 1073741760;
  return kb_round(kb, kb_op2(kb, KIR_MUL, x, kb_num(kb, (float)ldexp(1, fraction), 1)), lo, hi);
}

static void load_state(Lower *l, const Layer *layer, const QuantLayer *q, int state, int dir) {
  Kb *kb = &l->kb;
  const CellPlace *p = &l->cell[layer->id * 2 + dir];
  bool gru = layer->kind == LAYER_GRU;
  KirBuffer *to = state ? p->c : p->h;
  if (state && layer->kind != LAYER_LSTM) return;
  KirIndex at = at_batch(l, to, state ? p->c_at : p->h_at),
           wide = gru ? at_batch(l, p->c, p->c_at) : at, from_at;
  int64_t stride;
  KirBuffer *from = start_state(l, layer, state, dir, &from_at, &stride);
  if (!from || p->width > units_of(layer)) {
    if (to->space == KIR_SCRATCH) kb_zero(kb, to, at, p->width);
    if (gru && p->c->space == KIR_SCRATCH) kb_zero(kb, p->c, wide, p->width);
  }
  if (!from) return;
  KirReg *j = kb_for(kb, "j", 0, units_of(layer), 1);
  KirExpr *x = kb_load(kb, from, kir_at_plus(from_at, stride, j), 1);
  if (gru) {
    KirReg *s = kb_let(kb, "s", wide_of(l, x, q->state_fraction + 15, false));
    kb_store(kb, p->c, kir_at_plus(wide, 1, j), kb_use(kb, s));
    KirExpr *h = int_down(l, int_add(l, kb_use(kb, s), int_num(l, 16384)), 15);
    kb_store(kb, p->h, kir_at_plus(at, 1, j), int_limit(l, h, INT16_MIN, INT16_MAX));
  } else if (state)
    kb_store(kb, to, kir_at_plus(at, 1, j), wide_of(l, x, q->cell_fraction, true));
  else
    kb_store(kb, to, kir_at_plus(at, 1, j), int_from_float(l, x, &q->out));
  kb_end(kb);
}

void int_cell_start(Lower *l, const Layer *layer, int dir) {
  const QuantLayer *q = int_layer(l, layer);
  load_state(l, layer, q, 0, dir);
  load_state(l, layer, q, 1, dir);
}

/* ---- the step ---- */

static const char *const gru_names[] = {"z", "r", "n"}, *const lstm_names[] = {"i", "f", "g", "o"},
                         *const rnn_names[] = {"n"};
static const char *const gru_h_names[] = {"z_h", "r_h", "n_h"},
                         *const lstm_h_names[] = {"i_h", "f_h", "g_h", "o_h"},
                         *const rnn_h_names[] = {"n_h"};

static const char *const *names_of(const Layer *layer, bool of_h) {
  if (layer->kind == LAYER_GRU) return of_h ? gru_h_names : gru_names;
  if (layer->kind == LAYER_LSTM) return of_h ? lstm_h_names : lstm_names;
  return of_h ? rnn_h_names : rnn_names;
}

static KirExpr *clipped(Lower *l, const IntCell *c, KirExpr *p) {
  double clip = layer_number(c->layer, OPT_clip, 0);
  int64_t most = int_constant(clip, c->q->fraction);
  return clip > 0 ? int_limit(l, p, -most, most) : p;
}

static KirExpr *gate(Lower *l, const IntCell *c, KirExpr *p) {
  return int_activation(l, layer_activation(c->layer, OPT_gate), clipped(l, c, p), c->q->fraction);
}

/* The gate of ~p: 1 less what it would be. */
static KirExpr *other_gate(Lower *l, const IntCell *c, KirExpr *p) {
  KirExpr *mirrored = int_sub(l, int_num(l, -1), clipped(l, c, p));
  return int_activation(l, layer_activation(c->layer, OPT_gate), mirrored, c->q->fraction);
}

static KirIndex unit_at(const Lower *l, KirBuffer *b, int64_t offset, KirReg *j) {
  return kir_at_plus(at_batch(l, b, offset), 1, j);
}

static void store_next(Lower *l, const IntCell *c, KirReg *j, KirExpr *h) {
  kb_store(&l->kb, c->place->next, unit_at(l, c->place->next, 0, j), h);
}

/* p + (mulw(c, P) >> shift), held at the ends of 32 bits */
static KirExpr *with_peephole(Lower *l, const IntCell *c, KirExpr *p, int which, KirReg *j,
                              KirReg *cell) {
  Kb *kb = &l->kb;
  if (!c->peephole) return p;
  KirExpr *m = kb_load(kb, c->peephole, kir_at_plus(kir_at(which), 3, j), 1);
  KirExpr *term = int_down(l, int_mulw(l, kb_use(kb, cell), m), c->q->peephole_shift);
  return kb_op2(kb, KIR_ADDS, p, term);
}

static void lstm_unit(Lower *l, const IntCell *c, KirReg *j, KirExpr **p) {
  Kb *kb = &l->kb;
  int fc = c->q->cell_fraction, fraction = c->q->fraction;
  Activation act = layer_activation(c->layer, OPT_activation);
  Activation out = layer_has(c->layer, OPT_cell_activation)
                       ? layer_activation(c->layer, OPT_cell_activation)
                       : act;
  KirIndex c_at = unit_at(l, c->place->c, c->place->c_at, j);
  KirReg *before = kb_let(kb, "c", kb_load(kb, c->place->c, c_at, 1));
  KirReg *i = kb_let(kb, "gi", gate(l, c, with_peephole(l, c, p[0], 0, j, before)));
  KirReg *n = kb_let(kb, "gn", other_gate(l, c, with_peephole(l, c, p[1], 1, j, before)));
  KirReg *g = kb_let(kb, "gg", int_activation(l, act, clipped(l, c, p[2]), fraction));
  KirExpr *fresh = int_down(l, int_mul(l, kb_use(kb, i), kb_use(kb, g)), 30 - fc);
  KirExpr *sum =
      kb_op2(kb, KIR_ADDS, kb_op2(kb, KIR_FADE, kb_use(kb, before), kb_use(kb, n)), fresh);
  double limit = layer_number(c->layer, OPT_cell_clip, 0);
  if (limit > 0) sum = int_limit(l, sum, -int_constant(limit, fc), int_constant(limit, fc));
  KirReg *cell = kb_let(kb, "cell", sum);
  kb_store(kb, c->place->c, c_at, kb_use(kb, cell));
  KirReg *o = kb_let(kb, "go", gate(l, c, with_peephole(l, c, p[3], 2, j, cell)));
  KirExpr *h = int_mul(l, kb_use(kb, o), int_activation(l, out, kb_use(kb, cell), fc));
  store_next(l, c, j, int_down(l, int_add(l, h, int_num(l, 16384)), 15));
}

/* n in the format of the wide state. */
static KirExpr *candidate(Lower *l, const IntCell *c, KirExpr *p) {
  Activation act = layer_activation(c->layer, OPT_activation);
  int64_t most = (int64_t)INT16_MAX << 15;
  p = clipped(l, c, p);
  if (act == ACT_RELU || act == ACT_LINEAR)
    return int_to_fraction(l, p, c->q->fraction, c->q->state_fraction + 15,
                           act == ACT_RELU ? 0 : -most, most);
  return int_up(l, int_activation(l, act, p, c->q->fraction), 15);
}

static void gru_mix(Lower *l, const IntCell *c, KirReg *j, KirExpr *u, KirExpr *p) {
  Kb *kb = &l->kb;
  KirIndex s_at = unit_at(l, c->place->c, c->place->c_at, j);
  KirExpr *n = candidate(l, c, p);
  KirReg *s = kb_let(kb, "wide", kb_op3(kb, KIR_MIX, kb_load(kb, c->place->c, s_at, 1), n, u));
  kb_store(kb, c->place->c, s_at, kb_use(kb, s));
  KirExpr *h = int_down(l, int_add(l, kb_use(kb, s), int_num(l, 16384)), 15);
  store_next(l, c, j, int_limit(l, h, INT16_MIN, INT16_MAX));
}

static void rnn_unit(Lower *l, const IntCell *c, KirReg *j, KirExpr *p) {
  Activation act = layer_activation(c->layer, OPT_activation);
  bool unbounded = act == ACT_RELU || act == ACT_LINEAR;
  p = clipped(l, c, p);
  store_next(l, c, j,
             unbounded ? int_to_fraction(l, p, c->q->fraction, c->q->state_fraction,
                                         act == ACT_RELU ? 0 : -INT16_MAX, INT16_MAX)
                       : int_activation(l, act, p, c->q->fraction));
}

/* Weights of `gates` gates from the first one on; of W and of U. */
static void pack_parts(Lower *l, const IntCell *c, int first, int gates, const char *suffix,
                       IntPart part[QUANT_PARTS]) {
  IntRows rows = {.first = first * c->units,
                  .blocks = c->units,
                  .block_stride = 1,
                  .group_stride = c->units,
                  .group = gates};
  const char *back = c->dir ? "_backward" : "";
  for (int k = 0; k < QUANT_PARTS; k++)
    part[k] = int_pack(l, c->layer, &c->q->part[c->dir][k], &rows,
                       arena_printf(l->arena, "%s%s%s", k ? "U" : "W", suffix, back));
}

/* Preactivations of unit j: px of W x + b, ph of U h + b. */
static void unit_sums(Lower *l, const IntCell *c, const IntPart part[QUANT_PARTS],
                      const IntVector *h, KirReg *j, int first, int gates, KirExpr **px,
                      KirExpr **ph) {
  static const int64_t one = 1;
  KirReg *sums[MAT_MAX_ACC], *more[MAT_MAX_ACC];
  int_sums(l, &part[QUANT_INPUT], &c->x, &j, &one, 1, names_of(c->layer, false) + first, sums);
  int_sums(l, &part[QUANT_STATE], h, &j, &one, 1, names_of(c->layer, true) + first, more);
  for (int g = 0; g < gates; g++) {
    px[g] = int_preactivation(l, &part[QUANT_INPUT], sums[g], g, &j, &one, 1);
    ph[g] = int_preactivation(l, &part[QUANT_STATE], more[g], g, &j, &one, 1);
  }
}

/* The range of all of n expressions. */
static void range_of_all(KirExpr *const *p, int n, int64_t *lo, int64_t *hi) {
  *lo = INT32_MAX;
  *hi = INT32_MIN;
  for (int i = 0; i < n; i++) {
    int64_t least, most;
    kir_expr_range(p[i], &least, &most);
    if (least < *lo) *lo = least;
    if (most > *hi) *hi = most;
  }
}

/* Where n expressions of all units are kept: together, if their sums fit 32 bits whichever they
 * are; else each with its own range. */
static void new_kept_units(Lower *l, const IntCell *c, KirExpr *const *p, int n, KirBuffer **kept,
                           int64_t *at) {
  enum { SMALL = 1 << 29 };
  int64_t lo, hi;
  range_of_all(p, n, &lo, &hi);
  bool together = lo >= -SMALL && hi < SMALL;
  for (int i = 0; i < n; i++) {
    at[i] = together ? i * c->units : 0;
    if (together && i > 0) {
      kept[i] = kept[0];
      continue;
    }
    kept[i] = new_kept(l, c->layer, "p", KIR_I32, (together ? n : 1) * c->units);
    range_of_all(p + i, together ? n : 1, &kept[i]->lo, &kept[i]->hi);
  }
}

/* Ends the loop over units j and begins it again, with the n expressions of a unit taken from
 * memory: what is left is the same arithmetic for each unit, which compilers make into vectors. */
static KirReg *second_loop(Lower *l, const IntCell *c, KirReg *j, KirExpr **p, int n) {
  Kb *kb = &l->kb;
  if (l->target->lanes == 1) return j;
  KirBuffer *kept[MAT_MAX_ACC];
  int64_t at[MAT_MAX_ACC];
  new_kept_units(l, c, p, n, kept, at);
  for (int i = 0; i < n; i++)
    kb_store(kb, kept[i], unit_at(l, kept[i], at[i], j), p[i]);
  kb_end(kb);
  j = kb_for(kb, "j", 0, c->units, 1);
  for (int i = 0; i < n; i++)
    p[i] = kb_load(kb, kept[i], unit_at(l, kept[i], at[i], j), 1);
  return j;
}

static void gru_before(Lower *l, IntCell *c) {
  Kb *kb = &l->kb;
  IntPart gates[QUANT_PARTS], last[QUANT_PARTS];
  KirExpr *px[MAT_MAX_ACC], *ph[MAT_MAX_ACC];
  QuantFormat operand = c->q->part[c->dir][QUANT_STATE].x, h16 = c->q->out;
  pack_parts(l, c, 0, 2, "_zr", gates);
  pack_parts(l, c, 2, 1, "_n", last);
  int_offset(l, &gates[QUANT_INPUT], &c->x);
  int_offset(l, &last[QUANT_INPUT], &c->x);
  int_offset(l, &gates[QUANT_STATE], &c->h);
  c->z = new_kept(l, c->layer, "z", KIR_I16, c->units);
  c->z->lo = 0;
  c->z->hi = INT16_MAX;
  c->rh = new_kept(l, c->layer, "rh", int_elem(&operand), last[QUANT_STATE].depth);
  KirReg *j = kb_for(kb, "j", 0, c->units, 1);
  unit_sums(l, c, gates, &c->h, j, 0, 2, px, ph);
  KirReg *r = kb_let(kb, "gr", gate(l, c, int_add(l, px[1], ph[1])));
  kb_store(kb, c->z, unit_at(l, c->z, 0, j), other_gate(l, c, int_add(l, px[0], ph[0])));
  KirExpr *h = kb_load(kb, c->place->h, unit_at(l, c->place->h, c->place->h_at, j), 1);
  KirExpr *product = int_down(l, int_add(l, int_mul(l, kb_use(kb, r), h), int_num(l, 16384)), 15);
  kb_store(kb, c->rh, unit_at(l, c->rh, 0, j), int_operand(l, product, &h16, &operand));
  kb_end(kb);
  if (last[QUANT_STATE].depth > c->units)
    kb_zero(kb, c->rh, at_batch(l, c->rh, c->units), last[QUANT_STATE].depth - c->units);
  IntVector rh = {.buffer = c->rh, .at = at_batch(l, c->rh, 0)};
  int_offset(l, &last[QUANT_STATE], &rh);
  j = kb_for(kb, "j", 0, c->units, 1);
  unit_sums(l, c, last, &rh, j, 2, 1, px, ph);
  gru_mix(l, c, j, kb_load(kb, c->z, unit_at(l, c->z, 0, j), 1), int_add(l, px[0], ph[0]));
  kb_end(kb);
}

static void other_cells(Lower *l, IntCell *c) {
  Kb *kb = &l->kb;
  IntPart part[QUANT_PARTS];
  KirExpr *px[MAT_MAX_ACC], *ph[MAT_MAX_ACC], *p[MAT_MAX_ACC];
  pack_parts(l, c, 0, c->gates, "", part);
  int_offset(l, &part[QUANT_INPUT], &c->x);
  int_offset(l, &part[QUANT_STATE], &c->h);
  KirReg *j = kb_for(kb, "j", 0, c->units, 1);
  unit_sums(l, c, part, &c->h, j, 0, c->gates, px, ph);
  for (int g = 0; g < c->gates; g++)
    p[g] = int_add(l, px[g], ph[g]);
  if (c->layer->kind == LAYER_GRU) {
    p[2] = px[2];
    p[3] = ph[2];
    j = second_loop(l, c, j, p, 4);
    KirReg *r = kb_let(kb, "gr", gate(l, c, p[1]));
    KirReg *u = kb_let(kb, "gu", other_gate(l, c, p[0]));
    KirExpr *m = int_up(l, int_mulw(l, p[3], kb_use(kb, r)), 1);
    gru_mix(l, c, j, kb_use(kb, u), int_add(l, p[2], m));
  } else {
    j = second_loop(l, c, j, p, c->gates);
    if (c->layer->kind == LAYER_LSTM)
      lstm_unit(l, c, j, p);
    else
      rnn_unit(l, c, j, p[0]);
  }
  kb_end(kb);
}

static KirBuffer *pack_peephole(Lower *l, const IntCell *c) {
  const int16_t *from = c->q->peephole[c->dir];
  if (!from) return NULL;
  int16_t *to = ARENA_ARRAY(l->arena, int16_t, 3 * c->units);
  for (int64_t i = 0; i < 3 * c->units; i++)
    to[i % c->units * 3 + i / c->units] = from[i];
  return new_constants(l, c->layer, c->dir ? "P_backward" : "P", KIR_I16, to, 3 * c->units,
                       "peepholes i f o");
}

/* The new h takes its place, and goes to the layer's result. */
static void deliver(Lower *l, const IntCell *c, KirReg *t) {
  const CellPlace *p = c->place;
  QuantFormat out = int_format(l, c->layer->out[0]), own = c->q->out;
  KirIndex next = at_batch(l, p->next, 0);
  kb_copy(&l->kb, p->h, at_batch(l, p->h, p->h_at), p->next, next, c->units);
  const View *y = view_of(l, c->layer->out[0]);
  if (y->buffer == p->h) return;
  KirIndex to = kir_at_offset(view_row(y, t, 0), c->dir * c->units * y->stride[0]);
  if (out.bits) {
    int_convert(l, y->buffer, to, y->stride[0], p->next, next, 1, c->units, &own, &out);
    return;
  }
  KirReg *j = kb_for(&l->kb, "j", 0, c->units, 1);
  KirExpr *h = int_to_float(l, kb_load(&l->kb, p->next, kir_at_plus(next, 1, j), 1), own.scale);
  kb_store(&l->kb, y->buffer, kir_at_plus(to, y->stride[0], j), h);
  kb_end(&l->kb);
}

void int_cell_step(Lower *l, const Layer *layer, int dir, KirReg *t) {
  const QuantLayer *q = int_layer(l, layer);
  CellPlace *place = &l->cell[layer->id * 2 + dir];
  IntCell c = {.layer = layer, .q = q, .place = place, .dir = dir, .units = units_of(layer)};
  c.gates = layer->kind == LAYER_GRU ? 3 : layer->kind == LAYER_LSTM ? 4 : 1;
  const View *x = view_of(l, layer->in[0]);
  QuantFormat in = int_format(l, layer->in[0]), own = q->out;
  int64_t d = q->part[dir][QUANT_INPUT].depth;
  layer_cost(l, layer)->macs +=
      c.gates * c.units * (d + c.units) * domain_of(l, &layer->in[0]->type).n;
  c.x = int_vector(l, layer, "x", x->buffer, view_row(x, t, 0), x->stride[x->rank - 1], d, &in,
                   &q->part[dir][QUANT_INPUT].x);
  if (q->part[dir][QUANT_STATE].x.bits == 16) /* padded to whole steps */
    c.h = (IntVector){.buffer = place->h, .at = at_batch(l, place->h, place->h_at)};
  else
    c.h = int_vector(l, layer, "hq", place->h, at_batch(l, place->h, place->h_at), 1, c.units, &own,
                     &q->part[dir][QUANT_STATE].x);
  c.peephole = pack_peephole(l, &c);
  if (resets_before(layer))
    gru_before(l, &c);
  else
    other_cells(l, &c);
  deliver(l, &c, t);
}

/* Fields are f32: a GRU's h from its wide state. */
void int_cell_fields(Lower *l, const Layer *layer) {
  Kb *kb = &l->kb;
  const QuantLayer *q = int_layer(l, layer);
  int64_t units = units_of(layer);
  for (int k = 1; k < LAYER_MAX_RESULTS && layer->out[k]; k++) {
    if (layer->out[k]->n_uses == 0) continue;
    const View *y = view_of(l, layer->out[k]);
    bool wide = k == 2 || layer->kind == LAYER_GRU;
    int fraction = k == 2                     ? q->cell_fraction
                   : layer->kind == LAYER_GRU ? q->state_fraction + 15
                                              : q->state_fraction;
    for (int dir = 0; dir < q->directions; dir++) {
      const CellPlace *p = &l->cell[layer->id * 2 + dir];
      KirBuffer *from = wide ? p->c : p->h;
      KirIndex at = at_batch(l, from, wide ? p->c_at : p->h_at);
      KirIndex to = kir_at_offset(view_row(y, NULL, 0), dir * units * y->stride[0]);
      KirReg *j = kb_for(kb, "j", 0, units, 1);
      KirExpr *value =
          int_to_float(l, kb_load(kb, from, kir_at_plus(at, 1, j), 1), ldexp(1, -fraction));
      kb_store(kb, y->buffer, kir_at_plus(to, y->stride[0], j), value);
      kb_end(kb);
    }
  }
}
