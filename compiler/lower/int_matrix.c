/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Dense, convolutions and Embedding in integers. The first two come as the Mat that their families
 * make: operands where they lie, taps and groups; here its sums are integers, and what finishes
 * them is an activation in fixed point, a change of scale, or a product in f32. */
#include "lower/int.h"
#include "lower/weighted.h"

/* Rows that are summed together: as many as fit in registers and divide them all. */
static int group_of(int64_t rows) {
  for (int n = 4; n > 1; n--)
    if (rows % n == 0) return n;
  return 1;
}

static KirExpr *float_activation(Emit *e, const Layer *layer, KirExpr *x) {
  return layer ? pointwise_value(e, layer, kb_use(&e->kb, kb_let(&e->kb, "y", x))) : x;
}

/* relu and clip of p, in units of the result. */
static KirExpr *limited(Emit *e, const Layer *layer, KirExpr *p, double scale, int fraction) {
  if (!layer) return p;
  bool clip = layer->kind == LAYER_clip;
  int64_t lo = clip ? int_constant(layer_number(layer, OPT_low, 0) / scale, fraction) : 0,
          hi = INT32_MAX;
  if (clip)
    hi = int_constant(layer_number(layer, OPT_high, 0) / scale, fraction);
  else if (layer_has(layer, OPT_max))
    hi = int_constant(layer_number(layer, OPT_max, 0) / scale, fraction);
  return int_limit(e, p, lo, hi);
}

static KirExpr *finished(Emit *e, const QuantLayer *q, const IntPart *part, KirReg *sum, int g,
                         KirReg *const *index, const int64_t *stride, int n_index) {
  Kb *kb = &e->kb;
  if (q->to_float) {
    KirIndex at = kir_at(g);
    for (int i = 0; i < n_index; i++)
      at = kir_at_plus(at, stride[i] * part->group, index[i]);
    KirExpr *x = kb_op2(kb, KIR_MUL, kb_convert(kb, KIR_F32, kb_use(kb, sum)),
                        kb_load(kb, part->scale, at, 1));
    return float_activation(e, q->activation, x);
  }
  QuantFormat value = int_format(e->l, q->last->out[0]);
  KirExpr *p = int_preactivation(e, part, sum, g, index, stride, n_index);
  if (q->activation && quant_is_bounded(q->activation)) {
    KirExpr *y = int_activation(e, quant_function(q->activation), p, q->fraction);
    return value.bits ? y : int_to_float(e, y, q->out.scale);
  }
  return int_settled(e, limited(e, q->activation, p, value.scale, q->fraction), q->fraction,
                     &value);
}

/* Copies the taps of one group into a row of operands. */
static void gather(Emit *e, const MatPart *p, KirIndex from, KirBuffer *to, KirIndex at,
                   const QuantFormat *in, const QuantFormat *operand) {
  Kb *kb = &e->kb;
  int opened = 0;
  if (p->taps > 1) {
    KirReg *i = kb_for(kb, "i", 0, p->taps, 1);
    from = kir_at_plus(from, p->tap_stride, i);
    at = kir_at_plus(at, (p->taps2 > 1 ? p->taps2 : 1) * p->d, i);
    opened++;
  }
  if (p->taps2 > 1) {
    KirReg *i = kb_for(kb, "i", 0, p->taps2, 1);
    from = kir_at_plus(from, p->tap2_stride, i);
    at = kir_at_plus(at, p->d, i);
    opened++;
  }
  int_convert(e, to, at, 1, p->x, from, p->k_stride, p->d, in, operand);
  close_loops(e, opened);
}

