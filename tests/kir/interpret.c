/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Running KIR; see interpret.h. */
#include "interpret.h"

#include "lanes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 16, ALIGN = 64, GOES_ON = -1, REGISTERS = 1 << 18 };

typedef struct Value {
  Lane lane[LANES];
} Value;

typedef struct Run {
  const KirModule *m;
  unsigned char **memory; /* by buffer id: its first element */
  Value *top;             /* of the stack of frames: what is free */
  Value *reg;             /* of the function being run */
  Value result;           /* of a helper */
  const char *trouble;
} Run;

static Run run;
static Value registers[REGISTERS];
static int64_t *state_at; /* by buffer id: offset in the state */

void lane_wrong(const char *what) {
  if (!run.trouble) run.trouble = what;
}

/* ---- memory ---- */

static int64_t where(const KirIndex *at) {
  int64_t sum = at->offset;
  for (int i = 0; i < at->n_terms; i++)
    sum += at->term[i].stride * run.reg[at->term[i].var->id].lane[0].i;
  return sum;
}

/* The first of n elements from `at` of a buffer; NULL where one is outside of it. */
static unsigned char *elements(const KirBuffer *b, int64_t at, int64_t n) {
  if (at < 0 || at + n > b->count || !run.memory[b->id]) {
    int64_t bad = at < 0 ? at : at + n - 1;
    lane_wrong(arena_printf(run.m->arena, "element %lld of `%s`, which has %lld", (long long)bad,
                            b->name, (long long)b->count));
    return NULL;
  }
  return run.memory[b->id] + at * kir_elem_size(b->elem);
}

#define READ(T, p, i) (*(const T *)memcpy(&(T){0}, (p) + (size_t)(i) * sizeof(T), sizeof(T)))

static void load_lanes(const KirBuffer *b, int64_t at, int n, Lane *out) {
  const unsigned char *p = elements(b, at, n);
  if (!p) {
    EACH(out[i].i = 0);
  }
  switch (b->elem) {
  case KIR_F32: EACH(out[i].f = READ(float, p, i));
  case KIR_F16: EACH(out[i].f = lane_half(READ(uint16_t, p, i)));
  case KIR_BF16: EACH(out[i].f = lane_bfloat(READ(uint16_t, p, i)));
  case KIR_I8: EACH(out[i].i = READ(int8_t, p, i));
  case KIR_U8: EACH(out[i].i = READ(uint8_t, p, i));
  case KIR_I16: EACH(out[i].i = READ(int16_t, p, i));
  case KIR_U16: EACH(out[i].i = READ(uint16_t, p, i));
  case KIR_I32: EACH(out[i].i = READ(int32_t, p, i));
  case KIR_SIZE: EACH(out[i].i = (int64_t)READ(uint64_t, p, i));
  default: lane_wrong("a load of no element type of memory");
  }
}

static int64_t load_whole(const KirBuffer *b, int64_t at) {
  Lane v = {.i = 0};
  load_lanes(b, at, 1, &v);
  return v.i;
}

#define WRITE(T, p, i, v) memcpy((p) + (size_t)(i) * sizeof(T), &(T){(T)(v)}, sizeof(T))

static void store_lanes(const KirBuffer *b, int64_t at, int n, const Lane *v) {
  unsigned char *p = elements(b, at, n);
  if (b->space == KIR_CONST || b->space == KIR_IN) lane_wrong("a store to what is read only");
  if (!p) return;
  switch (b->elem) {
  case KIR_F32: EACH(WRITE(float, p, i, v[i].f));
  case KIR_SIZE: EACH(WRITE(uint64_t, p, i, v[i].i));
  case KIR_I32: EACH(WRITE(int32_t, p, i, v[i].i));
  case KIR_I8: EACH(WRITE(int8_t, p, i, v[i].i));
  case KIR_U8: EACH(WRITE(uint8_t, p, i, v[i].i));
  case KIR_I16: EACH(WRITE(int16_t, p, i, v[i].i));
  case KIR_U16: EACH(WRITE(uint16_t, p, i, v[i].i));
  default: lane_wrong("a store of no element type of memory");
  }
}

