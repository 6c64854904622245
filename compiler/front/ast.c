/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Building tree nodes. Numbers are read exactly; one that does not fit is E113 and an N_BAD. */
#include "base/shape.h"
#include "front/parser.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

Node *node_new(Parser *parser, NodeKind kind, Span span) {
  Node *node = ARENA_NEW(parser->arena, Node);
  node->kind = kind;
  node->span = span;
  return node;
}

Node *node_named(Parser *parser, NodeKind kind, Span span, const char *text, Span at) {
  Node *node = node_new(parser, kind, span);
  node->text = text;
  node->at = at;
  return node;
}

Node *node_add(Parser *parser, Node *parent, Node *kid) {
  if (parent->kind == N_BAD) return parent;
  if (parent->n == 0) { /* most nodes have one kid or two */
    parent->kid = ARENA_ARRAY(parser->arena, Node *, 2);
    parent->cap = 2;
  }
  ARENA_PUSH(parser->arena, parent->kid, parent->n, parent->cap, kid);
  return parent;
}

static Node *node_operand(Parser *parser, const char *op, Span at, Node *operand) {
  Node *node = node_named(parser, N_OPERAND, operand->span, op, at);
  return node_add(parser, node, operand);
}

Node *node_chain(Parser *parser, NodeKind kind, Node *first, const char *op, Span at,
                 Node *second) {
  Node *chain = node_new(parser, kind, first->span);
  Span before = {first->span.file, first->span.begin, first->span.begin};
  node_add(parser, chain, node_operand(parser, "", before, first));
  return node_chain_add(parser, chain, op, at, second);
}

Node *node_chain_add(Parser *parser, Node *chain, const char *op, Span at, Node *operand) {
  chain->span.end = operand->span.end;
  return node_add(parser, chain, node_operand(parser, op, at, operand));
}

static Node *number_too_large(Parser *parser, Node *node, const char *limit) {
  Diag *d = diag_new(parser->diags, E113, node->span, "this number is too large");
  diag_primary(d, "%s", limit);
  node->kind = N_BAD;
  return node;
}

/* Digits with `_` between them; false on overflow. Leaves *s after the last one. */
static bool read_digits(const char **s, int64_t *value, int64_t *scale) {
  bool ok = true;
  for (; (**s >= '0' && **s <= '9') || **s == '_'; ++*s) {
    if (**s == '_') continue;
    ok = ok && size_mul(*value, 10, value) && size_add(*value, **s - '0', value);
    if (scale) ok = ok && size_mul(*scale, 10, scale);
  }
  return ok;
}

/* num/den = the decimal number at *s, exactly; false if it does not fit. */
static bool read_rational(const char **s, int64_t *num, int64_t *den) {
  *num = 0;
  *den = 1;
  if (!read_digits(s, num, NULL)) return false;
  if (**s == '.') {
    ++*s;
    if (!read_digits(s, num, den)) return false;
  }
  if ((**s == 'e' || **s == 'E') && strcspn(*s, "0123456789") <= 2) {
    bool negative = (*s)[1] == '-';
    int64_t exponent = 0;
    *s += negative || (*s)[1] == '+' ? 2 : 1;
    if (!read_digits(s, &exponent, NULL) || exponent > 18) return false;
    for (; exponent; exponent--)
      if (!size_mul(negative ? *den : *num, 10, negative ? den : num)) return false;
  }
  return true;
}

static bool read_quantity(Node *node) {
  static const struct {
    const char *name;
    int64_t num, den;
    Unit unit;
  } unit[] = {{"Hz", 1, 1, UNIT_HZ},        {"kHz", 1000, 1, UNIT_HZ},
              {"MHz", 1000000, 1, UNIT_HZ}, {"s", 1, 1, UNIT_SECOND},
              {"ms", 1, 1000, UNIT_SECOND}, {"us", 1, 1000000, UNIT_SECOND}};
  const char *s = node->text;
  if (!read_rational(&s, &node->num, &node->den)) return false;
  size_t i = 0;
  while (strcmp(unit[i].name, s) != 0)
    i++;
  int64_t g = size_gcd(node->num, node->den);
  node->num /= g ? g : 1;
  node->den /= g ? g : 1;
  if (!size_mul(node->num, unit[i].num, &node->num)) return false;
  if (!size_mul(node->den, unit[i].den, &node->den)) return false;
  g = size_gcd(node->num, node->den);
  node->num /= g ? g : 1;
  node->den /= g ? g : 1;
  node->unit = unit[i].unit;
  return true;
}

static double read_double(Parser *parser, const char *text) {
  char *plain = arena_strdup(parser->arena, text), *to = plain;
  for (const char *s = text; *s; s++)
    if (*s != '_') *to++ = *s;
  *to = 0;
  return strtod(plain, NULL);
}

Node *node_number(Parser *parser, NodeKind kind, Span span, const char *text) {
  Node *node = node_named(parser, kind, span, text, span);
  if (kind == N_INT) {
    const char *s = text;
    if (!read_digits(&s, &node->i, NULL))
      return number_too_large(parser, node, "whole numbers go up to 9223372036854775807");
  } else if (kind == N_QTY) {
    if (!read_quantity(node))
      return number_too_large(parser, node, "this number has too many digits");
  } else {
    node->f = read_double(parser, text);
    if (!isfinite(node->f)) return number_too_large(parser, node, "does not fit a double");
  }
  return node;
}
