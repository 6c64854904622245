/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Counts over functions of KIR; see census.h. */
#include "kir/census.h"

#include <string.h>

#define CENSUS_NAME(id) #id,
const char *const census_name[CENSUS_KINDS] = {CENSUS_LIST(CENSUS_NAME)};

typedef struct CensusWalk {
  Census *sum;
  bool runs;         /* loops count as often as they turn */
  bool most;         /* both ways of an if */
  bool own;          /* without what helpers do at its calls */
  const char *layer; /* "": all */
} CensusWalk;

static void add(CensusWalk *w, CensusKind kind, int64_t n) {
  w->sum->n[kind] += n;
}

static void add_all(CensusWalk *w, const Census *c, int64_t times) {
  for (int i = 0; i < CENSUS_KINDS; i++)
    w->sum->n[i] += times * c->n[i];
}

static Census of_body(const KirFunc *f, bool runs, bool most);

static void of_access(CensusWalk *w, const KirIndex *at, int64_t times) {
  add(w, CENSUS_TERM, times * at->n_terms);
}

static CensusKind kind_of_load(const KirExpr *e) {
  return e->type.lanes > 1 ? CENSUS_VECTOR_MEMORY : CENSUS_LOAD;
}

/* What one node is, apart from its operands. */
static void of_node(CensusWalk *w, const KirExpr *e) {
  bool vector = e->type.lanes > 1, is_float = e->type.elem == KIR_F32,
       is_scalar = is_float && !vector;
  CensusKind plain = vector ? CENSUS_VECTOR : is_float ? CENSUS_FLOAT : CENSUS_INTEGER;
  switch (e->op) {
  case KIR_NUM:
    if (is_float) add(w, CENSUS_CONSTANT, 1);
    break;
  case KIR_REG: break;
  case KIR_LOAD:
    add(w, kind_of_load(e), 1);
    if (e->buffer->elem == KIR_F16)
      add(w, CENSUS_HALF, 1);
    else if (e->buffer->elem != KIR_F32 && e->buffer->elem != KIR_I32)
      add(w, CENSUS_NARROW, 1);
    of_access(w, &e->at, 1);
    break;
  case KIR_ADD:
  case KIR_SUB:
  case KIR_MUL:
  case KIR_AND:
  case KIR_OR:
  case KIR_XOR:
  case KIR_SHL:
  case KIR_SHR: add(w, plain, 1); break;
  case KIR_MIN:
  case KIR_MAX: add(w, is_scalar ? CENSUS_EXTREME : plain, 1); break;
  case KIR_NEG:
  case KIR_ABS: add(w, is_scalar ? CENSUS_SIGN : plain, 1); break;
  case KIR_DIV: add(w, is_float ? CENSUS_DIVIDE : CENSUS_INTEGER, 1); break;
  case KIR_SQRT: add(w, CENSUS_DIVIDE, 1); break;
  case KIR_FMA: add(w, vector ? CENSUS_VECTOR : CENSUS_FUSED, 1); break;
  case KIR_MAD: add(w, plain, 2); break;
  case KIR_QUADS:
  case KIR_SIGNED_QUADS:
  case KIR_PAIRS: add(w, CENSUS_VECTOR, 1); break;
  case KIR_LT:
  case KIR_LE:
  case KIR_EQ:
  case KIR_NE:
  case KIR_SELECT: add(w, vector ? CENSUS_VECTOR : CENSUS_CHOICE, 1); break;
  case KIR_CONVERT:
  case KIR_BITCAST: add(w, vector ? CENSUS_VECTOR : CENSUS_CONVERT, 1); break;
  case KIR_SPLAT:
  case KIR_SUM:
  case KIR_LANE: add(w, CENSUS_SHUFFLE, 1); break;
  case KIR_CALL:
    add(w, CENSUS_CALL, 1);
    if (!w->own) {
      Census inside = of_body(e->helper, w->runs, w->most);
      add_all(w, &inside, 1);
    }
    break;
  case KIR_MULW: add(w, CENSUS_UPPER, 1); break;
  case KIR_CLAMP:
  case KIR_ADDS: add(w, CENSUS_LIMIT, 1); break;
  case KIR_MIX:
  case KIR_FADE: add(w, CENSUS_BLEND, 1); break;
  case KIR_LOOKUP: add(w, CENSUS_LOOKUP, 1); break;
  case KIR_ROUND: /* in C, by a helper */
    if (!w->own) add(w, CENSUS_ROUND, 1);
    break;
  }
}

static void of_expr(CensusWalk *w, const KirExpr *e) {
  if (!e) return;
  of_node(w, e);
  for (int i = 0; i < KIR_MAX_ARGS; i++)
    of_expr(w, e->arg[i]);
}

static int64_t turns(const KirStmt *s) {
  int64_t from, to, rest;
  kir_expr_range(s->lo, &from, &rest);
  kir_expr_range(s->hi, &rest, &to);
  if (s->step < 0) {
    int64_t high;
    kir_expr_range(s->lo, &rest, &high);
    kir_expr_range(s->hi, &to, &rest);
    return high < to ? 0 : (high - to) / -s->step + 1;
  }
  return to <= from ? 0 : (to - from + s->step - 1) / s->step;
}

static void of_list(CensusWalk *w, const KirStmt *list);

static void of_loop(CensusWalk *w, const KirStmt *s) {
  Census inside = {0};
  CensusWalk body = *w;
  body.sum = &inside;
  of_list(&body, s->body);
  add(&body, turns(s) == 1 ? CENSUS_ONCE : CENSUS_LOOP, 1); /* a turn: its test and its step */
  of_expr(w, s->lo);
  of_expr(w, s->hi);
  add_all(w, &inside, w->runs ? turns(s) : 1);
}