/* ---- expressions ---- */

/* Where the lanes of e are: in a register, or in `room`. */
static const Lane *evaluate(const KirExpr *e, Lane *room);
static int statements(const KirStmt *list);

static int64_t evaluate_whole(const KirExpr *e) {
  Lane room[LANES];
  return evaluate(e, room)->i;
}

/* An operation that the verifier has proved exact: the proof is tested. */
static int64_t proved(const KirExpr *e, int64_t x) {
  if (e->exact && x != lane_wrap(x)) lane_wrong("an exact operation that overflows");
  return x;
}

static void sum(const KirExpr *e, Lane *out) {
  Lane room[LANES], v[LANES];
  int n = e->arg[0]->type.lanes;
  memcpy(v, evaluate(e->arg[0], room), (size_t)n * sizeof *v);
  for (int half = n / 2; half >= 1; half /= 2)
    for (int i = 0; i < half; i++)
      if (e->type.elem == KIR_F32)
        v[i].f += v[i + half].f;
      else
        v[i].i = lane_whole(e->type.elem, v[i].i + v[i + half].i);
  *out = v[0];
}

static Value *frame(const KirFunc *f) {
  Value *reg = run.top;
  run.top += f->n_regs + 1;
  if (run.top > registers + REGISTERS) abort();
  return reg;
}

static void call(const KirExpr *e, Lane *out) {
  const KirFunc *f = e->helper;
  Value *reg = frame(f), *outer = run.reg;
  for (int i = 0; i < f->n_args; i++) {
    const Lane *v = evaluate(e->arg[i], reg[f->args[i]->id].lane);
    if (v != reg[f->args[i]->id].lane)
      memcpy(reg[f->args[i]->id].lane, v, (size_t)e->arg[i]->type.lanes * sizeof *v);
  }
  run.reg = reg;
  if (statements(f->body) == GOES_ON) lane_wrong("a helper without a result");
  run.reg = outer;
  run.top = reg;
  memcpy(out, run.result.lane, (size_t)e->type.lanes * sizeof *out);
}

static void by_lane(const KirExpr *e, Lane *out) {
  Lane room[KIR_MAX_ARGS][LANES];
  const Lane *arg[KIR_MAX_ARGS] = {room[0], room[1], room[2], room[3]};
  KirElem elem = e->arg[0]->type.elem;
  int n = e->type.lanes;
  for (int i = 0; i < KIR_MAX_ARGS && e->arg[i]; i++)
    arg[i] = evaluate(e->arg[i], room[i]);
  const Lane *a = arg[0], *b = arg[1], *c = arg[2];
  switch (e->op) {
  case KIR_SELECT: EACH(out[i] = a[i].i ? b[i] : c[i]);
  case KIR_CONVERT: EACH(out[i] = lane_convert(a[i], elem, e->type.elem));
  case KIR_BITCAST:
    if (elem == KIR_F32) {
      EACH(out[i].i = lane_bits(a[i].f));
    } else {
      EACH(out[i].f = lane_from_bits(a[i].i));
    }
  case KIR_LOOKUP: EACH(out[i].i = lane_whole(e->type.elem, load_whole(e->buffer, a[i].i)));
  case KIR_SPLAT: EACH(out[i] = a[0]);
  case KIR_LANE: EACH(out[i] = a[e->i]);
  case KIR_QUADS:
    EACH(out[i].i = lane_whole(KIR_I32, lane_quads((uint32_t)a[i].i, (uint32_t)b[i].i, c[i].i)));
  case KIR_SIGNED_QUADS:
    EACH(out[i].i =
             lane_whole(KIR_I32, lane_signed_quads((uint32_t)a[i].i, (uint32_t)b[i].i, c[i].i)));
  case KIR_PAIRS: EACH(out[i].f = lane_pairs((uint32_t)a[i].i, (uint32_t)b[i].i, c[i].f));
  default: break;
  }
  if (lane_is_fixed(e->op)) {
    EACH(out[i].i = lane_whole(
             e->type.elem, lane_fixed(e, a[i], e->arg[1] ? b[i] : a[i], e->arg[2] ? c[i] : a[i])));
  } else if (elem == KIR_F32)
    lanes_real(e->op, n, a, b, c, out);
  else {
    EACH(out[i].i =
             lane_whole(elem, proved(e, lane_integer(e->op, a[i].i, e->arg[1] ? b[i].i : 0))));
  }
}

