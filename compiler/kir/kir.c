/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Modules, buffers and functions of KIR, and what is known of types and indices. */
#include "kir/kir.h"

KirModule *kir_module_new(Arena *arena, const char *name) {
  KirModule *m = ARENA_NEW(arena, KirModule);
  m->arena = arena;
  m->name = name;
  m->batch = m->steps_per_call = 1;
  m->lanes = 1;
  m->scratch_align = 4;
  return m;
}

KirBuffer *kir_buffer(KirModule *m, const char *name, KirSpace space, KirElem elem, int64_t count) {
  KirBuffer *b = ARENA_NEW(m->arena, KirBuffer);
  b->id = m->n_buffers;
  b->name = name;
  b->space = space;
  b->elem = elem;
  b->count = count < 1 ? 1 : count;
  b->rank = 1;
  b->dim[0] = b->count;
  b->align = kir_elem_size(elem);
  ARENA_PUSH(m->arena, m->buffer, m->n_buffers, m->cap_buffers, b);
  return b;
}

KirFunc *kir_func(KirModule *m, const char *name, KirFuncKind kind) {
  KirFunc *f = ARENA_NEW(m->arena, KirFunc);
  f->id = m->n_funcs;
  f->name = name;
  f->kind = kind;
  ARENA_PUSH(m->arena, m->func, m->n_funcs, m->cap_funcs, f);
  return f;
}

const KirFunc *kir_func_find(const KirModule *m, KirFuncKind kind) {
  for (int i = 0; i < m->n_funcs; i++)
    if (m->func[i]->kind == kind) return m->func[i];
  return NULL;
}

const KirPort *kir_port_find(const KirModule *m, const KirBuffer *buffer) {
  for (int i = 0; i < m->n_ports; i++)
    if (m->port[i].buffer == buffer) return &m->port[i];
  return NULL;
}

void kir_func_param(KirModule *m, KirFunc *f, KirBuffer *buffer) {
  ARENA_PUSH(m->arena, f->buffers, f->n_buffers, f->cap_buffers, buffer);
}

int kir_elem_size(KirElem elem) {
  switch (elem) {
  case KIR_F32:
  case KIR_I32:
  case KIR_INDEX: return 4;
  case KIR_F16:
  case KIR_BF16:
  case KIR_I16:
  case KIR_U16: return 2;
  case KIR_SIZE: return 8;
  case KIR_I8:
  case KIR_U8:
  case KIR_BOOL: return 1;
  }
  return 0;
}

const char *kir_elem_name(KirElem elem) {
  static const char *const name[] = {"f32", "f16", "bf16", "i8",    "i16", "i32",
                                     "u8",  "u16", "size", "index", "bool"};
  _Static_assert(sizeof name / sizeof *name == KIR_BOOL + 1, "a name for each element type");
  return name[elem];
}

KirElem kir_elem_widened(KirElem elem) {
  switch (elem) {
  case KIR_F16:
  case KIR_BF16: return KIR_F32;
  case KIR_I8:
  case KIR_I16:
  case KIR_U8:
  case KIR_U16: return KIR_I32;
  case KIR_F32:
  case KIR_I32:
  case KIR_SIZE:
  case KIR_INDEX:
  case KIR_BOOL: break;
  }
  return elem;
}

void kir_index_range(const KirIndex *at, int64_t *lo, int64_t *hi) {
  *lo = *hi = at->offset;
  for (int i = 0; i < at->n_terms; i++) {
    int64_t s = at->term[i].stride;
    const KirReg *v = at->term[i].var;
    *lo += s * (s < 0 ? v->hi : v->lo);
    *hi += s * (s < 0 ? v->lo : v->hi);
  }
}

int64_t kir_state_bytes(const KirModule *m) {
  int64_t bytes = 0;
  for (int i = 0; i < m->n_buffers; i++)
    if (m->buffer[i]->space == KIR_STATE) bytes += kir_bytes(m->buffer[i]);
  return bytes;
}

int64_t kir_cost_saved(const KirCost *cost) {
  double share = cost->kernel_weights ? (double)cost->left_out / (double)cost->kernel_weights : 0;
  return (int64_t)((double)cost->macs * share + 0.5);
}

int kir_tiles_word(const KirStmt *s) {
  return s->source->elem == KIR_I32 ? 1 : KIR_WORD;
}

int64_t kir_tiles_sums(const KirStmt *s) {
  const KirTiles *t = &s->tiles;
  return (t->rows * KIR_TILE - 1) * t->sum_row + (t->columns - 1) * t->sum_column + KIR_TILE;
}

int64_t kir_tiles_source(const KirStmt *s) {
  const KirTiles *t = &s->tiles;
  return (t->rows * KIR_TILE - 1) * t->source_row + s->count * kir_tiles_word(s);
}

int64_t kir_tiles_weights(const KirStmt *s) {
  return (s->tiles.columns - 1) * s->tiles.weights_column + s->count * KIR_TILE * kir_tiles_word(s);
}

/* As many as divide all of them, or 4 and single steps after them. What compilers do between two
 * turns of a long sum, up to 9 instructions on a Cortex-M4, is worth more code. */
int kir_dot_turn(const KirStmt *dot) {
  enum { TURN = 4, LONGEST_TURN = 6, LONG = 32, LONGEST_OF_LONG = 16 };
  int64_t steps = dot->count / dot->step;
  if (dot->step == 1) return TURN;
  for (int n = steps >= LONG ? LONGEST_OF_LONG : LONGEST_TURN; n >= TURN - 1; n--)
    if (steps % n == 0) return n;
  return steps < TURN ? (int)steps : TURN;
}

bool kir_dot_has_rest(const KirStmt *dot) {
  return dot->step == 1 || dot->count % (kir_dot_turn(dot) * dot->step) != 0;
}
