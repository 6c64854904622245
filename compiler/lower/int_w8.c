/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* w8: kernels in 8 bits, all else in f32. In: a Mat of a layer in w8. After: its sums in f32, one
 * unit after the other, and what finishes them.
 *
 *     most = max |x|      q = round(x * 32767 / most)
 *     sum = b + f32(w . q) * (scale[row] * most / 32767)
 *
 * The products are exact, so the sums do not depend on the order or the width of vectors. With
 * vectors, the sums of all units are made first, and vectors of them are finished together. */
#include "lower/int.h"

bool int_is_w8(const Lower *l, const Layer *layer) {
  const Quant *q = l->model->quant;
  return q && q->layer[layer->id] && q->layer[layer->id]->precision == PRECISION_W8;
}

/* A part of a Mat: its packed rows, its operand in 16 bits and what a unit of that counts. */
typedef struct W8Part {
  IntPart rows;
  IntVector x;
  KirReg *unit;
} W8Part;

/* The rows of a gate within its QuantPart. */
static int64_t first_row(const Mat *mat, int part, int gate, int *dir) {
  const Layer *layer = mat->layer;
  *dir = 0;
  if (!(layer_info(layer->kind)->flags & RECURRENT)) return 0;
  const float *all = layer->weights->role[part ? ROLE_RECURRENT : ROLE_KERNEL];
  int64_t row = (mat->part[part].w[gate] - all) / mat_part_depth(&mat->part[part]);
  int64_t rows = layer_gates(layer) * mat->units;
  *dir = (int)(row / rows);
  return row % rows;
}

static IntPart pack(Emit *e, const Mat *mat, int part) {
  Lower *l = e->l;
  const MatPart *p = &mat->part[part];
  int dir;
  int64_t row = first_row(mat, part, 0, &dir);
  IntRows rows = {.first = row,
                  .blocks = mat->units * mat->groups,
                  .block_stride = 1,
                  .group_stride = mat->units,
                  .group = p->n_gates,
                  .keep_zeros = mat->groups > 1};
  return int_pack(e, mat->layer, &int_layer(l, mat->layer)->part[dir][part], &rows,
                  arena_printf(l->arena, "%s%s", p->name, mat->suffix));
}

/* Loops over the elements of a part's operand. Returns how many to close; *n counts them from 0. */
static int open_elements(Emit *e, const MatPart *p, KirReg *group, KirIndex *x, KirIndex *n) {
  Kb *kb = &e->kb;
  int opened = 0;
  *x = kir_at_plus(p->at, p->group_stride, group);
  if (p->taps > 1) {
    KirReg *i = kb_for(kb, "i", 0, p->taps, 1);
    *x = kir_at_plus(*x, p->tap_stride, i);
    *n = kir_at_plus(*n, (p->taps2 > 1 ? p->taps2 : 1) * p->d, i);
    opened++;
  }
  if (p->taps2 > 1) {
    KirReg *i = kb_for(kb, "i", 0, p->taps2, 1);
    *x = kir_at_plus(*x, p->tap2_stride, i);
    *n = kir_at_plus(*n, p->d, i);
    opened++;
  }
  if (p->d == 1) return opened;
  KirReg *k = kb_for(kb, "k", 0, p->d, 1);
  *x = kir_at_plus(*x, p->k_stride, k);
  *n = kir_at_plus(*n, 1, k);
  return opened + 1;
}