static const Lane *evaluate(const KirExpr *e, Lane *room) {
  int n = e->type.lanes;
  switch (e->op) {
  case KIR_NUM:
    for (int i = 0; i < n; i++)
      if (e->type.elem == KIR_F32)
        room[i].f = e->f;
      else
        room[i].i = e->i;
    return room;
  case KIR_REG: return run.reg[e->reg->id].lane;
  case KIR_LOAD: load_lanes(e->buffer, where(&e->at), n, room); return room;
  case KIR_SUM: sum(e, room); return room;
  case KIR_CALL: call(e, room); return room;
  default: by_lane(e, room); return room;
  }
}

/* ---- statements ---- */

static int loop(const KirStmt *s) {
  int64_t lo = evaluate_whole(s->lo), hi = evaluate_whole(s->hi);
  for (int64_t i = lo; s->step < 0 ? i >= hi : i < hi; i += s->step) {
    if (i < s->reg->lo || i > s->reg->hi) lane_wrong("a loop variable outside of its range");
    run.reg[s->reg->id].lane[0].i = i;
    int status = statements(s->body);
    if (status != GOES_ON) return status;
  }
  return GOES_ON;
}

static void copy(const KirStmt *s) {
  int64_t to = where(&s->at), from = where(&s->from);
  size_t size = (size_t)kir_elem_size(s->buffer->elem);
  if (s->buffer->elem != s->source->elem) lane_wrong("a copy between element types");
  for (int64_t i = 0; i < s->count; i++) {
    unsigned char *p = elements(s->buffer, to + i, 1), *q = elements(s->source, from + i, 1);
    if (p && q) memcpy(p, q, size);
  }
}

static void zero(const KirStmt *s) {
  int64_t at = where(&s->at);
  for (int64_t i = 0; i < s->count; i++) {
    unsigned char *p = elements(s->buffer, at + i, 1);
    if (p) memset(p, 0, (size_t)kir_elem_size(s->buffer->elem));
  }
}

static void dot(const KirStmt *s) {
  int64_t w = where(&s->at), z = where(&s->from), first = where(&s->bias_at);
  for (int r = 0; r < s->n_regs; r++) {
    int64_t total = s->bias ? load_whole(s->bias, first + r) : 0;
    for (int64_t k = 0; k < s->count; k++) {
      int64_t row = w + (k / s->step * s->n_regs + r) * s->step, in_step = k % s->step;
      if (s->swapped) in_step = in_step == 1 ? 2 : in_step == 2 ? 1 : in_step;
      total += load_whole(s->buffer, row + in_step) * load_whole(s->source, z + k);
    }
    if (total != lane_wrap(total)) lane_wrong("a sum of products that overflows");
    run.reg[s->regs[r]->id].lane[0].i = lane_wrap(total);
  }
}

/* What 4 bytes, of both signs, add to a sum. */
static int64_t bytes_product(const KirStmt *s, int64_t x, int64_t w) {
  int64_t total = 0;
  for (int i = 0; i < KIR_WORD; i++)
    total += load_whole(s->source, x + i) * load_whole(s->weights, w + i);
  return total;
}

/* What KIR_TILE pairs of bf16 add to a sum: those of the lower halves and of the upper ones. */
static float pairs_product(const KirStmt *s, int64_t x, int64_t w) {
  float half[2] = {0, 0};
  for (int k = 0; k < KIR_TILE; k++) {
    uint32_t a = (uint32_t)load_whole(s->source, x + k),
             b = (uint32_t)load_whole(s->weights, w + k * KIR_TILE);
    for (int i = 0; i < 2; i++)
      half[i] = lane_normal(fmaf(lane_normal(lane_bfloat((uint16_t)(a >> 16 * i))),
                                 lane_normal(lane_bfloat((uint16_t)(b >> 16 * i))), half[i]));
  }
  return lane_normal(half[0] + half[1]);
}

