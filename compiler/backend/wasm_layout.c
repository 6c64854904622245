/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The memory of a module: weights, scratch, then what belongs to the caller.
 *
 *     0     nothing, so that no address is 0
 *     64    weights, each aligned as it asks
 *     ...   scratch, as kir_plan placed it
 *     end   the caller's: states, inputs, outputs, extern weights */
#include "backend/wasm_internal.h"

enum { FIRST_BYTE = 64, END_ALIGN = 64, VECTOR_BYTES = 16 };

uint32_t wasm_elem_size(KirElem elem) {
  return elem == KIR_SIZE ? 4 : (uint32_t)kir_elem_size(elem);
}

static uint64_t aligned(uint64_t at, uint64_t align) {
  return (at + align - 1) / align * align;
}

static uint64_t buffer_bytes(const KirBuffer *b) {
  return (uint64_t)b->count * wasm_elem_size(b->elem);
}

static uint64_t buffer_align(const KirBuffer *b) {
  uint64_t size = wasm_elem_size(b->elem);
  return b->align > (int)size ? (uint64_t)b->align : size;
}

WasmLayout wasm_layout(const KirModule *m) {
  WasmLayout layout = {.address = ARENA_ARRAY(m->arena, uint32_t, m->n_buffers + 1),
                       .weights = FIRST_BYTE};
  uint64_t at = FIRST_BYTE, state = 0;
  for (int i = 0; i < m->n_buffers; i++) {
    const KirBuffer *b = m->buffer[i];
    uint64_t *next = b->space == KIR_STATE ? &state : &at;
    if (b->space != KIR_STATE && (b->space != KIR_CONST || kir_is_outside(m, b))) continue;
    *next = aligned(*next, buffer_align(b));
    layout.address[i] = (uint32_t)*next;
    *next += buffer_bytes(b);
  }
  layout.weights_end = (uint32_t)at;
  layout.scratch =
      (uint32_t)(at = aligned(at, m->scratch_align > VECTOR_BYTES ? (uint64_t)m->scratch_align
                                                                  : VECTOR_BYTES));
  for (int i = 0; i < m->n_buffers; i++)
    if (m->buffer[i]->space == KIR_SCRATCH)
      layout.address[i] = (uint32_t)(at + (uint64_t)m->buffer[i]->scratch_offset);
  at = aligned(at + (uint64_t)m->scratch_bytes, END_ALIGN);
  layout.state_bytes = (uint32_t)aligned(state, VECTOR_BYTES);
  layout.end = at > UINT32_MAX / 2 || state > UINT32_MAX / 2 ? 0 : (uint32_t)at;
  return layout;
}
