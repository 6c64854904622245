/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Arithmetic on constants. Integers and quantities stay exact; a size that is not a whole number
 * is an error, never rounded. */
#include "front/resolve.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

Item item_bad(void) {
  return (Item){.kind = ITEM_BAD};
}

Item item_of(Value *value) {
  return (Item){.kind = ITEM_VALUE, .value = value};
}

static Item item_const(Const c) {
  return (Item){.kind = ITEM_CONST, .constant = c};
}

Item item_int(int64_t i) {
  return item_const((Const){.kind = CONST_INT, .i = i, .f = (double)i});
}

static Item item_real(double f) {
  return item_const((Const){.kind = CONST_REAL, .f = f});
}

Item const_literal(Resolver *r, const Node *node) {
  (void)r;
  NodeKind kind = node->kind;
  if (kind == N_INT) return item_int(node->i);
  if (kind == N_FLOAT) return item_real(node->f);
  if (kind == N_QTY)
    return item_const((Const){.kind = CONST_QTY,
                              .num = node->num,
                              .den = node->den,
                              .unit = node->unit,
                              .s = node->text});
  if (kind == N_STRING) return item_const((Const){.kind = CONST_TEXT, .s = node->text});
  if (kind == N_DTYPE) return item_const((Const){.kind = CONST_ELEM, .s = node->text});
  return kind == N_SHAPE ? item_const((Const){.kind = CONST_SHAPE, .shape = node}) : item_bad();
}

const char *const_str(Arena *arena, const Const *c) {
  Text text = text_new(arena);
  switch (c->kind) {
  case CONST_INT: text_printf(&text, "%lld", (long long)c->i); break;
  case CONST_REAL: text_add_double(&text, c->f); break;
  case CONST_QTY:
    if (c->unit == UNIT_HZ)
      text_add_rate(&text, c->num, c->den);
    else {
      bool ms = c->num < c->den;
      text_add_double(&text, (double)c->num * (ms ? 1000 : 1) / (double)c->den);
      text_add(&text, ms ? "ms" : "s");
    }
    break;
  case CONST_WORD:
  case CONST_ELEM: return c->s;
  case CONST_TEXT: text_printf(&text, "\"%s\"", c->s); break;
  case CONST_SHAPE: return "a shape";
  }
  return text_str(&text);
}

static Item too_large(Resolver *r, Span at) {
  Diag *d = diag_new(r->diags, E113, at, "this number is too large");
  diag_primary(d, "does not fit 63 bits");
  return item_bad();
}

static Item not_whole(Body *body, Const a, Const b, const Node *chain, Span at) {
  Resolver *r = body->r;
  Diag *d = diag_new(r->diags, E311, at, "%s / %s is not a whole number", const_str(r->arena, &a),
                     const_str(r->arena, &b));
  diag_primary(d, "sizes are integers");
  note_params(body, d, chain);
  return item_bad();
}

static Item fold_int(Body *body, Const a, char op, Const b, const Node *chain, Span at) {
  int64_t out = 0;
  bool ok = true;
  switch (op) {
  case '+': ok = !__builtin_add_overflow(a.i, b.i, &out); break;
  case '-': ok = !__builtin_sub_overflow(a.i, b.i, &out); break;
  case '*': ok = !__builtin_mul_overflow(a.i, b.i, &out); break;
  default:
    if (b.i == 0 || (b.i == -1 && a.i == INT64_MIN) || a.i % b.i)
      return not_whole(body, a, b, chain, at);
    out = a.i / b.i;
  }
  return ok ? item_int(out) : too_large(body->r, at);
}

bool const_fits_f32(Resolver *r, double number, Span at) {
  bool large = fabs(number) > 1;
  if (model_number_fits(number)) return true;
  Diag *d = diag_new(r->diags, E113, at, "this number is too %s", large ? "large" : "small");
  diag_primary(d, "values are computed in f32, %s",
               large ? "whose largest number is 3.4e38" : "in which this number is 0");
  return false;
}

static Item fold_real(Resolver *r, double a, char op, double b, Span at) {
  double out = op == '+' ? a + b : op == '-' ? a - b : op == '*' ? a * b : a / b;
  if (isfinite(out)) return item_real(out);
  Diag *d = diag_new(r->diags, E113, at, "this number is too large");
  diag_primary(d, b == 0 && op == '/' ? "division by zero" : "does not fit a double");
  return item_bad();
}

/* num/den reduced; a unit-less ratio becomes an integer or a real. */
static Item rational(Resolver *r, int64_t num, int64_t den, Unit unit, Span at) {
  if (den == 0) return fold_real(r, 1, '/', 0, at);
  int64_t g = size_gcd(num, den);
  if (den < 0) g = -g;
  num /= g;
  den /= g;
  if (unit == UNIT_NONE) return den == 1 ? item_int(num) : item_real((double)num / (double)den);
  return item_const((Const){.kind = CONST_QTY, .num = num, .den = den, .unit = unit});
}