static void add_words(const KirStmt *s, int64_t sum, int64_t x, int64_t w) {
  Lane v;
  load_lanes(s->buffer, sum, 1, &v);
  if (s->source->elem == KIR_I32)
    for (int64_t k = 0; k < s->count; k += KIR_TILE)
      v.f = lane_normal(lane_normal(v.f) + pairs_product(s, x + k, w + k * KIR_TILE));
  else
    for (int64_t k = 0; k < s->count; k++)
      v.i = lane_wrap(v.i + bytes_product(s, x + k * KIR_WORD, w + k * KIR_TILE * KIR_WORD));
  store_lanes(s->buffer, sum, 1, &v);
}

static void tiles(const KirStmt *s) {
  const KirTiles *t = &s->tiles;
  int64_t sum = where(&s->at), x = where(&s->from), w = where(&s->weights_at);
  int word = s->source->elem == KIR_I32 ? 1 : KIR_WORD;
  for (int r = 0; r < t->rows * KIR_TILE; r++)
    for (int c = 0; c < t->columns * KIR_TILE; c++)
      add_words(s, sum + r * t->sum_row + c / KIR_TILE * t->sum_column + c % KIR_TILE,
                x + r * t->source_row, w + c / KIR_TILE * t->weights_column + c % KIR_TILE * word);
}

static void set_register(const KirReg *reg, const KirExpr *value) {
  Lane *to = run.reg[reg->id].lane;
  const Lane *v = evaluate(value, to);
  if (v != to) memcpy(to, v, (size_t)value->type.lanes * sizeof *v);
}

static void check_range(const KirReg *reg) {
  if (reg->type.elem != KIR_I32 || reg->lo >= reg->hi) return;
  for (int i = 0; i < reg->type.lanes; i++) {
    int64_t x = run.reg[reg->id].lane[i].i;
    if (x < reg->lo || x > reg->hi) lane_wrong("a register outside of its range");
  }
}

static int call_entry(const KirFunc *f) {
  Value *reg = frame(f), *outer = run.reg;
  run.reg = reg;
  int status = statements(f->body);
  run.reg = outer;
  run.top = reg;
  return status == GOES_ON ? KIR_OK : status;
}

static void invoke(const KirStmt *s) {
  for (int i = 0; i < s->n_args; i++)
    run.memory[s->callee->buffers[i]->id] = run.memory[s->args[i]->id];
  if (call_entry(s->callee) != KIR_OK)
    lane_wrong("an entry called from another is not content with its arguments");
}

static int statement(const KirStmt *s) {
  Lane room[LANES];
  const Lane *v;
  int64_t at;
  switch (s->kind) {
  case KIR_LET:
  case KIR_SET:
    set_register(s->reg, s->value);
    check_range(s->reg);
    return GOES_ON;
  case KIR_DOT: dot(s); return GOES_ON;
  case KIR_TILES: tiles(s); return GOES_ON;
  case KIR_LOADS:
    at = where(&s->at);
    for (int i = 0; i < s->n_regs; i++)
      load_lanes(s->buffer, at + i, 1, run.reg[s->regs[i]->id].lane);
    return GOES_ON;
  case KIR_STORE:
    v = evaluate(s->value, room);
    at = where(&s->at);
    store_lanes(s->buffer, at, s->value->type.lanes, v);
    return GOES_ON;
  case KIR_FOR: return loop(s);
  case KIR_IF: return statements(evaluate_whole(s->value) ? s->body : s->other);
  case KIR_COPY: copy(s); return GOES_ON;
  case KIR_ZERO: zero(s); return GOES_ON;
  case KIR_RETURN:
    if (!s->value) return (int)s->status;
    v = evaluate(s->value, room);
    memcpy(run.result.lane, v, (size_t)s->value->type.lanes * sizeof *v);
    return KIR_OK;
  case KIR_INVOKE: invoke(s); return GOES_ON;
  case KIR_SECTION: return statements(s->body);
  }
  return GOES_ON;
}

