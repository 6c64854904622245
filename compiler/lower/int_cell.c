/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* GRU, LSTM and RNN in integers: places, the step, and the fields in f32. The formulas are in
 * model/quant/quant.h. h is kept in 16 bits, as it is multiplied; beside it the wide state in 32: c
 * of an LSTM, h of a GRU with 15 more fraction bits. */
#include "lower/int_cell.h"

#include <math.h>

/* The range of the wide state of a GRU: -1 to 1 in its format, and one unit below. */
enum { WIDE_LEAST = -(1 << 30) - 1, WIDE_MOST = (1 << 30) - 1 };

/* ---- places ---- */

void int_cell_place(Emit *e, const Layer *layer) {
  Lower *l = e->l;
  int dirs = layer_directions(layer);
  QuantFormat wide_h = {.bits = 16};
  int64_t units = layer_units(layer), step = int_step(e, &wide_h);
  int64_t width = size_whole(units, step);
  KirBuffer *(*new_buffer)(Emit *, const Layer *, const char *, KirElem, int64_t) =
      lower_streams(l, layer) ? new_state : new_kept;
  KirBuffer *h = new_buffer(e, layer, "h", KIR_I16, dirs * width), *wide = NULL;
  if (layer->kind != LAYER_RNN)
    wide = new_buffer(e, layer, layer->kind == LAYER_LSTM ? "c" : "s", KIR_I32, dirs * width);
  if (layer->kind == LAYER_GRU) {
    wide->lo = WIDE_LEAST;
    wide->hi = WIDE_MOST;
    wide->doc = "h with 15 more fraction bits";
  }
  KirBuffer *next = new_kept(e, layer, "next", KIR_I16, width);
  for (int d = 0; d < dirs; d++)
    *cell_of(l, layer, (int)d) = (CellPlace){
        .h = h, .c = wide, .next = next, .h_at = d * width, .c_at = d * width, .width = width};
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

KirExpr *int_cell_clipped(Emit *e, const IntCell *c, KirExpr *p) {
  double clip = layer_number(c->layer, OPT_clip, 0);
  int64_t most = int_constant(clip, c->q->fraction);
  return clip > 0 ? int_limit(e, p, -most, most) : p;
}

static KirExpr *gate(Emit *e, const IntCell *c, KirExpr *p) {
  return int_activation(e, layer_activation(c->layer, OPT_gate), int_cell_clipped(e, c, p),
                        c->q->fraction);
}

KirExpr *int_cell_mirrored(Emit *e, const IntCell *c, KirExpr *p) {
  return int_sub(e, int_num(e, -1), int_cell_clipped(e, c, p));
}

/* The gate of ~p, which is 1 - the gate of p. */
static KirExpr *other_gate(Emit *e, const IntCell *c, KirExpr *p) {
  return int_activation(e, layer_activation(c->layer, OPT_gate), int_cell_mirrored(e, c, p),
                        c->q->fraction);
}

KirIndex int_cell_unit(const Emit *e, KirBuffer *b, int64_t offset, KirReg *j) {
  return kir_at_plus(at_batch(e, b, offset), 1, j);
}

void int_cell_next(Emit *e, const IntCell *c, KirReg *j, KirExpr *h) {
  kb_store(&e->kb, c->place->next, int_cell_unit(e, c->place->next, 0, j), h);
}

KirExpr *int_cell_peephole(Emit *e, const IntCell *c, KirExpr *p, int which, KirReg *j,
                           KirReg *cell) {
  Kb *kb = &e->kb;
  if (!c->peephole) return p;
  KirExpr *m = kb_load(kb, c->peephole, kir_at_plus(kir_at(which), 3, j), 1);
  KirExpr *term = int_down(e, int_mulw(e, kb_use(kb, cell), m), c->q->peephole_shift);
  return kb_op2(kb, KIR_ADDS, p, term);
}

Activation int_cell_output(const Layer *layer) {
  bool own = layer_has(layer, OPT_cell_activation);
  return layer_activation(layer, own ? OPT_cell_activation : OPT_activation);
}

KirReg *int_cell_state(Emit *e, const IntCell *c, KirReg *j, KirReg *before, KirReg *i, KirReg *n,
                       KirReg *g) {
  Kb *kb = &e->kb;
  int fc = c->q->cell_fraction;
  KirExpr *fresh = int_down(e, int_mul(e, kb_use(kb, i), kb_use(kb, g)), 2 * Q15 - fc);
  KirExpr *sum =
      kb_op2(kb, KIR_ADDS, kb_op2(kb, KIR_FADE, kb_use(kb, before), kb_use(kb, n)), fresh);
  double limit = layer_number(c->layer, OPT_cell_clip, 0);
  if (limit > 0) sum = int_limit(e, sum, -int_constant(limit, fc), int_constant(limit, fc));
  KirReg *cell = kb_let(kb, "cell", sum);
  kb_store(kb, c->place->c, int_cell_unit(e, c->place->c, c->place->c_at, j), kb_use(kb, cell));
  return cell;
}

void int_cell_lstm_h(Emit *e, const IntCell *c, KirReg *j, KirExpr *o, KirExpr *squashed) {
  KirExpr *h = int_mul(e, o, squashed);
  int_cell_next(e, c, j, int_down_q15(e, h));
}

static void lstm_unit(Emit *e, const IntCell *c, KirReg *j, KirExpr **p) {
  Kb *kb = &e->kb;
  int fraction = c->q->fraction;
  Activation act = layer_activation(c->layer, OPT_activation);
  KirIndex c_at = int_cell_unit(e, c->place->c, c->place->c_at, j);
  KirReg *before = kb_let(kb, "c", kb_load(kb, c->place->c, c_at, 1));
  KirReg *i = kb_let(kb, "gi", gate(e, c, int_cell_peephole(e, c, p[0], 0, j, before)));
  KirReg *n = kb_let(kb, "gn", other_gate(e, c, int_cell_peephole(e, c, p[1], 1, j, before)));
  KirReg *g = kb_let(kb, "gg", int_activation(e, act, int_cell_clipped(e, c, p[2]), fraction));
  KirReg *cell = int_cell_state(e, c, j, before, i, n, g);
  KirReg *o = kb_let(kb, "go", gate(e, c, int_cell_peephole(e, c, p[3], 2, j, cell)));
  KirExpr *squashed =
      int_activation(e, int_cell_output(c->layer), kb_use(kb, cell), c->q->cell_fraction);
  int_cell_lstm_h(e, c, j, kb_use(kb, o), squashed);
}

/* n with the fraction bits of the wide state, 15 more than those of h. */
static KirExpr *candidate(Emit *e, const IntCell *c, KirExpr *p) {
  Activation act = layer_activation(c->layer, OPT_activation);
  int64_t most = (int64_t)INT16_MAX << Q15;
  p = int_cell_clipped(e, c, p);
  if (act == ACT_RELU || act == ACT_LINEAR)
    return int_to_fraction(e, p, c->q->fraction, c->q->state_fraction + Q15,
                           act == ACT_RELU ? 0 : -most, most);
  return int_up(e, int_activation(e, act, p, c->q->fraction), c->q->state_fraction);
}

void int_cell_mix(Emit *e, const IntCell *c, KirReg *j, KirExpr *u, KirExpr *n) {
  Kb *kb = &e->kb;
  KirIndex s_at = int_cell_unit(e, c->place->c, c->place->c_at, j);
  KirReg *s = kb_let(kb, "wide", kb_op3(kb, KIR_MIX, kb_load(kb, c->place->c, s_at, 1), n, u));
  kb_store(kb, c->place->c, s_at, kb_use(kb, s));
  KirExpr *h = int_down_q15(e, kb_use(kb, s));
  int_cell_next(e, c, j, int_limit(e, h, INT16_MIN, INT16_MAX));
}

static void rnn_unit(Emit *e, const IntCell *c, KirReg *j, KirExpr *p) {
  Activation act = layer_activation(c->layer, OPT_activation);
  bool unbounded = act == ACT_RELU || act == ACT_LINEAR;
  p = int_cell_clipped(e, c, p);
  int_cell_next(e, c, j,
                unbounded ? int_to_fraction(e, p, c->q->fraction, c->q->state_fraction,
                                            act == ACT_RELU ? 0 : -INT16_MAX, INT16_MAX)
                          : int_activation(e, act, p, c->q->fraction));
}

/* Weights of `gates` gates from the first one on; of W and of U. */
static void pack_parts(Emit *e, const IntCell *c, int first, int gates, const char *suffix,
                       IntPart part[QUANT_PARTS]) {
  IntRows rows = {.first = first * c->units,
                  .blocks = c->units,
                  .block_stride = 1,
                  .group_stride = c->units,
                  .group = gates};
  const char *back = c->dir ? "_backward" : "";
  for (int k = 0; k < QUANT_PARTS; k++)
    part[k] = int_pack(e, c->layer, &c->q->part[c->dir][k], &rows,
                       arena_printf(e->l->arena, "%s%s%s", k ? "U" : "W", suffix, back));
}

/* Preactivations of unit j: px of W x + b, ph of U h + b. */
static void unit_sums(Emit *e, const IntCell *c, const IntPart part[QUANT_PARTS],
                      const IntVector *h, KirReg *j, int first, int gates, KirExpr **px,
                      KirExpr **ph) {
  static const int64_t one = 1;
  KirReg *sums[MAT_MAX_ACC], *more[MAT_MAX_ACC];
  int_sums(e, &part[QUANT_INPUT], &c->x, &j, &one, 1, names_of(c->layer, false) + first, sums);
  int_sums(e, &part[QUANT_STATE], h, &j, &one, 1, names_of(c->layer, true) + first, more);
  for (int g = 0; g < gates; g++) {
    px[g] = int_preactivation(e, &part[QUANT_INPUT], sums[g], g, &j, &one, 1);
    ph[g] = int_preactivation(e, &part[QUANT_STATE], more[g], g, &j, &one, 1);
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
  if (*lo == *hi) ++*hi; /* for a buffer, equal ends mean that the range is not known */
}

/* Where n expressions of all units are kept: together, if their sums fit 32 bits whichever they
 * are; else each with its own range. */
static void new_kept_units(Emit *e, const IntCell *c, KirExpr *const *p, int n, KirBuffer **kept,
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
    kept[i] = new_kept(e, c->layer, "p", KIR_I32, (together ? n : 1) * c->units);
    range_of_all(p + i, together ? n : 1, &kept[i]->lo, &kept[i]->hi);
  }
}

/* Ends the loop over units j and begins it again, with the n expressions of a unit taken from
 * memory: what is left is the same arithmetic for each unit, which compilers make into vectors. */
static KirReg *second_loop(Emit *e, const IntCell *c, KirReg *j, KirExpr **p, int n) {
  Kb *kb = &e->kb;
  if (e->l->target->lanes == 1) return j;
  KirBuffer *kept[MAT_MAX_ACC];
  int64_t at[MAT_MAX_ACC];
  new_kept_units(e, c, p, n, kept, at);
  for (int i = 0; i < n; i++)
    kb_store(kb, kept[i], int_cell_unit(e, kept[i], at[i], j), p[i]);
  kb_end(kb);
  j = kb_for(kb, "j", 0, c->units, 1);
  for (int i = 0; i < n; i++)
    p[i] = kb_load(kb, kept[i], int_cell_unit(e, kept[i], at[i], j), 1);
  return j;
}

static void gru_before(Emit *e, IntCell *c) {
  Kb *kb = &e->kb;
  IntPart gates[QUANT_PARTS], last[QUANT_PARTS];
  KirExpr *px[MAT_MAX_ACC], *ph[MAT_MAX_ACC];
  QuantFormat operand = c->q->part[c->dir][QUANT_STATE].x, h16 = c->q->out;
  pack_parts(e, c, 0, 2, "_zr", gates);
  pack_parts(e, c, 2, 1, "_n", last);
  int_offset(e, c->layer, &gates[QUANT_INPUT], &c->x);
  int_offset(e, c->layer, &last[QUANT_INPUT], &c->x);
  int_offset(e, c->layer, &gates[QUANT_STATE], &c->h);
  c->z = new_kept(e, c->layer, "z", KIR_I16, c->units);
  c->z->lo = 0;
  c->z->hi = INT16_MAX;
  c->rh = int_new_operand(e, c->layer, "rh", &operand, last[QUANT_STATE].depth);
  KirReg *j = kb_for(kb, "j", 0, c->units, 1);
  unit_sums(e, c, gates, &c->h, j, 0, 2, px, ph);
  KirReg *r = kb_let(kb, "gr", gate(e, c, int_add(e, px[1], ph[1])));
  kb_store(kb, c->z, int_cell_unit(e, c->z, 0, j), other_gate(e, c, int_add(e, px[0], ph[0])));
  KirExpr *h = kb_load(kb, c->place->h, int_cell_unit(e, c->place->h, c->place->h_at, j), 1);
  KirExpr *product = int_down_q15(e, int_mul(e, kb_use(kb, r), h));
  kb_store(kb, c->rh, int_cell_unit(e, c->rh, 0, j), int_operand(e, product, &h16, &operand));
  kb_end(kb);
  if (last[QUANT_STATE].depth > c->units)
    kb_zero(kb, c->rh, at_batch(e, c->rh, c->units), last[QUANT_STATE].depth - c->units);
  IntVector rh = {.buffer = c->rh, .at = at_batch(e, c->rh, 0)};
  int_offset(e, c->layer, &last[QUANT_STATE], &rh);
  j = kb_for(kb, "j", 0, c->units, 1);
  unit_sums(e, c, last, &rh, j, 2, 1, px, ph);
  KirExpr *n = candidate(e, c, int_add(e, px[0], ph[0]));
  int_cell_mix(e, c, j, kb_load(kb, c->z, int_cell_unit(e, c->z, 0, j), 1), n);
  kb_end(kb);
}

static void other_cells(Emit *e, IntCell *c) {
  Kb *kb = &e->kb;
  IntPart part[QUANT_PARTS];
  KirExpr *px[MAT_MAX_ACC], *ph[MAT_MAX_ACC], *p[MAT_MAX_ACC];
  pack_parts(e, c, 0, c->gates, "", part);
  int_offset(e, c->layer, &part[QUANT_INPUT], &c->x);
  int_offset(e, c->layer, &part[QUANT_STATE], &c->h);
  KirReg *j = kb_for(kb, "j", 0, c->units, 1);
  unit_sums(e, c, part, &c->h, j, 0, c->gates, px, ph);
  for (int g = 0; g < c->gates; g++)
    p[g] = int_add(e, px[g], ph[g]);
  if (c->layer->kind == LAYER_GRU) {
    p[2] = px[2];
    p[3] = ph[2];
    j = second_loop(e, c, j, p, 4);
    if (int_lanes_takes(e, c)) {
      int_lanes_units(e, c, j, p);
      kb_end(kb);
      return;
    }
    KirReg *r = kb_let(kb, "gr", gate(e, c, p[1]));
    KirReg *u = kb_let(kb, "gu", other_gate(e, c, p[0]));
    KirExpr *m = int_up(e, int_mulw(e, p[3], kb_use(kb, r)), 1);
    int_cell_mix(e, c, j, kb_use(kb, u), candidate(e, c, int_add(e, p[2], m)));
  } else {
    j = second_loop(e, c, j, p, c->gates);
    if (int_lanes_takes(e, c))
      int_lanes_units(e, c, j, p);
    else if (c->layer->kind == LAYER_LSTM)
      lstm_unit(e, c, j, p);
    else
      rnn_unit(e, c, j, p[0]);
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

/* Stores the new h in the state and in the layer's result. */
static void deliver(Emit *e, const IntCell *c, Step t) {
  Lower *l = e->l;
  const CellPlace *p = c->place;
  QuantFormat out = int_format(l, c->layer->out[0]), own = c->q->out;
  KirIndex next = at_batch(e, p->next, 0);
  kb_copy(&e->kb, p->h, at_batch(e, p->h, p->h_at), p->next, next, c->units);
  const View *y = view_of(l, c->layer->out[0]);
  if (y->buffer == p->h) return;
  KirIndex to = kir_at_offset(view_row(y, t, 0), c->dir * c->units * y->stride[0]);
  if (out.bits) {
    int_convert(e, y->buffer, to, y->stride[0], p->next, next, 1, c->units, &own, &out);
    return;
  }
  KirReg *j = kb_for(&e->kb, "j", 0, c->units, 1);
  KirExpr *h = int_to_float(e, kb_load(&e->kb, p->next, kir_at_plus(next, 1, j), 1), own.scale);
  kb_store(&e->kb, y->buffer, kir_at_plus(to, y->stride[0], j), h);
  kb_end(&e->kb);
}

void int_cell_step(Emit *e, const Layer *layer, int dir, Step t) {
  Lower *l = e->l;
  const QuantLayer *q = int_layer(l, layer);
  CellPlace *place = cell_of(l, layer, dir);
  IntCell c = {.layer = layer, .q = q, .place = place, .dir = dir, .units = layer_units(layer)};
  c.gates = layer_gates(layer);
  const View *x = view_of(l, layer->in[0]);
  QuantFormat in = int_format(l, layer->in[0]), own = q->out;
  int64_t d = q->part[dir][QUANT_INPUT].depth;
  bool side_by_side = batch_takes(e, layer);
  if (side_by_side) kb_for_again(&e->kb, e->sample, 0, l->m->batch);
  layer_cost(l, layer)->macs +=
      c.gates * c.units * (d + c.units) * domain_of(l, &layer->in[0]->type).n;
  c.x = int_vector(e, layer, "x", x->buffer, view_row(x, t, 0), x->stride[x->rank - 1], d, c.units,
                   &in, &q->part[dir][QUANT_INPUT].x);
  if (q->part[dir][QUANT_STATE].x.bits == 16) /* padded to whole steps */
    c.h = (IntVector){.buffer = place->h, .at = at_batch(e, place->h, place->h_at)};
  else
    c.h = int_vector(e, layer, "hq", place->h, at_batch(e, place->h, place->h_at), 1, c.units,
                     c.units, &own, &q->part[dir][QUANT_STATE].x);
  c.peephole = pack_peephole(l, &c);
  if (cell_resets_before(layer))
    gru_before(e, &c);
  else
    other_cells(e, &c);
  deliver(e, &c, t);
  if (side_by_side) kb_end(&e->kb);
}

/* Fields are f32: a GRU's h from its wide state. */
void int_cell_fields(Emit *e, const Layer *layer) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  const QuantLayer *q = int_layer(l, layer);
  int64_t units = layer_units(layer);
  for (int k = 1; k < LAYER_MAX_RESULTS && layer->out[k]; k++) {
    if (layer->out[k]->n_uses == 0) continue;
    const View *y = view_of(l, layer->out[k]);
    bool wide = k == 2 || layer->kind == LAYER_GRU;
    int fraction = k == 2                     ? q->cell_fraction
                   : layer->kind == LAYER_GRU ? q->state_fraction + Q15
                                              : q->state_fraction;
    for (int dir = 0; dir < q->directions; dir++) {
      const CellPlace *p = cell_of(l, layer, dir);
      KirBuffer *from = wide ? p->c : p->h;
      KirIndex at = at_batch(e, from, wide ? p->c_at : p->h_at);
      KirIndex to = kir_at_offset(view_row(y, ONLY_STEP, 0), dir * units * y->stride[0]);
      KirReg *j = kb_for(kb, "j", 0, units, 1);
      KirExpr *value =
          int_to_float(e, kb_load(kb, from, kir_at_plus(at, 1, j), 1), ldexp(1, -fraction));
      kb_store(kb, y->buffer, kir_at_plus(to, y->stride[0], j), value);
      kb_end(kb);
    }
  }
}