static Item mismatch(Resolver *r, Const a, char op, Const b, Span at) {
  Diag *d = diag_new(r->diags, E206, at, "`%c` cannot be applied to %s and %s", op,
                     const_str(r->arena, &a), const_str(r->arena, &b));
  diag_primary(d, "combine numbers with numbers, and quantities with quantities of the same unit");
  return item_bad();
}

/* At least one of the two is a quantity. 2s * 50Hz is 100. */
static Item fold_quantity(Resolver *r, Const a, char op, Const b, Span at) {
  bool number_a = a.kind == CONST_INT, number_b = b.kind == CONST_INT;
  if (!(number_a || a.kind == CONST_QTY) || !(number_b || b.kind == CONST_QTY))
    return mismatch(r, a, op, b, at);
  if (number_a) {
    a.num = a.i;
    a.den = 1;
  }
  if (number_b) {
    b.num = b.i;
    b.den = 1;
  }
  Unit unit = number_a ? b.unit : a.unit;
  int64_t n1, n2, den;
  bool sum = op == '+' || op == '-';
  if (sum && (number_a || number_b || a.unit != b.unit)) return mismatch(r, a, op, b, at);
  if (!number_a && !number_b && !sum) {
    if ((op == '*') == (a.unit == b.unit)) return mismatch(r, a, op, b, at);
    unit = UNIT_NONE;
  }
  if (number_a && op == '/') return mismatch(r, a, op, b, at);
  if (op == '/') {
    int64_t swap = b.num;
    b.num = b.den;
    b.den = swap;
  }
  bool ok = size_mul(a.den, b.den, &den);
  if (sum) {
    ok = ok && size_mul(a.num, b.den, &n1) && size_mul(b.num, a.den, &n2);
    ok = ok && (op == '+' ? size_add(n1, n2, &n1) : !__builtin_sub_overflow(n1, n2, &n1));
  } else {
    ok = ok && size_mul(a.num, b.num, &n1);
  }
  return ok ? rational(r, n1, den, unit, at) : too_large(r, at);
}

Item const_fold(Body *body, Const a, char op, Const b, const Node *chain, Span at) {
  Resolver *r = body->r;
  if (a.kind == CONST_INT && b.kind == CONST_INT) return fold_int(body, a, op, b, chain, at);
  bool numbers = (a.kind == CONST_INT || a.kind == CONST_REAL) &&
                 (b.kind == CONST_INT || b.kind == CONST_REAL);
  if (numbers) return fold_real(r, a.f, op, b.f, at);
  if (a.kind == CONST_QTY || b.kind == CONST_QTY) return fold_quantity(r, a, op, b, at);
  return mismatch(r, a, op, b, at);
}

Item const_negate(Resolver *r, Const a, Span at) {
  if (a.kind == CONST_INT) return a.i == INT64_MIN ? too_large(r, at) : item_int(-a.i);
  if (a.kind == CONST_REAL) return item_real(-a.f);
  Diag *d = diag_new(r->diags, E206, at, "`-` cannot be applied to %s", const_str(r->arena, &a));
  diag_primary(d, "this is not a number");
  return item_bad();
}

bool word_known(const char *word) {
  for (int k = 0; k < LAYER_KIND_COUNT; k++) {
    const LayerInfo *info = layer_info((LayerKind)k);
    for (int i = 0, n = layer_opt_count(info); i < n; i++)
      if (words_index(info->opts[i].words, word) >= 0) return true;
  }
  return false;
}

/* Reuses the tree builder: the text is parsed as the default of a param in a file of its own. */
bool const_parse(Resolver *r, const char *text, Const *out) {
  Sources sources = {.arena = r->arena};
  const char *file = arena_printf(r->arena, "grus 1\nparam p = %s", text);
  Diags *quiet = diags_new(r->arena, &sources);
  Node *tree = parse(r->arena, sources_add(&sources, "-D", file, strlen(file)), quiet);
  if (quiet->n_errors || tree->n != 1 || tree->kid[0]->kind != N_PARAM) return false;
  const Node *node = tree->kid[0]->kid[0];
  bool negative = node->kind == N_NEG;
  if (negative) node = node->kid[0];
  if (node->kind == N_NAME) {
    *out = (Const){.kind = CONST_WORD, .s = node->text};
    return !negative;
  }
  Item item = const_literal(r, node);
  if (item.kind != ITEM_CONST || item.constant.kind == CONST_SHAPE ||
      (negative && item.constant.kind > CONST_REAL))
    return false;
  if (negative) item = const_negate(r, item.constant, span_none());
  *out = item.constant;
  return true;
}
