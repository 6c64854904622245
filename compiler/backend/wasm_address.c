/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Where an element of a buffer lies. In: a buffer and an index of KIR. After: the part of its
 * address that is not constant is on the stack, and the constant part, in bytes, is returned for
 * the instruction that loads or stores. */
#include "backend/wasm_internal.h"

/* Pushes stride bytes times the register, and adds it to what is there. */
static void add_term(WasmWriter *w, const KirReg *var, int64_t stride, bool *any) {
  wasm_get(w, w->local[var->id]);
  if (stride > 1 && (stride & (stride - 1)) == 0) {
    int shift = 0;
    while ((int64_t)1 << shift < stride)
      shift++;
    wasm_i32(w, shift);
    wasm_op(w, W_I32_SHL);
  } else if (stride != 1) {
    wasm_i32(w, stride);
    wasm_op(w, W_I32_MUL);
  }
  if (*any) wasm_op(w, W_I32_ADD);
  *any = true;
}

/* The start of a buffer: what is constant of it, and whether a pointer was pushed. */
static int64_t base(WasmWriter *w, const KirBuffer *b, bool *any) {
  switch (b->space) {
  case KIR_IN:
  case KIR_OUT:
    wasm_get(w, w->param[b->id]);
    *any = true;
    return 0;
  case KIR_STATE:
    wasm_get(w, w->state);
    *any = true;
    break;
  case KIR_CONST:
    if (!kir_is_outside(w->m, b)) break;
    wasm_get(w, w->weights);
    *any = true;
    return b->weight_offset;
  case KIR_SCRATCH: break;
  }
  return w->layout->address[b->id];
}

/* The index with the registers of outer loops before those of inner ones: engines compute once what
 * an inner loop does not change, but add in the order that is written. */
static KirIndex outer_first(KirIndex at) {
  for (int i = 1; i < at.n_terms; i++) {
    KirTerm moved = at.term[i];
    int to = i;
    for (; to > 0 && at.term[to - 1].var->id > moved.var->id; to--)
      at.term[to] = at.term[to - 1];
    at.term[to] = moved;
  }
  return at;
}

uint32_t wasm_address(WasmWriter *w, const KirBuffer *b, const KirIndex *index) {
  KirIndex moving = {0}, at = outer_first(*index);
  int64_t size = wasm_elem_size(b->elem), offset = at.offset * size, lo, hi;
  bool any = false;
  offset += base(w, b, &any);
  for (int i = 0; i < at.n_terms; i++) {
    const KirReg *var = at.term[i].var;
    if (at.term[i].stride == 0) continue;
    if (w->is_known[var->id]) {
      offset += at.term[i].stride * size * w->known[var->id];
      continue;
    }
    add_term(w, var, at.term[i].stride * size, &any);
    moving.term[moving.n_terms++] = at.term[i];
  }
  if (!any) {
    wasm_i32(w, offset);
    return 0;
  }
  kir_index_range(&moving, &lo, &hi);
  if (offset >= 0 && lo >= 0) return (uint32_t)offset;
  wasm_i32(w, offset); /* what moves may lie below the base: the sum alone is an address */
  wasm_op(w, W_I32_ADD);
  return 0;
}

void wasm_pointer(WasmWriter *w, const KirBuffer *b, const KirIndex *at) {
  uint32_t offset = wasm_address(w, b, at);
  if (!offset) return;
  wasm_i32(w, offset);
  wasm_op(w, W_I32_ADD);
}
