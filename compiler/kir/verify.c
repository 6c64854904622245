/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The verifier: every promise of kir.h that a backend relies on. In: any module. After: NULL, or
 * the first broken promise in words. Every module passes it before anything is printed; a message
 * from here is a bug of lower/, never of a user. */
#include "kir/cases.h"
#include "kir/kir.h"

#include <stdarg.h>

enum { SIGNED_QUADS_LANES = 4 };

typedef struct Verifier {
  const KirModule *m;
  const KirFunc *f;
  const KirStmt *at;
  bool *defined; /* by register id: visible here */
  bool in_tiles; /* in a section that holds tiles */
  const char *error;
} Verifier;

static void fail(Verifier *v, const char *format, ...) GRUS_PRINTF(2, 3);
static void fail(Verifier *v, const char *format, ...) {
  if (v->error) return;
  Text text = text_new(v->m->arena);
  text_printf(&text, "%s: ", v->f->name);
  if (v->at && v->at->origin.layer) text_printf(&text, "%s: ", v->at->origin.layer);
  va_list args;
  va_start(args, format);
  text_vprintf(&text, format, args);
  va_end(args);
  if (v->at) {
    KirStmt one = *v->at;
    one.next = one.body = one.other = NULL;
    text_add(&text, " in: ");
    kir_print_stmt(&one, 0, &text);
  }
  v->error = text_str(&text);
}

static void check_access(Verifier *v, const KirBuffer *b, const KirIndex *at, int64_t n) {
  for (int i = 0; i < at->n_terms; i++) {
    const KirReg *r = at->term[i].var;
    if (!v->defined[r->id]) fail(v, "index register %s is not defined here", r->name);
    if (r->type.elem != KIR_INDEX) fail(v, "register %s is no index", r->name);
    if (r->lo > r->hi) return; /* never executed */
  }
  int64_t lo, hi;
  kir_index_range(at, &lo, &hi);
  if (n > 0 && (lo < 0 || hi + n > b->count))
    fail(v, "%s[%lld..%lld] is outside its %lld elements", b->name, (long long)lo,
         (long long)(hi + n - 1), (long long)b->count);
}

static bool is_within(const KirExpr *e, int64_t lo, int64_t hi) {
  int64_t l, h;
  kir_expr_range(e, &l, &h);
  return l >= lo && h <= hi;
}

static bool is_i32(const KirExpr *e, int lanes) {
  return e && kir_type_equal(e->type, kir_type(KIR_I32, lanes));
}

/* An operation that does not overflow, from what its operands can be. */
static void check_exact(Verifier *v, const KirExpr *e) {
  int64_t lo, hi;
  kir_exact_range(e, &lo, &hi);
  if (e->type.elem != KIR_I32 ||
      (e->op != KIR_ADD && e->op != KIR_SUB && e->op != KIR_MUL && e->op != KIR_SHL))
    fail(v, "this operation is never exact");
  if (lo < INT32_MIN || hi > INT32_MAX)
    fail(v, "an exact operation can reach %lld..%lld, beyond 32 bits", (long long)lo,
         (long long)hi);
}