static int statements(const KirStmt *list) {
  int status = GOES_ON;
  for (const KirStmt *s = list; s && status == GOES_ON; s = s->next)
    status = statement(s);
  return status;
}

/* ---- entries ---- */

static const KirFunc *entry(KirFuncKind kind) {
  for (int i = 0; i < run.m->n_funcs; i++)
    if (run.m->func[i]->kind == kind) return run.m->func[i];
  return NULL;
}

/* Bytes that are NaN as floats, and odd as anything else. */
static void poison(unsigned char *p, size_t n) {
  memset(p, 0xFF, n);
}

static int enter(KirFuncKind kind, void *state, const size_t *lengths, const void *const *in,
                 void *const *out) {
  const KirFunc *f = entry(kind);
  int n_in = 0, n_out = 0;
  unsigned char *scratch = calloc(1, (size_t)run.m->scratch_bytes + ALIGN);
  if (!scratch) abort();
  poison(scratch, (size_t)run.m->scratch_bytes);
  for (int i = 0; i < run.m->n_buffers; i++) {
    const KirBuffer *b = run.m->buffer[i];
    if (b->space == KIR_SCRATCH) run.memory[i] = scratch + b->scratch_offset;
    if (b->space == KIR_STATE) run.memory[i] = state ? (unsigned char *)state + state_at[i] : NULL;
  }
  for (int i = 0; i < f->n_buffers; i++) {
    const KirBuffer *b = f->buffers[i];
    const void *at = b->elem == KIR_SIZE && kind == KIR_RUN ? (const void *)lengths
                     : b->space == KIR_OUT                  ? out[n_out++]
                                                            : in[n_in++];
    if (at == (const void *)lengths && lengths) lengths += run.m->batch;
    run.memory[b->id] = (unsigned char *)(uintptr_t)at;
  }
  int status = call_entry(f);
  free(scratch);
  return status;
}

static int do_run(const size_t *lengths, const void *const *in, void *const *out) {
  return enter(KIR_RUN, NULL, lengths, in, out);
}
static int do_step(void *state, const void *const *in, void *const *out) {
  return enter(KIR_STEP, state, NULL, in, out);
}
static int do_push(void *state, const void *const *in, void *const *out) {
  return enter(KIR_PUSH, state, NULL, in, out);
}

static size_t state_bytes;
static int do_reset(void *state, const void *const *init) {
  poison(state, state_bytes);
  return enter(KIR_RESET, state, NULL, init, NULL);
}

const char *interpret_trouble(void) {
  return run.trouble;
}

LlvmEntries interpret_entries(const KirModule *m) {
  run = (Run){
      .m = m, .memory = ARENA_ARRAY(m->arena, unsigned char *, m->n_buffers + 1), .top = registers};
  state_at = ARENA_ARRAY(m->arena, int64_t, m->n_buffers + 1);
  state_bytes = 0;
  for (int i = 0; i < m->n_buffers; i++) {
    const KirBuffer *b = m->buffer[i];
    if (b->space == KIR_CONST) run.memory[i] = (unsigned char *)(uintptr_t)b->data;
    if (b->space != KIR_STATE) continue;
    state_at[i] = (int64_t)state_bytes;
    state_bytes += ((size_t)b->count * (size_t)kir_elem_size(b->elem) + ALIGN - 1) / ALIGN * ALIGN;
  }
  return (LlvmEntries){.run = entry(KIR_RUN) ? do_run : NULL,
                       .reset = entry(KIR_RESET) ? do_reset : NULL,
                       .step = entry(KIR_STEP) ? do_step : NULL,
                       .push = entry(KIR_PUSH) ? do_push : NULL,
                       .state_size = state_bytes};
}