/* The operand of one group: where it lies, or gathered. */
static IntVector operand_of(Emit *e, const Mat *mat, KirReg *group) {
  Lower *l = e->l;
  const MatPart *p = &mat->part[0];
  const QuantFormat *operand = &int_layer(l, mat->layer)->part[0][QUANT_INPUT].x;
  QuantFormat in = int_format(l, mat->layer->in[0]);
  KirIndex from = kir_at_plus(p->at, p->group_stride, group);
  if (p->taps <= 1 && p->taps2 <= 1)
    return int_vector(e, mat->layer, "x", p->x, from, p->k_stride, p->d,
                      mat->units / group_of(mat->units), &in, operand);
  bool fits = in.bits && in.bits <= operand->bits;
  int64_t n = mat_part_depth(p), step = int_step(e, fits ? &in : operand);
  int64_t padded = size_whole(n, step);
  KirBuffer *q = int_new_operand(e, mat->layer, "x", fits ? &in : operand, padded);
  KirIndex at = at_batch(e, q, 0);
  gather(e, p, from, q, at, &in, operand);
  if (padded > n) kb_zero(&e->kb, q, kir_at_offset(at, n), padded - n);
  return (IntVector){.buffer = q, .at = at};
}

/* All rows of a group against its operand. */
static void products(Emit *e, const Mat *mat, const IntPart *part, KirReg *group) {
  static const char *const name[] = {"s0", "s1", "s2", "s3"};
  Kb *kb = &e->kb;
  const QuantLayer *q = int_layer(e->l, mat->layer);
  const RowOut *out = mat->context;
  int64_t blocks = mat->units / part->group, stride[2] = {1, blocks};
  IntVector x = operand_of(e, mat, group);
  int_offset(e, mat->layer, part, &x);
  KirReg *index[2] = {blocks > 1 ? kb_for(kb, "j", 0, blocks, 1) : NULL, group}, *sums[4];
  int n_index = group ? 2 : 1;
  int_sums(e, part, &x, index, stride, n_index, name, sums);
  for (int g = 0; g < part->group; g++) {
    KirIndex at =
        kir_at_plus(kir_at_offset(out->at, g * out->stride), part->group * out->stride, index[0]);
    at = kir_at_plus(at, mat->units * out->stride, group);
    kb_store(kb, out->buffer, at, finished(e, q, part, sums[g], g, index, stride, n_index));
  }
  if (blocks > 1) kb_end(kb);
}

void int_matrix_emit(Emit *e, Mat *mat) {
  Kb *kb = &e->kb;
  const QuantLayer *q = int_layer(e->l, mat->layer);
  int64_t groups = mat->groups > 1 ? mat->groups : 1;
  int group = group_of(mat->units);
  IntRows order = {.blocks = mat->units * groups / group,
                   .block_stride = group,
                   .group_stride = 1,
                   .group = group,
                   .keep_zeros = groups > 1};
  IntPart part = int_pack(e, mat->layer, &q->part[0][QUANT_INPUT], &order, "W");
  if (mat->row) kb_for_again(kb, mat->row, 0, mat->n_rows);
  KirReg *g = groups > 1 ? kb_for(kb, "group", 0, groups, 1) : NULL;
  products(e, mat, &part, g);
  if (g) kb_end(kb);
  if (mat->row) kb_end(kb);
}

void int_embedding_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  const QuantLayer *q = int_layer(l, layer);
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]);
  bool integer = int_format(l, layer->out[0]).bits != 0;
  int64_t units = view_last_dim(y), v = layer->in[0]->type.categories;
  int8_t *narrow = ARENA_ARRAY(l->arena, int8_t, (v * units));
  for (int64_t i = 0; i < v * units; i++)
    narrow[i] = (int8_t)q->table[i];
  bool bytes = q->out.bits == 8;
  KirBuffer *table =
      new_constants(l, layer, "table", int_elem(&q->out), bytes ? (const void *)narrow : q->table,
                    v * units, "[category][unit]");
  KirIndex ix = view_row(x, t, 0), iy = view_row(y, t, 0);
  int opened = open_all_axes(e, x, y, &ix, &iy);
  KirReg *row = category_at(e, "row", x, ix, v);
  KirReg *u = kb_for(kb, "u", 0, units, 1);
  KirExpr *entry = kb_load(kb, table, kir_at_plus(kir_at_plus(kir_at(0), units, row), 1, u), 1);
  kb_store(kb, y->buffer, kir_at_plus(iy, view_last_stride(y), u),
           integer ? entry : int_to_float(e, entry, q->out.scale));
  kb_end(kb);
  close_loops(e, opened);
}