static bool fixed_point_fits(const KirExpr *e) {
  const KirExpr *a = e->arg[0], *b = e->arg[1], *c = e->arg[2];
  int n = e->type.lanes;
  if (e->type.elem != KIR_I32) return false;
  switch (e->op) {
  case KIR_MULW: return is_i32(a, n) && is_i32(b, n) && is_within(b, INT16_MIN, INT16_MAX);
  case KIR_CLAMP: return is_i32(a, n) && e->lo <= e->hi && e->lo >= INT32_MIN && e->hi <= INT32_MAX;
  case KIR_ADDS: return is_i32(a, n) && is_i32(b, n);
  case KIR_MIX: {
    int64_t from, to, least, most;
    if (!is_i32(a, n) || !is_i32(b, n) || !is_i32(c, n) || !is_within(c, 0, INT16_MAX))
      return false;
    kir_expr_range(a, &from, &to);
    kir_expr_range(b, &least, &most);
    return most - from <= INT32_MAX && least - to >= INT32_MIN;
  }
  case KIR_FADE: return is_i32(a, n) && is_i32(b, n) && is_within(b, 0, INT16_MAX);
  case KIR_LOOKUP:
    return is_i32(a, n) && e->buffer->space == KIR_CONST && e->buffer->count <= KIR_MAX_TABLE &&
           e->buffer->data && kir_elem_widened(e->buffer->elem) == KIR_I32 &&
           is_within(a, 0, e->buffer->count - 1) &&
           (n == 1 || (n == 16 && e->buffer->count == 32 && e->buffer->elem == KIR_I32));
  case KIR_ROUND:
    return kir_type_equal(a->type, kir_type(KIR_F32, n)) && e->lo <= e->hi &&
           (int64_t)(float)e->lo == e->lo && (int64_t)(float)e->hi == e->hi && e->lo >= INT32_MIN &&
           e->hi <= INT32_MAX;
  KIR_LEAF_CASES:
  KIR_BINARY_CASES:
  KIR_COMPARE_CASES:
  KIR_FORM_CASES:
  KIR_UNARY_CASES:
  KIR_ADDED_CASES:
  case KIR_SELECT:
  case KIR_CALL: break;
  }
  return false;
}

/* What a register is said to hold at most, against what it is given. */
static void check_range(Verifier *v, const KirReg *reg, const KirExpr *e) {
  if (reg->type.elem == KIR_I32 && !is_within(e, reg->lo, reg->hi))
    fail(v, "register %s can leave %lld..%lld", reg->name, (long long)reg->lo, (long long)reg->hi);
}

static bool is_small(KirElem elem) {
  return elem == KIR_I8 || elem == KIR_U8 || elem == KIR_I16;
}

static void check_dot(Verifier *v, const KirStmt *s) {
  bool ok = s->buffer->space == KIR_CONST && is_small(s->buffer->elem) && is_small(s->source->elem);
  ok = ok && (!s->bias || (s->bias->space == KIR_CONST && s->bias->elem == KIR_I32));
  if (!ok || s->n_regs > KIR_MAX_LOADS)
    fail(v, "a dot product of other values than constants and integers");
  for (int i = 0; !v->error && i < s->n_regs; i++) {
    int64_t lo, hi;
    if (!kir_dot_range(s, i, &lo, &hi))
      fail(v, "sum %s can leave 32 bits, or its rows have another layout", s->regs[i]->name);
    if (s->regs[i]->lo > lo || s->regs[i]->hi < hi)
      fail(v, "sum %s can leave its declared range", s->regs[i]->name);
  }
}

static void check_tiles(Verifier *v, const KirStmt *s) {
  const KirTiles *t = &s->tiles;
  bool bytes = s->source->elem == KIR_I8 || s->source->elem == KIR_U8;
  bool apart = t->columns == 1
                   ? t->sum_row >= KIR_TILE
                   : t->sum_column >= KIR_TILE && t->sum_row >= t->sum_column + KIR_TILE;
  if (!v->in_tiles) fail(v, "tiles outside of a section that configures them");
  if (t->rows < 1 || t->rows > KIR_MOST_TILES || t->columns < 1 || t->columns > KIR_MOST_TILES ||
      s->count < KIR_TILE || s->count % KIR_TILE || !apart || t->source_row < 0 ||
      t->weights_column < 0)
    fail(v, "tiles of another shape");
  if (s->weights->space != KIR_CONST || s->weights->elem != (bytes ? KIR_I8 : KIR_I32) ||
      (!bytes && s->source->elem != KIR_I32) || s->buffer->elem != (bytes ? KIR_I32 : KIR_F32) ||
      s->buffer->lo < s->buffer->hi || s->source == s->buffer)
    fail(v, "tiles of other values than words and their sums");
}

static void check_expr(Verifier *v, const KirExpr *e);

