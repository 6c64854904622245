/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Products of bf16 two at a time, for `precision bf16` on targets that have an instruction for
 * them. In: a Mat whose operands are rows of f32. After: its operands are rows of pairs, rounded to
 * bf16, and its depth is counted in pairs. Inputs k and k + half of a row are a pair, so that whole
 * vectors are rounded and packed without moving lanes; of an odd row the last has no partner, and
 * a zero stands for it. The weights are paired alike. */
#include "lower/mat.h"

enum { HALF = 16, SIGN = INT32_MIN, MAGNITUDE = INT32_MAX, LOWER = 0xffff };
enum { INFINITE = 0x7f800000, NOT_A_NUMBER = 0x7fc00000, BELOW_HALF = 0x7fff };

bool lower_layer_rounds(const Model *model, const Layer *layer, const Target *target) {
  bool has_products = (layer_info(layer->kind)->flags & RECURRENT) || layer->kind == LAYER_Dense;
  return has_products && target->has_bf16_pairs && layer_precision(model, layer) == PRECISION_BF16;
}

bool lower_rounds(const Model *model, const Target *target) {
  for (int i = 0; i < model->n_layers; i++)
    if (lower_layer_rounds(model, model->layer[i], target)) return true;
  return false;
}

bool layer_multiplies_pairs(const Lower *l, const Layer *layer) {
  return layer && lower_layer_rounds(l->model, layer, l->target);
}

static KirExpr *with(Emit *e, KirOp op, KirExpr *a, int64_t i) {
  return kb_op2(&e->kb, op, a, kb_int(&e->kb, KIR_I32, i, a->type.lanes));
}

/* x rounded to nearest even, in the upper half of a word. */
static KirReg *rounded(Emit *e, KirExpr *x) {
  Kb *kb = &e->kb;
  int lanes = x->type.lanes;
  KirReg *bits = kb_let(kb, "bits", kb_bitcast(kb, KIR_I32, x));
  KirReg *size = kb_let(kb, "size", with(e, KIR_AND, kb_use(kb, bits), MAGNITUDE));
  KirExpr *is_nan = kb_op2(kb, KIR_LT, kb_int(kb, KIR_I32, INFINITE, lanes), kb_use(kb, size));
  KirExpr *nan = kb_int(kb, KIR_I32, NOT_A_NUMBER, lanes);
  KirReg *from = kb_let(kb, "size", kb_select(kb, is_nan, nan, kb_use(kb, size)));
  KirExpr *odd = with(e, KIR_AND, with(e, KIR_SHR, kb_use(kb, from), HALF), 1);
  KirExpr *up = kb_op2(kb, KIR_ADD, with(e, KIR_ADD, kb_use(kb, from), BELOW_HALF), odd);
  KirExpr *sign = with(e, KIR_AND, kb_use(kb, bits), SIGN);
  return kb_let(kb, "up", kb_op2(kb, KIR_OR, up, sign));
}

/* Pairs from k on, of `lanes` inputs and as many that lie `half` later; alone: of one input. */
static void pack(Emit *e, const MatPart *p, int64_t half, KirReg *k, int64_t first, int lanes,
                 bool alone, KirBuffer *to, KirIndex at) {
  Kb *kb = &e->kb;
  KirIndex from = kir_at_plus(kir_at_offset(p->at, first * p->k_stride), p->k_stride, k);
  KirReg *lower = rounded(e, kb_load(kb, p->x, from, lanes));
  KirExpr *pair = with(e, KIR_AND, with(e, KIR_SHR, kb_use(kb, lower), HALF), LOWER);
  if (!alone) {
    KirReg *upper = rounded(e, kb_load(kb, p->x, kir_at_offset(from, half * p->k_stride), lanes));
    pair = kb_op2(kb, KIR_OR, pair, with(e, KIR_AND, kb_use(kb, upper), ~(int64_t)LOWER));
  }
  kb_store(kb, to, kir_at_plus(kir_at_offset(at, first), 1, k), pair);
}

void pairs_pack_row(Emit *e, const MatPart *p, KirBuffer *to, KirIndex at) {
  Kb *kb = &e->kb;
  int64_t half = (p->d + 1) / 2, both = p->d - half;
  LineParts line = {0};
  if (both > 0) line = line_parts(both, p->k_stride == 1 ? e->l->target->lanes : 1);
  for (int i = 0; i < line.n; i++) {
    KirReg *k = kb_for(kb, "k", line.part[i].from, line.part[i].to, line.part[i].lanes);
    pack(e, p, half, k, 0, line.part[i].lanes, false, to, at);
    kb_end(kb);
  }
  if (both < half) pack(e, p, half, NULL, both, 1, true, to, at);
}

static void pair_part(Emit *e, const Mat *mat, MatPart *p) {
  Kb *kb = &e->kb;
  int64_t half = (p->d + 1) / 2;
  bool is_mapped = mat->row && mat->row != e->sample;
  const char *name = arena_printf(e->l->arena, "%s_pairs%s", p->name[0] == 'U' ? "h" : "x",
                                  mat->suffix ? mat->suffix : "");
  KirBuffer *to = new_kept(e, mat->layer, name, KIR_I32, half * (is_mapped ? mat->n_rows : 1));
  KirIndex at = at_batch(e, to, 0);
  if (is_mapped) at = kir_at_plus(at, half, mat->row);
  if (mat->row) kb_for_again(kb, mat->row, 0, mat->n_rows);
  pairs_pack_row(e, p, to, at);
  if (mat->row) kb_end(kb);
  p->terms = p->d;
  p->d = half;
  p->x = to;
  p->at = at;
  p->k_stride = 1;
}

void mat_pair(Emit *e, Mat *mat) {
  if (!layer_multiplies_pairs(e->l, mat->layer)) return;
  for (int i = 0; i < mat->n_parts; i++)
    pair_part(e, mat, &mat->part[i]);
}

static uint32_t upper_half(float x) {
  return (uint32_t)bfloat_of(x) << HALF;
}

int32_t mat_weight_pair(const void *part, int gate, int64_t unit, int64_t k) {
  const MatPart *p = part;
  const float *row = p->w[gate] + unit * p->terms;
  uint32_t upper = k + p->d < p->terms ? upper_half(row[k + p->d]) : 0;
  return (int32_t)(upper | bfloat_of(row[k]));
}

KirExpr *mat_product(Emit *e, const Mat *mat, const MatPart *p, KirExpr *w, KirExpr *x,
                     KirExpr *sum) {
  if (mat->is_integer && e->l->target->quads_signed) return kb_signed_quads(&e->kb, x, w, sum);
  if (mat->is_integer) return kb_quads(&e->kb, x, w, sum);
  return p->terms ? kb_pairs(&e->kb, w, x, sum) : muladd(e, w, x, sum);
}
