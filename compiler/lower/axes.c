/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Loops over the feature axes of one step. In: views and the places of their rows. Out: loops to
 * close, and the places that move with them; or whole rows, copied or filled. */
#include "lower/lower_internal.h"

int open_axes(Emit *e, const View *a, const View *b, KirIndex *ia, KirIndex *ib) {
  static const char *const names[TYPE_MAX_AXES] = {"i", "j", "m", "p", "q", "r", "s", "v"};
  int opened = 0;
  for (int axis = 0; axis + 1 < a->rank; axis++) {
    if (a->dim[axis] == 1) continue;
    KirReg *v = kb_for(&e->kb, names[axis], 0, a->dim[axis], 1);
    *ia = kir_at_plus(*ia, a->stride[axis], v);
    if (b) *ib = kir_at_plus(*ib, b->stride[axis], v);
    opened++;
  }
  return opened;
}

int open_all_axes(Emit *e, const View *a, const View *b, KirIndex *ia, KirIndex *ib) {
  int opened = open_axes(e, a, b, ia, ib);
  if (view_last_dim(a) <= 1) return opened;
  KirReg *k = kb_for(&e->kb, "k", 0, view_last_dim(a), 1);
  *ia = kir_at_plus(*ia, view_last_stride(a), k);
  *ib = kir_at_plus(*ib, b->stride[a->rank - 1], k);
  return opened + 1;
}

int open_axes_beside(Emit *e, const View *a, const View *b, KirIndex *ia, KirIndex *ib,
                     KirIndex *dense) {
  int64_t inner = view_size(a);
  int opened = 0;
  for (int axis = 0; axis < a->rank; axis++) {
    inner /= a->dim[axis];
    if (a->dim[axis] == 1) continue;
    KirReg *k = kb_for(&e->kb, axis == a->rank - 1 ? "k" : "i", 0, a->dim[axis], 1);
    *ia = kir_at_plus(*ia, a->stride[axis], k);
    *ib = kir_at_plus(*ib, b->stride[axis], k);
    *dense = kir_at_plus(*dense, inner, k);
    opened++;
  }
  return opened;
}

KirReg *category_at(Emit *e, const char *name, const View *x, KirIndex at, int64_t categories) {
  Kb *kb = &e->kb;
  KirReg *category = kb_let(kb, name, kb_convert(kb, KIR_INDEX, kb_load(kb, x->buffer, at, 1)));
  category->lo = 0;
  category->hi = categories - 1;
  return category;
}

void close_loops(Emit *e, int n) {
  while (n-- > 0)
    kb_end(&e->kb);
}

void copy_row(Emit *e, const View *to, Step tt, const View *from, Step tf) {
  Kb *kb = &e->kb;
  KirIndex it = view_row(to, tt, 0), jf = view_row(from, tf, 0);
  bool same = to->buffer->elem == from->buffer->elem;
  if (same && view_is_dense(to) && view_is_dense(from)) {
    kb_copy(kb, to->buffer, it, from->buffer, jf, view_size(to));
    return;
  }
  int opened = open_axes(e, to, from, &it, &jf);
  if (same && view_last_stride(to) == 1 && view_last_stride(from) == 1)
    kb_copy(kb, to->buffer, it, from->buffer, jf, view_last_dim(to));
  else {
    KirReg *k = kb_for(kb, "k", 0, view_last_dim(to), 1);
    KirExpr *x = kb_load(kb, from->buffer, kir_at_plus(jf, view_last_stride(from), k), 1);
    kb_store(kb, to->buffer, kir_at_plus(it, view_last_stride(to), k), x);
    kb_end(kb);
  }
  close_loops(e, opened);
}

void fill_row(Emit *e, const View *v, Step t, int64_t row, double fill) {
  Kb *kb = &e->kb;
  KirIndex at = view_row(v, t, row);
  if (fill == 0 && view_is_dense(v)) {
    kb_zero(kb, v->buffer, at, view_size(v));
    return;
  }
  int opened = open_axes(e, v, NULL, &at, NULL);
  KirReg *k = kb_for(kb, "k", 0, view_last_dim(v), 1);
  bool f32 = v->buffer->elem == KIR_F32;
  kb_store(kb, v->buffer, kir_at_plus(at, view_last_stride(v), k),
           f32 ? kb_num(kb, (float)fill, 1) : kb_int(kb, KIR_I32, (int64_t)fill, 1));
  kb_end(kb);
  close_loops(e, opened);
}

void zero_row(Emit *e, const View *v, Step t, int64_t row) {
  fill_row(e, v, t, row, 0);
}

LineParts line_parts(int64_t n, int lanes) {
  while (lanes > n)
    lanes /= 2;
  int64_t whole = n / lanes * lanes;
  LineParts out = {0};
  if (whole) {
    out.part[out.n].to = whole;
    out.part[out.n++].lanes = lanes;
  }
  if (whole < n) {
    out.part[out.n].from = whole;
    out.part[out.n].to = n;
    out.part[out.n++].lanes = 1;
  }
  return out;
}