static void check_operands(Verifier *v, const KirExpr *e) {
  const KirExpr *a = e->arg[0], *b = e->arg[1], *c = e->arg[2];
  KirType f32 = kir_type(KIR_F32, e->type.lanes);
  bool ok = true;
  switch (e->op) {
  KIR_LEAF_CASES:
    break;
  case KIR_ADD:
  case KIR_SUB:
  case KIR_MUL:
  case KIR_DIV:
  case KIR_MIN:
  case KIR_MAX:
    ok = b && kir_type_equal(a->type, e->type) && kir_type_equal(b->type, e->type) &&
         e->type.elem != KIR_BOOL && e->type.elem != KIR_SIZE;
    if (e->op == KIR_DIV && e->type.elem != KIR_F32) ok = ok && b->op == KIR_NUM && b->i > 0;
    break;
  case KIR_NEG:
  case KIR_ABS: ok = kir_type_equal(a->type, e->type); break;
  case KIR_SQRT: ok = kir_type_equal(a->type, e->type) && e->type.elem == KIR_F32; break;
  case KIR_FMA:
  case KIR_MAD:
    ok = c && kir_type_equal(a->type, f32) && kir_type_equal(b->type, f32) &&
         kir_type_equal(c->type, f32);
    break;
  case KIR_QUADS:
  case KIR_SIGNED_QUADS:
    ok = is_i32(a, e->type.lanes) && is_i32(b, e->type.lanes) && is_i32(c, e->type.lanes) &&
         (e->op == KIR_QUADS ? e->type.lanes > 1 : e->type.lanes == SIGNED_QUADS_LANES);
    break;
  case KIR_PAIRS:
    ok = c && is_i32(a, e->type.lanes) && is_i32(b, e->type.lanes) && e->type.lanes > 1 &&
         kir_type_equal(c->type, f32) && kir_type_equal(e->type, f32);
    break;
  case KIR_AND:
  case KIR_OR:
  case KIR_XOR:
  case KIR_SHL:
  case KIR_SHR:
    ok = b && kir_type_equal(a->type, e->type) && kir_type_equal(b->type, e->type) &&
         (e->type.elem == KIR_I32 || e->type.elem == KIR_BOOL);
    if (e->op == KIR_SHL || e->op == KIR_SHR) ok = ok && b->op == KIR_NUM && b->i >= 0 && b->i < 32;
    break;
  KIR_COMPARE_CASES:
    ok = b && kir_type_equal(a->type, b->type) && e->type.elem == KIR_BOOL &&
         e->type.lanes == a->type.lanes;
    break;
  case KIR_SELECT:
    ok = c && a->type.elem == KIR_BOOL && a->type.lanes == e->type.lanes &&
         kir_type_equal(b->type, e->type) && kir_type_equal(c->type, e->type);
    break;
  case KIR_CONVERT:
  case KIR_BITCAST: ok = a->type.lanes == e->type.lanes; break;
  case KIR_SPLAT: ok = a->type.lanes == 1 && a->type.elem == e->type.elem; break;
  case KIR_SUM: ok = a->type.lanes > 1 && e->type.lanes == 1; break;
  case KIR_LANE:
    ok = e->i >= 0 && e->i < a->type.lanes && e->type.lanes == 1;
    break;
  KIR_FIXED_CASES:
    ok = fixed_point_fits(e);
    break;
  case KIR_CALL:
    ok = kir_type_equal(e->type, e->helper->result) && e->helper->kind == KIR_HELPER &&
         e->helper->id < v->f->id;
    for (int i = 0; ok && i < e->helper->n_args; i++)
      ok = e->arg[i] && kir_type_equal(e->arg[i]->type, e->helper->args[i]->type) &&
           (e->arg[i]->type.elem != KIR_I32 ||
            is_within(e->arg[i], e->helper->args[i]->lo, e->helper->args[i]->hi));
    break;
  }
  if (!ok) fail(v, "operands of %d do not fit", (int)e->op);
  if (e->exact) check_exact(v, e);
}