/* The operand in 16 bits, by the largest of its elements. */
static void round_operand(Emit *e, const Mat *mat, int part, KirReg *group, W8Part *to) {
  Kb *kb = &e->kb;
  const MatPart *p = &mat->part[part];
  KirBuffer *q = new_kept(e, mat->layer, part ? "hq" : "xq", KIR_I16, to->rows.depth);
  KirIndex x, n = at_batch(e, q, 0), none = kir_at(0);
  KirReg *most = kb_var(kb, "most", kb_num(kb, 1e-30f, 1));
  int opened = open_elements(e, p, group, &x, &none);
  KirExpr *size = kb_op1(kb, KIR_ABS, kb_load(kb, p->x, x, 1));
  kb_set(kb, most, kb_op2(kb, KIR_MAX, size, kb_use(kb, most)));
  close_loops(e, opened);
  KirReg *inverse =
      kb_let(kb, "inverse", kb_op2(kb, KIR_DIV, kb_num(kb, 32767, 1), kb_use(kb, most)));
  to->unit = kb_let(kb, "unit", kb_op2(kb, KIR_DIV, kb_use(kb, most), kb_num(kb, 32767, 1)));
  opened = open_elements(e, p, group, &x, &n);
  KirExpr *scaled = kb_op2(kb, KIR_MUL, kb_load(kb, p->x, x, 1), kb_use(kb, inverse));
  kb_store(kb, q, n, kb_round(kb, scaled, -32767, 32767));
  close_loops(e, opened);
  if (to->rows.depth > mat_part_depth(p))
    kb_zero(kb, q, at_batch(e, q, mat_part_depth(p)), to->rows.depth - mat_part_depth(p));
  to->x = (IntVector){.buffer = q, .at = at_batch(e, q, 0)};
  int_offset(e, mat->layer, &to->rows, &to->x);
}

/* Adds what rounding by calibration gave to the biases of an accumulator. True: it did so. */
static bool add_shifts(Lower *l, const Mat *mat, int acc, float *bias) {
  bool any = false;
  for (int k = 0; k < mat->n_parts; k++)
    for (int g = 0; g < mat->part[k].n_gates; g++) {
      int dir;
      int64_t row = first_row(mat, k, g, &dir);
      const float *shift = int_layer(l, mat->layer)->part[dir][k].bias_shift;
      if (!shift || mat->part[k].acc[g] != acc) continue;
      any = true;
      for (int64_t i = 0; i < mat->units * mat->groups; i++)
        bias[i] += shift[row + i];
    }
  return any;
}

/* NULL: there is none. Code whose weights come at run time has one for each accumulator: the
 * weights may be rounded by calibration or not. */
static KirBuffer *pack_bias(Lower *l, const Mat *mat, int acc) {
  int64_t n = mat->units * mat->groups;
  float *bias = ARENA_ARRAY(l->arena, float, n);
  for (int64_t i = 0; mat->bias[acc] && i < n; i++)
    bias[i] = mat->bias[acc][i];
  bool shifted = add_shifts(l, mat, acc, bias);
  if (!shifted && !mat->has_bias[acc] && !l->m->weights_extern) return NULL;
  return new_weights(l, mat->layer, arena_printf(l->arena, "b%d%s", acc, mat->suffix), bias, n,
                     NULL);
}

/* Where the sums of accumulator a are kept, by unit. */
static KirIndex kept_at(const Emit *e, const Mat *mat, KirBuffer *kept, int a) {
  return at_batch(e, kept, a * mat_vectors(mat) * mat->lanes);
}

