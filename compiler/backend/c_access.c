/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elements of buffers as C: index expressions, subscripts of parameters with several axes, and
 * loads that widen. */
#include "backend/c_internal.h"

static void index_expr(CWriter *c, const KirIndex *at) {
  bool first = true;
  for (int i = 0; i < at->n_terms; i++) {
    int64_t s = at->term[i].stride;
    if (s == 0) continue;
    if (!first)
      text_add(c->out, s < 0 ? " - " : " + ");
    else if (s < 0)
      text_add(c->out, "-");
    if (s != 1 && s != -1) text_printf(c->out, "%lld * ", (long long)(s < 0 ? -s : s));
    text_add(c->out, c->name[at->term[i].var->id]);
    first = false;
  }
  if (first)
    text_printf(c->out, "%lld", (long long)at->offset);
  else if (at->offset)
    text_printf(c->out, " %c %lld", at->offset < 0 ? '-' : '+',
                (long long)(at->offset < 0 ? -at->offset : at->offset));
}

/* Deals a flat index out to the dimensions of b; false if one could leave its dimension. */
static bool split_index(const KirBuffer *b, const KirIndex *at, KirIndex part[KIR_MAX_RANK]) {
  int64_t stride[KIR_MAX_RANK], n = 1, offset = at->offset;
  for (int d = b->rank - 1; d >= 0; d--) {
    stride[d] = n;
    n *= b->dim[d];
  }
  for (int d = 0; d < b->rank; d++) {
    part[d] = (KirIndex){0};
    part[d].offset = offset / stride[d];
    offset -= part[d].offset * stride[d];
  }
  for (int i = 0; i < at->n_terms; i++) {
    int64_t s = at->term[i].stride;
    for (int d = 0; d < b->rank; d++) {
      if (s % stride[d] != 0) continue;
      part[d].term[part[d].n_terms].stride = s / stride[d];
      part[d].term[part[d].n_terms++].var = at->term[i].var;
      break;
    }
  }
  for (int d = 0; d < b->rank; d++) {
    int64_t lo, hi;
    kir_index_range(&part[d], &lo, &hi);
    if (lo < 0 || hi >= b->dim[d]) return false;
  }
  return true;
}

static bool is_flat(const CWriter *c, const KirBuffer *b) {
  return b->rank <= 1 || c->o->flat_arrays;
}

void c_buffer_base(CWriter *c, const KirBuffer *b) {
  if (b->space == KIR_STATE) text_printf(c->out, "%s->", c->self);
  if (b->space == KIR_CONST && !kir_is_outside(c->m, b)) text_printf(c->out, "%s_", c->prefix);
  text_add(c->out, b->name);
}

void c_access(CWriter *c, const KirBuffer *b, const KirIndex *at) {
  if (b->rank == 0 ||
      (b->space == KIR_STATE && b->count == 1 && b->rank == 1)) { /* a plain variable */
    c_buffer_base(c, b);
    return;
  }
  KirIndex part[KIR_MAX_RANK];
  if (is_flat(c, b)) {
    c_buffer_base(c, b);
    text_add(c->out, "[");
    index_expr(c, at);
    text_add(c->out, "]");
  } else if (split_index(b, at, part)) {
    c_buffer_base(c, b);
    for (int d = 0; d < b->rank; d++) {
      text_add(c->out, "[");
      index_expr(c, &part[d]);
      text_add(c->out, "]");
    }
  } else {
    text_add(c->out, "(&");
    c_buffer_base(c, b);
    for (int d = 0; d < b->rank; d++)
      text_add(c->out, "[0]");
    text_add(c->out, ")[");
    index_expr(c, at);
    text_add(c->out, "]");
  }
}

/* Memory of 16 bits that a function of the prelude turns into f32. */
static const char *narrow_name(KirElem elem) {
  return elem == KIR_F16 ? "f16" : elem == KIR_BF16 ? "bf16" : NULL;
}

void c_load(CWriter *c, const KirExpr *e) {
  const char *narrow = narrow_name(e->buffer->elem);
  if (e->type.lanes == 1) {
    if (narrow) text_printf(c->out, "%s_from_%s(", c->prefix, narrow);
    if (c->o->machine.is_avr && e->type.elem == KIR_I32 && e->buffer->elem != KIR_I32)
      text_add(c->out, "(int32_t)"); /* not the int of C, of 16 bits */
    c_access(c, e->buffer, &e->at);
    if (narrow) text_add(c->out, ")");
    return;
  }
  if (narrow)
    text_printf(c->out, "%s_load%d_%s(&", c->prefix, e->type.lanes, narrow);
  else
    text_printf(c->out, "%s_load%d%s(&", c->prefix, e->type.lanes,
                e->type.elem == KIR_F32 ? "" : "_i32");
  c_access(c, e->buffer, &e->at);
  text_add(c->out, ")");
}