static void check_expr(Verifier *v, const KirExpr *e) {
  for (int i = 0; i < KIR_MAX_ARGS; i++)
    if (e->arg[i]) check_expr(v, e->arg[i]);
  if (e->op == KIR_REG && !v->defined[e->reg->id])
    fail(v, "register %s is not defined here", e->reg->name);
  if (e->op == KIR_LOAD) {
    if (e->type.elem != kir_elem_widened(e->buffer->elem)) fail(v, "a load widens to another type");
    check_access(v, e->buffer, &e->at, e->type.lanes);
  }
  check_operands(v, e);
}

static void check_list(Verifier *v, const KirStmt *list);

static void check_write(Verifier *v, const KirBuffer *b) {
  if (b->space == KIR_CONST || b->space == KIR_IN) fail(v, "%s is read only", b->name);
}

/* A copy brings what its source can hold. */
static void check_held(Verifier *v, const KirBuffer *to, const KirBuffer *from) {
  int64_t lo, hi;
  if (to->lo >= to->hi) return;
  kir_buffer_range(from, &lo, &hi);
  if (lo < to->lo || hi > to->hi)
    fail(v, "%s is to hold %lld..%lld at most", to->name, (long long)to->lo, (long long)to->hi);
}

static void check_stmt(Verifier *v, const KirStmt *s) {
  if (s->value) check_expr(v, s->value);
  if (s->lo) check_expr(v, s->lo);
  if (s->hi) check_expr(v, s->hi);
  switch (s->kind) {
  case KIR_LET:
  case KIR_SET:
    if (!kir_type_equal(s->reg->type, s->value->type)) fail(v, "value and register differ in type");
    check_range(v, s->reg, s->value);
    if (s->kind == KIR_LET)
      v->defined[s->reg->id] = true;
    else if (!v->defined[s->reg->id] || !s->reg->is_mutable)
      fail(v, "register %s cannot be set here", s->reg->name);
    break;
  case KIR_LOADS:
    if (s->buffer->elem != KIR_F32 || s->n_regs < 1 || s->n_regs > KIR_MAX_LOADS)
      fail(v, "not 1 to %d elements of f32", KIR_MAX_LOADS);
    check_access(v, s->buffer, &s->at, s->n_regs);
    for (int i = 0; i < s->n_regs; i++)
      v->defined[s->regs[i]->id] = true;
    break;
  case KIR_DOT:
    check_access(v, s->buffer, &s->at, s->n_regs * s->count);
    if (s->bias) check_access(v, s->bias, &s->bias_at, s->n_regs);
    check_access(v, s->source, &s->from, s->count);
    if (!v->error) check_dot(v, s);
    for (int i = 0; i < s->n_regs; i++)
      v->defined[s->regs[i]->id] = true;
    break;
  case KIR_TILES:
    check_tiles(v, s);
    check_write(v, s->buffer);
    check_access(v, s->buffer, &s->at, kir_tiles_sums(s));
    check_access(v, s->source, &s->from, kir_tiles_source(s));
    check_access(v, s->weights, &s->weights_at, kir_tiles_weights(s));
    break;
  case KIR_STORE:
    if (s->buffer->lo < s->buffer->hi && s->value->type.elem == KIR_I32 &&
        !is_within(s->value, s->buffer->lo, s->buffer->hi))
      fail(v, "%s is to hold %lld..%lld at most", s->buffer->name, (long long)s->buffer->lo,
           (long long)s->buffer->hi);
    check_write(v, s->buffer);
    check_access(v, s->buffer, &s->at, s->value->type.lanes);
    if (kir_elem_widened(s->buffer->elem) != s->value->type.elem &&
        !(s->buffer->elem == KIR_I32 && s->value->type.elem == KIR_INDEX))
      fail(v, "value and memory differ in type");
    break;
  case KIR_FOR:
    v->defined[s->reg->id] = true;
    if (s->step == 0) fail(v, "a loop without a step");
    if (s->reg->lo <= s->reg->hi) check_list(v, s->body);
    v->defined[s->reg->id] = false;
    break;
  case KIR_IF:
    if (s->value->type.elem != KIR_BOOL || s->value->type.lanes != 1) fail(v, "no condition");
    check_list(v, s->body);
    check_list(v, s->other);
    break;
  case KIR_COPY:
    check_write(v, s->buffer);
    if (s->buffer->elem != s->source->elem) fail(v, "copy between element types");
    check_held(v, s->buffer, s->source);
    check_access(v, s->buffer, &s->at, s->count);
    check_access(v, s->source, &s->from, s->count);
    break;
  case KIR_ZERO:
    check_write(v, s->buffer);
    check_access(v, s->buffer, &s->at, s->count);
    break;
  case KIR_RETURN:
    if (v->in_tiles) fail(v, "returns while it holds tiles");
    if (v->f->kind == KIR_HELPER ? !s->value || !kir_type_equal(s->value->type, v->f->result)
                                 : !v->f->returns_status)
      fail(v, "returns another type");
    break;
  case KIR_INVOKE:
    if (v->in_tiles) fail(v, "calls while it holds tiles");
    if (s->callee->kind == KIR_HELPER || s->n_args != s->callee->n_buffers)
      fail(v, "arguments do not fit");
    for (int i = 0; !v->error && i < s->n_args; i++)
      if (s->args[i]->count != s->callee->buffers[i]->count ||
          s->args[i]->elem != s->callee->buffers[i]->elem)
        fail(v, "argument %s does not fit", s->args[i]->name);
    break;
  case KIR_SECTION: {
    bool outer = v->in_tiles;
    if (outer && s->holds_tiles) fail(v, "tiles are held already");
    v->in_tiles = outer || s->holds_tiles;
    check_list(v, s->body);
    v->in_tiles = outer;
    break;
  }
  }
}