int64_t census_size(const Census *c) {
  int64_t n = 0;
  for (int i = 0; i < CENSUS_KINDS; i++)
    n += c->n[i];
  return n;
}

static void of_test(CensusWalk *w, const KirStmt *s) {
  Census yes = {0}, no = {0};
  CensusWalk way = *w;
  way.sum = &yes;
  of_list(&way, s->body);
  way.sum = &no;
  of_list(&way, s->other);
  add(w, CENSUS_TEST, 1);
  of_expr(w, s->value);
  bool both = !w->runs || w->most;
  if (both || census_size(&yes) <= census_size(&no)) add_all(w, &yes, 1);
  if (both || census_size(&yes) > census_size(&no)) add_all(w, &no, 1);
}

/* Compilers fold what stands at a constant place and is not in a loop. */
static bool is_known(const KirStmt *s) {
  int64_t lo, hi;
  kir_index_range(&s->at, &lo, &hi);
  return lo == hi && s->count <= kir_dot_turn(s) * s->step;
}

static void of_dot(CensusWalk *w, const KirStmt *s) {
  bool bytes = s->source->elem == KIR_I8 || s->source->elem == KIR_U8;
  int64_t written = (kir_dot_turn(s) + kir_dot_has_rest(s)) * s->step;
  if (!w->runs && is_known(s)) {
    add(w, CENSUS_KNOWN, s->count * s->n_regs);
    return;
  }
  add(w, bytes ? CENSUS_DOT8 : CENSUS_DOT, 1);
  add(w, bytes ? CENSUS_PRODUCT8 : CENSUS_PRODUCT, (w->runs ? s->count : written) * s->n_regs);
}

static void of_stmt(CensusWalk *w, const KirStmt *s) {
  switch (s->kind) {
  case KIR_LET:
  case KIR_SET:
    add(w, CENSUS_LIVE, s->kind == KIR_LET);
    of_expr(w, s->value);
    break;
  case KIR_LOADS:
    add(w, CENSUS_LOAD, s->n_regs);
    of_access(w, &s->at, 1);
    break;
  case KIR_DOT: of_dot(w, s); break;
  case KIR_TILES:
    add(w, CENSUS_CALL, 1);
    if (w->runs) add(w, CENSUS_VECTOR, s->tiles.rows * s->tiles.columns * s->count * KIR_TILE);
    break;
  case KIR_STORE:
    add(w, s->value->type.lanes > 1 ? CENSUS_VECTOR_MEMORY : CENSUS_STORE, 1);
    of_access(w, &s->at, 1);
    of_expr(w, s->value);
    break;
  case KIR_FOR: of_loop(w, s); break;
  case KIR_IF: of_test(w, s); break;
  case KIR_COPY:
  case KIR_ZERO:
    add(w, CENSUS_MOVE, 1);
    if (w->runs) add(w, CENSUS_MOVED, s->count);
    break;
  case KIR_RETURN: of_expr(w, s->value); break;
  case KIR_INVOKE:
    add(w, CENSUS_CALL, 1);
    if (w->runs) {
      Census inside = of_body(s->callee, true, w->most);
      add_all(w, &inside, 1);
    }
    break;
  case KIR_SECTION: of_list(w, s->body); break;
  }
}

static bool of_layer(const CensusWalk *w, const KirStmt *s) {
  if (w->layer && !*w->layer) return true;
  if (s->kind == KIR_FOR || s->kind == KIR_IF || s->kind == KIR_SECTION)
    return true; /* what is inside tells */
  return w->layer && s->origin.layer ? strcmp(w->layer, s->origin.layer) == 0
                                     : w->layer == s->origin.layer;
}

static void of_list(CensusWalk *w, const KirStmt *list) {
  for (const KirStmt *s = list; s; s = s->next)
    if (of_layer(w, s)) of_stmt(w, s);
}

static Census of_body(const KirFunc *f, bool runs, bool most) {
  Census sum = {0};
  CensusWalk w = {.sum = &sum, .runs = runs, .most = most, .layer = ""};
  of_list(&w, f->body);
  return sum;
}

Census census_of_text(const KirFunc *f) {
  Census sum = of_body(f, false, true);
  sum.n[CENSUS_ENTRY]++;
  return sum;
}

Census census_of_own(const KirFunc *f) {
  Census sum = {0};
  CensusWalk w = {.sum = &sum, .most = true, .own = true, .layer = ""};
  of_list(&w, f->body);
  sum.n[CENSUS_ENTRY]++;
  return sum;
}

Census census_of_call(const KirFunc *f, bool most) {
  Census sum = of_body(f, true, most);
  sum.n[CENSUS_ENTRY]++;
  return sum;
}

Census census_of_layer(const KirFunc *f, const char *layer) {
  Census sum = {0};
  CensusWalk w = {.sum = &sum, .runs = true, .most = true, .layer = layer};
  of_list(&w, f->body);
  return sum;
}

bool census_has_fixed_point(const Census *c) {
  return c->n[CENSUS_UPPER] || c->n[CENSUS_LIMIT] || c->n[CENSUS_BLEND] || c->n[CENSUS_LOOKUP];
}

bool census_has_integers(const Census *c) {
  return census_has_fixed_point(c) || c->n[CENSUS_ROUND] || c->n[CENSUS_DOT] || c->n[CENSUS_DOT8];
}