/* Sums of one unit in f32, then what is done with them; kept: it is done later. */
static void unit_sums(Emit *e, const Mat *mat, const W8Part *part, KirBuffer *const *bias,
                      KirReg *group, KirReg *unit, KirBuffer *kept) {
  static const char *const name[] = {"p0", "p1", "p2", "p3"};
  Kb *kb = &e->kb;
  KirReg *acc[MAT_MAX_ACC], *sums[MAT_MAX_ACC], *index[2] = {unit, group};
  int64_t stride[2] = {1, mat->units};
  int n_index = group ? 2 : 1;
  MatUnits u = {.unit = kir_at_plus(kir_at_plus(kir_at(0), 1, unit), mat->units, group),
                .lanes = 1,
                .valid = 1};
  for (int a = 0; a < mat->n_acc; a++)
    acc[a] =
        kb_var(kb, mat->acc_name[a], bias[a] ? kb_load(kb, bias[a], u.unit, 1) : kb_num(kb, 0, 1));
  for (int k = 0; k < mat->n_parts; k++) {
    const MatPart *p = &mat->part[k];
    int_sums(e, &part[k].rows, &part[k].x, index, stride, n_index, name, sums);
    for (int g = 0; g < p->n_gates; g++) {
      KirIndex at = kir_at_offset(mat_unit_at(kir_at(0), p->n_gates, &u), g);
      KirExpr *scale =
          kb_op2(kb, KIR_MUL, kb_load(kb, part[k].rows.scale, at, 1), kb_use(kb, part[k].unit));
      KirReg *to = acc[p->acc[g]];
      kb_set(
          kb, to,
          kb_op3(kb, KIR_MAD, kb_convert(kb, KIR_F32, kb_use(kb, sums[g])), scale, kb_use(kb, to)));
    }
  }
  if (!kept) mat->finish(e, mat->context, &u, acc);
  for (int a = 0; a < mat->n_acc && kept; a++)
    kb_store(kb, kept, mat_unit_at(kept_at(e, mat, kept, a), 1, &u), kb_use(kb, acc[a]));
}

static void finish_vector(Emit *e, const Mat *mat, KirBuffer *kept, const MatUnits *u) {
  KirReg *acc[MAT_MAX_ACC];
  for (int a = 0; a < mat->n_acc; a++)
    acc[a] = kb_var(&e->kb, mat->acc_name[a],
                    kb_load(&e->kb, kept, mat_unit_at(kept_at(e, mat, kept, a), 1, u), mat->lanes));
  mat->finish(e, mat->context, u, acc);
}

/* All units, whose sums are kept. */
static void finish_vectors(Emit *e, const Mat *mat, KirBuffer *kept) {
  Kb *kb = &e->kb;
  int64_t whole = mat->units / mat->lanes, rest = mat->units % mat->lanes;
  MatUnits u = {.lanes = mat->lanes, .valid = mat->lanes};
  if (whole) {
    u.unit = kir_at_plus(kir_at(0), mat->lanes, kb_for(kb, "j", 0, whole, 1));
    finish_vector(e, mat, kept, &u);
    kb_end(kb);
  }
  if (!rest) return;
  u.unit = kir_at(whole * mat->lanes);
  if (!mat->whole) u.valid = (int)rest;
  for (int a = 0; a < mat->n_acc; a++)
    kb_zero(kb, kept, kir_at_offset(kept_at(e, mat, kept, a), mat->units), mat->lanes - rest);
  finish_vector(e, mat, kept, &u);
}

void int_w8_emit(Emit *e, Mat *mat) {
  Kb *kb = &e->kb;
  W8Part part[MAT_MAX_PARTS];
  KirBuffer *bias[MAT_MAX_ACC];
  for (int k = 0; k < mat->n_parts; k++)
    part[k].rows = pack(e, mat, k);
  for (int a = 0; a < mat->n_acc; a++)
    bias[a] = pack_bias(e->l, mat, a);
  if (mat->row) kb_for_again(kb, mat->row, 0, mat->n_rows);
  KirReg *group = mat->groups > 1 ? kb_for(kb, "group", 0, mat->groups, 1) : NULL;
  for (int k = 0; k < mat->n_parts; k++)
    round_operand(e, mat, k, group, &part[k]);
  KirBuffer *kept = NULL;
  if (mat->lanes > 1)
    kept = new_kept(e, mat->layer, "sums", KIR_F32, mat->n_acc * mat_vectors(mat) * mat->lanes);
  KirReg *j = mat->units > 1 ? kb_for(kb, "j", 0, mat->units, 1) : NULL;
  unit_sums(e, mat, part, bias, group, j, kept);
  if (j) kb_end(kb);
  if (kept) finish_vectors(e, mat, kept);
  if (group) kb_end(kb);
  if (mat->row) kb_end(kb);
}