static void check_list(Verifier *v, const KirStmt *list) {
  const KirStmt *outer = v->at;
  for (const KirStmt *s = list; s && !v->error; s = s->next) {
    v->at = s;
    check_stmt(v, s);
  }
  v->at = outer;
  for (const KirStmt *s = list; s; s = s->next) {
    if (s->kind == KIR_LET) v->defined[s->reg->id] = false;
    for (int i = 0; i < s->n_regs; i++)
      v->defined[s->regs[i]->id] = false;
  }
}

static bool ends_in_return(const KirStmt *list) {
  const KirStmt *s = list;
  while (s && s->next)
    s = s->next;
  if (s && s->kind == KIR_SECTION) return ends_in_return(s->body);
  return s && s->kind == KIR_RETURN;
}

/* What callers rest on. */
static void check_helper(Verifier *v) {
  int64_t lo, hi;
  if (v->f->lo >= v->f->hi) return;
  kir_helper_range(v->f, &lo, &hi);
  if (lo < v->f->lo || hi > v->f->hi)
    fail(v, "gives %lld..%lld, not %lld..%lld", (long long)lo, (long long)hi, (long long)v->f->lo,
         (long long)v->f->hi);
}

/* Constants are what is said of them. */
static void check_constants(Verifier *v, const KirBuffer *b) {
  for (int64_t i = 0; b->space == KIR_CONST && b->lo < b->hi && b->data && i < b->count; i++)
    if (kir_const_int(b, i) < b->lo || kir_const_int(b, i) > b->hi)
      fail(v, "%s[%lld] is not within %lld..%lld", b->name, (long long)i, (long long)b->lo,
           (long long)b->hi);
}

const char *kir_verify(const KirModule *m) {
  Verifier constants = {.m = m, .f = m->n_funcs ? m->func[0] : NULL};
  for (int i = 0; i < m->n_buffers && m->n_funcs; i++)
    check_constants(&constants, m->buffer[i]);
  if (constants.error) return constants.error;
  for (int i = 0; i < m->n_funcs; i++) {
    Verifier v = {.m = m, .f = m->func[i]};
    v.defined = ARENA_ARRAY(m->arena, bool, v.f->n_regs + 1);
    check_helper(&v);
    for (int k = 0; k < v.f->n_args; k++)
      v.defined[v.f->args[k]->id] = true;
    check_list(&v, v.f->body);
    if ((v.f->kind == KIR_HELPER || v.f->returns_status) && !ends_in_return(v.f->body))
      fail(&v, "does not end in a return");
    if (v.error) return v.error;
  }
  return NULL;
}
