/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Running KIR; see interpret.h. */
#include "interpret.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 16, ALIGN = 64, GOES_ON = -1 };

typedef union Lane {
  float f;
  int64_t i; /* I32, INDEX, SIZE, BOOL */
} Lane;

typedef struct Value {
  Lane lane[LANES];
} Value;

typedef struct Run {
  const KirModule *m;
  unsigned char **memory; /* by buffer id: its first element */
  Value *reg;             /* of the function being run */
  Value result;           /* of a helper */
  const char *trouble;
} Run;

static Run run;
static int64_t *state_at; /* by buffer id: offset in the state */

static void wrong(const char *what) {
  if (!run.trouble) run.trouble = what;
}

/* ---- memory ---- */

static float half_to_float(uint16_t h) {
  int exponent = h >> 10 & 31, fraction = h & 1023;
  float magnitude = exponent == 0 ? ldexpf((float)fraction, -24) : exponent == 31 ? (fraction ? NAN : INFINITY) : ldexpf((float)(fraction + 1024), exponent - 25);
  return h >> 15 ? -magnitude : magnitude;
}

static float bfloat_to_float(uint16_t b) {
  uint32_t bits = (uint32_t)b << 16;
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

static int64_t where(const KirIndex *at) {
  int64_t sum = at->offset;
  for (int i = 0; i < at->n_terms; i++)
    sum += at->term[i].stride * run.reg[at->term[i].var->id].lane[0].i;
  return sum;
}

/* Element `at` of a buffer; NULL outside of it. */
static unsigned char *element(const KirBuffer *b, int64_t at) {
  if (at < 0 || at >= b->count || !run.memory[b->id]) {
    wrong(arena_printf(run.m->arena, "element %lld of `%s`, which has %lld", (long long)at, b->name, (long long)b->count));
    return NULL;
  }
  return run.memory[b->id] + at * kir_elem_size(b->elem);
}

#define READ(T, p) ((p) ? *(const T *)memcpy(&(T){0}, p, sizeof(T)) : (T)0)

static Lane load_lane(const KirBuffer *b, int64_t at) {
  const unsigned char *p = element(b, at);
  Lane v = {.i = 0};
  switch (b->elem) {
  case KIR_F32: v.f = READ(float, p); break;
  case KIR_F16: v.f = half_to_float(READ(uint16_t, p)); break;
  case KIR_BF16: v.f = bfloat_to_float(READ(uint16_t, p)); break;
  case KIR_I8: v.i = READ(int8_t, p); break;
  case KIR_U8: v.i = READ(uint8_t, p); break;
  case KIR_I16: v.i = READ(int16_t, p); break;
  case KIR_U16: v.i = READ(uint16_t, p); break;
  case KIR_I32: v.i = READ(int32_t, p); break;
  case KIR_SIZE: v.i = (int64_t)READ(uint64_t, p); break;
  default: wrong("a load of no element type of memory");
  }
  return v;
}

static void store_lane(const KirBuffer *b, int64_t at, Lane v) {
  unsigned char *p = element(b, at);
  int32_t whole = (int32_t)v.i;
  uint64_t size = (uint64_t)v.i;
  if (b->space == KIR_CONST || b->space == KIR_IN) wrong("a store to what is read only");
  if (!p) return;
  switch (b->elem) {
  case KIR_F32: memcpy(p, &v.f, sizeof v.f); break;
  case KIR_SIZE: memcpy(p, &size, sizeof size); break;
  case KIR_I32: memcpy(p, &whole, sizeof whole); break;
  case KIR_I8: *p = (unsigned char)(int8_t)whole; break;
  case KIR_U8: *p = (unsigned char)whole; break;
  case KIR_I16:
  case KIR_U16: memcpy(p, &(uint16_t){(uint16_t)whole}, sizeof(uint16_t)); break;
  default: wrong("a store of no element type of memory");
  }
}

/* ---- expressions ---- */

static Value evaluate(const KirExpr *e);
static int statements(const KirStmt *list);

static int32_t wrap(int64_t x) { return (int32_t)(uint32_t)(uint64_t)x; }

static int64_t whole(KirElem elem, int64_t x) { return elem == KIR_I32 ? wrap(x) : x; }

static float bits_float(int64_t bits) {
  uint32_t u = (uint32_t)(uint64_t)bits;
  float f;
  memcpy(&f, &u, sizeof f);
  return f;
}

static int32_t float_bits(float f) {
  int32_t bits;
  memcpy(&bits, &f, sizeof bits);
  return bits;
}

static Lane real_lane(KirOp op, float a, float b, float c) {
  volatile float product = a * b; /* rounded: no contraction */
  switch (op) {
  case KIR_ADD: return (Lane){.f = a + b};
  case KIR_SUB: return (Lane){.f = a - b};
  case KIR_MUL: return (Lane){.f = product};
  case KIR_DIV: return (Lane){.f = a / b};
  case KIR_MIN: return (Lane){.f = a < b ? a : b};
  case KIR_MAX: return (Lane){.f = a > b ? a : b};
  case KIR_NEG: return (Lane){.f = -a};
  case KIR_ABS: return (Lane){.f = fabsf(a)};
  case KIR_SQRT: return (Lane){.f = sqrtf(a)};
  case KIR_FMA: return (Lane){.f = fmaf(a, b, c)};
  case KIR_MAD: return (Lane){.f = product + c};
  case KIR_LT: return (Lane){.i = a < b};
  case KIR_LE: return (Lane){.i = a <= b};
  case KIR_EQ: return (Lane){.i = a == b};
  case KIR_NE: return (Lane){.i = a != b};
  default: wrong("an operation that floats do not have"); return (Lane){.f = 0};
  }
}

static int64_t whole_lane(KirOp op, int64_t a, int64_t b) {
  switch (op) {
  case KIR_ADD: return a + b;
  case KIR_SUB: return a - b;
  case KIR_MUL: return a * b;
  case KIR_DIV: return b ? a / b : 0;
  case KIR_MIN: return a < b ? a : b;
  case KIR_MAX: return a > b ? a : b;
  case KIR_NEG: return -a;
  case KIR_ABS: return a < 0 ? -a : a;
  case KIR_AND: return a & b;
  case KIR_OR: return a | b;
  case KIR_XOR: return a ^ b;
  case KIR_SHL: return (int64_t)((uint64_t)a << (b & 31));
  case KIR_SHR: return a >> (b & 31);
  case KIR_LT: return a < b;
  case KIR_LE: return a <= b;
  case KIR_EQ: return a == b;
  case KIR_NE: return a != b;
  default: wrong("an operation that whole numbers do not have"); return 0;
  }
}

/* ---- fixed point ---- */

static int64_t mulw(int64_t a, int64_t b) {
  int64_t product = a * b, down = product / 65536;
  return down - (product % 65536 < 0);
}

static int64_t bounded(int64_t x, int64_t lo, int64_t hi) { return x < lo ? lo : x > hi ? hi : x; }

static int64_t rounded(float x, int64_t lo, int64_t hi) {
  if (!(x > (float)lo)) return lo; /* NaN, too */
  if (x >= (float)hi) return hi;
  double whole_part = floor((double)x), rest = (double)x - whole_part;
  int64_t down = (int64_t)whole_part;
  return rest > 0.5 || (rest >= 0.5 && down % 2) ? down + 1 : down;
}

/* An operation that the verifier has proved exact: the proof is tested. */
static int64_t proved(const KirExpr *e, int64_t x) {
  if (e->exact && x != wrap(x)) wrong("an exact operation that overflows");
  return x;
}

static Lane load_lane(const KirBuffer *b, int64_t at);

static int64_t fixed_lane(const KirExpr *e, Lane a, Lane b, Lane c) {
  switch (e->op) {
  case KIR_MULW: return mulw(a.i, b.i);
  case KIR_CLAMP: return bounded(a.i, e->lo, e->hi);
  case KIR_ADDS: return bounded(a.i + b.i, INT32_MIN, INT32_MAX);
  case KIR_MIX: return a.i + 2 * mulw(b.i - a.i, c.i);
  case KIR_FADE: return a.i - 2 * mulw(a.i, b.i);
  case KIR_LOOKUP: return load_lane(e->buffer, a.i).i;
  case KIR_ROUND: return rounded(a.f, e->lo, e->hi);
  default: return 0;
  }
}

static bool is_fixed(KirOp op) {
  return op == KIR_MULW || op == KIR_CLAMP || op == KIR_ADDS || op == KIR_MIX || op == KIR_FADE || op == KIR_LOOKUP || op == KIR_ROUND;
}

static Lane convert(Lane v, KirElem from, KirElem to) {
  bool real = from == KIR_F32;
  if (to == KIR_F32) return real ? v : (Lane){.f = (float)v.i};
  if (!real) return (Lane){.i = whole(to, v.i)};
  bool fits = v.f >= -2147483648.0F && v.f < 2147483648.0F; /* else some integer, which nothing may use */
  return (Lane){.i = fits ? (int64_t)v.f : INT32_MIN};
}

static Value sum(const KirExpr *e) {
  Value v = evaluate(e->arg[0]);
  for (int half = e->arg[0]->type.lanes / 2; half >= 1; half /= 2)
    for (int i = 0; i < half; i++)
      v.lane[i] = e->type.elem == KIR_F32 ? (Lane){.f = v.lane[i].f + v.lane[i + half].f} : (Lane){.i = whole(e->type.elem, v.lane[i].i + v.lane[i + half].i)};
  return v;
}

static Value call(const KirExpr *e) {
  const KirFunc *f = e->helper;
  Value *reg = calloc((size_t)f->n_regs + 1, sizeof *reg), *outer = run.reg;
  if (!reg) abort();
  for (int i = 0; i < f->n_args; i++)
    reg[f->args[i]->id] = evaluate(e->arg[i]);
  run.reg = reg;
  if (statements(f->body) == GOES_ON) wrong("a helper without a result");
  run.reg = outer;
  free(reg);
  return run.result;
}

static Value by_lane(const KirExpr *e) {
  Value arg[KIR_MAX_ARGS] = {{{{0}}}}, out = {{{0}}};
  KirElem elem = e->arg[0]->type.elem;
  for (int i = 0; i < KIR_MAX_ARGS && e->arg[i]; i++)
    arg[i] = evaluate(e->arg[i]);
  for (int i = 0; i < e->type.lanes; i++) {
    Lane a = arg[0].lane[i], b = arg[1].lane[i], c = arg[2].lane[i];
    if (e->op == KIR_SELECT) out.lane[i] = a.i ? b : c;
    else if (e->op == KIR_CONVERT) out.lane[i] = convert(a, elem, e->type.elem);
    else if (e->op == KIR_BITCAST) out.lane[i] = elem == KIR_F32 ? (Lane){.i = float_bits(a.f)} : (Lane){.f = bits_float(a.i)};
    else if (e->op == KIR_SPLAT) out.lane[i] = arg[0].lane[0];
    else if (e->op == KIR_LANE) out.lane[i] = arg[0].lane[e->i];
    else if (is_fixed(e->op)) out.lane[i] = (Lane){.i = whole(e->type.elem, fixed_lane(e, a, b, c))};
    else if (elem == KIR_F32) out.lane[i] = real_lane(e->op, a.f, b.f, c.f);
    else out.lane[i].i = whole(elem, proved(e, whole_lane(e->op, a.i, b.i)));
  }
  return out;
}

static Value evaluate(const KirExpr *e) {
  Value out = {{{0}}};
  int64_t at;
  switch (e->op) {
  case KIR_NUM:
    for (int i = 0; i < e->type.lanes; i++)
      out.lane[i] = e->type.elem == KIR_F32 ? (Lane){.f = e->f} : (Lane){.i = e->i};
    return out;
  case KIR_REG: return run.reg[e->reg->id];
  case KIR_LOAD:
    at = where(&e->at);
    for (int i = 0; i < e->type.lanes; i++)
      out.lane[i] = load_lane(e->buffer, at + i);
    return out;
  case KIR_SUM: return sum(e);
  case KIR_CALL: return call(e);
  default: return by_lane(e);
  }
}

/* ---- statements ---- */

static int loop(const KirStmt *s) {
  int64_t lo = evaluate(s->lo).lane[0].i, hi = evaluate(s->hi).lane[0].i;
  for (int64_t i = lo; s->step < 0 ? i >= hi : i < hi; i += s->step) {
    if (i < s->reg->lo || i > s->reg->hi) wrong("a loop variable outside of its range");
    run.reg[s->reg->id].lane[0].i = i;
    int status = statements(s->body);
    if (status != GOES_ON) return status;
  }
  return GOES_ON;
}

static void copy(const KirStmt *s) {
  int64_t to = where(&s->at), from = where(&s->from);
  size_t size = (size_t)kir_elem_size(s->buffer->elem);
  if (s->buffer->elem != s->source->elem) wrong("a copy between element types");
  for (int64_t i = 0; i < s->count; i++) {
    unsigned char *p = element(s->buffer, to + i), *q = element(s->source, from + i);
    if (p && q) memcpy(p, q, size);
  }
}

static void zero(const KirStmt *s) {
  int64_t at = where(&s->at);
  for (int64_t i = 0; i < s->count; i++) {
    unsigned char *p = element(s->buffer, at + i);
    if (p) memset(p, 0, (size_t)kir_elem_size(s->buffer->elem));
  }
}

static void dot(const KirStmt *s) {
  int64_t w = where(&s->at), z = where(&s->from), first = where(&s->bias_at);
  for (int r = 0; r < s->n_regs; r++) {
    int64_t total = load_lane(s->bias, first + r).i;
    for (int64_t k = 0; k < s->count; k++)
      total += load_lane(s->buffer, w + (k / s->step * s->n_regs + r) * s->step + k % s->step).i * load_lane(s->source, z + k).i;
    if (total != wrap(total)) wrong("a sum of products that overflows");
    run.reg[s->regs[r]->id].lane[0].i = wrap(total);
  }
}

static void check_range(const KirReg *reg) {
  if (reg->type.elem != KIR_I32 || reg->lo >= reg->hi) return;
  for (int i = 0; i < reg->type.lanes; i++) {
    int64_t x = run.reg[reg->id].lane[i].i;
    if (x < reg->lo || x > reg->hi) wrong("a register outside of its range");
  }
}

static int call_entry(const KirFunc *f) {
  Value *reg = calloc((size_t)f->n_regs + 1, sizeof *reg), *outer = run.reg;
  if (!reg) abort();
  run.reg = reg;
  int status = statements(f->body);
  run.reg = outer;
  free(reg);
  return status == GOES_ON ? KIR_OK : status;
}

static void invoke(const KirStmt *s) {
  for (int i = 0; i < s->n_args; i++)
    run.memory[s->callee->buffers[i]->id] = run.memory[s->args[i]->id];
  if (call_entry(s->callee) != KIR_OK) wrong("an entry called from another is not content with its arguments");
}

static int statement(const KirStmt *s) {
  Value v;
  int64_t at;
  switch (s->kind) {
  case KIR_LET:
  case KIR_SET:
    run.reg[s->reg->id] = evaluate(s->value);
    check_range(s->reg);
    return GOES_ON;
  case KIR_DOT: dot(s); return GOES_ON;
  case KIR_LOADS:
    at = where(&s->at);
    for (int i = 0; i < s->n_regs; i++)
      run.reg[s->regs[i]->id].lane[0] = load_lane(s->buffer, at + i);
    return GOES_ON;
  case KIR_STORE:
    v = evaluate(s->value);
    at = where(&s->at);
    for (int i = 0; i < s->value->type.lanes; i++)
      store_lane(s->buffer, at + i, v.lane[i]);
    return GOES_ON;
  case KIR_FOR: return loop(s);
  case KIR_IF: return statements(evaluate(s->value).lane[0].i ? s->body : s->other);
  case KIR_COPY: copy(s); return GOES_ON;
  case KIR_ZERO: zero(s); return GOES_ON;
  case KIR_RETURN:
    if (!s->value) return s->status;
    run.result = evaluate(s->value);
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
static void poison(unsigned char *p, size_t n) { memset(p, 0xFF, n); }

static int enter(KirFuncKind kind, void *state, const size_t *lengths, const void *const *in, void *const *out) {
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
    const void *at = b->elem == KIR_SIZE && kind == KIR_RUN ? (const void *)lengths : b->space == KIR_OUT ? out[n_out++] : in[n_in++];
    if (at == (const void *)lengths && lengths) lengths += run.m->batch;
    run.memory[b->id] = (unsigned char *)(uintptr_t)at;
  }
  int status = call_entry(f);
  free(scratch);
  return status;
}

static int do_run(const size_t *lengths, const void *const *in, void *const *out) { return enter(KIR_RUN, NULL, lengths, in, out); }
static int do_step(void *state, const void *const *in, void *const *out) { return enter(KIR_STEP, state, NULL, in, out); }
static int do_push(void *state, const void *const *in, void *const *out) { return enter(KIR_PUSH, state, NULL, in, out); }

static size_t state_bytes;
static int do_reset(void *state, const void *const *init) {
  poison(state, state_bytes);
  return enter(KIR_RESET, state, NULL, init, NULL);
}

const char *interpret_trouble(void) { return run.trouble; }

LlvmEntries interpret_entries(const KirModule *m) {
  run = (Run){.m = m, .memory = ARENA_ARRAY(m->arena, unsigned char *, m->n_buffers + 1)};
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
