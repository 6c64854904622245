/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Symbols and folding, from the syntax tree. */
#include "lsp/server.h"

#include <string.h>

/* Kinds of symbols of the protocol. */
enum {
  SYMBOL_CLASS = 5,
  SYMBOL_PROPERTY = 7,
  SYMBOL_FUNCTION = 12,
  SYMBOL_VARIABLE = 13,
  SYMBOL_CONSTANT = 14,
  SYMBOL_EVENT = 24
};

static int symbol_kind(const Node *node) {
  if (node_is(node, N_MODEL)) return SYMBOL_CLASS;
  if (node_is(node, N_BLOCK)) return SYMBOL_FUNCTION;
  if (node_is(node, N_PARAM) || node_is(node, N_FORMAL)) return SYMBOL_CONSTANT;
  if (node_is(node, N_IN)) return SYMBOL_PROPERTY;
  if (node_is(node, N_OUT)) return SYMBOL_EVENT;
  if (node_is(node, N_LET)) return SYMBOL_VARIABLE;
  return 0;
}

static void add_detail(Request *r, Text *out, const Node *node) {
  const Model *model;
  const Value *v = value_named(r->a, node->at, &model);
  if (!v || !v->typed) return;
  Text type = text_new(r->arena);
  text_add_type(&type, &v->type, true);
  text_add(out, ",\"detail\":");
  text_add_json(out, text_str(&type));
}

static void add_symbols(Request *r, Text *out, const Node *node, int *n);

static void add_symbol(Request *r, Text *out, const Node *node, int *n) {
  text_add(out, (*n)++ ? ",{\"name\":" : "{\"name\":");
  text_add_json(out, node->text && *node->text ? node->text : "?");
  text_printf(out, ",\"kind\":%d,\"range\":", symbol_kind(node));
  add_range(r->server, out, r->a, node->span);
  text_add(out, ",\"selectionRange\":");
  add_range(r->server, out, r->a, node->at);
  bool body = node_is(node, N_MODEL) || node_is(node, N_BLOCK);
  if (!body)
    add_detail(r, out, node);
  else {
    int kids = 0;
    text_add(out, ",\"children\":[");
    add_symbols(r, out, node, &kids);
    text_add_char(out, ']');
  }
  text_add_char(out, '}');
}

static void add_symbols(Request *r, Text *out, const Node *node, int *n) {
  for (size_t i = 0; i < node->n; i++) {
    const Node *kid = node->kid[i];
    if (symbol_kind(kid))
      add_symbol(r, out, kid, n);
    else if (node_is(kid, N_BODY) || node_is(kid, N_FORMALS))
      add_symbols(r, out, kid, n);
  }
}

void answer_symbols(Request *r, Text *out) {
  int n = 0;
  text_add_char(out, '[');
  add_symbols(r, out, r->a->checked.tree, &n);
  text_add_char(out, ']');
}

static uint32_t line_of(const Analysis *a, uint32_t at) {
  return source_place(&a->sources, a->source, at).line - 1;
}

static void add_fold(Text *out, uint32_t from, uint32_t to, const char *kind, int *n) {
  if (to <= from) return;
  if ((*n)++) text_add_char(out, ',');
  text_printf(out, "{\"startLine\":%u,\"endLine\":%u%s}", from, to, kind);
}

/* Runs of comments on lines of their own. */
static void add_comments(Request *r, Text *out, int *n) {
  size_t n_words;
  Word *word = classify(r->arena, &r->a->sources, r->a->source, &n_words);
  uint32_t first = 0, last = 0;
  bool open = false;
  for (size_t i = 0; i <= n_words; i++) {
    bool comment = i < n_words && word[i].kind == WORD_COMMENT;
    uint32_t line = comment ? line_of(r->a, word[i].span.begin) : 0;
    if (open && comment && line == last + 1) {
      last = line;
      continue;
    }
    if (open) add_fold(out, first, last, ",\"kind\":\"comment\"", n);
    open = comment;
    first = last = line;
  }
}

void answer_folding(Request *r, Text *out) {
  const Node *tree = r->a->checked.tree;
  int n = 0;
  text_add_char(out, '[');
  for (size_t i = 0; i < tree->n; i++) {
    const Node *item = tree->kid[i];
    if (!node_is(item, N_MODEL) && !node_is(item, N_BLOCK)) continue;
    uint32_t end = line_of(r->a, item->span.end);
    add_fold(out, line_of(r->a, item->span.begin), end ? end - 1 : 0, "", &n);
    const Node *body = item->n ? item->kid[item->n - 1] : item;
    for (size_t k = 0; node_is(body, N_BODY) && k < body->n; k++)
      add_fold(out, line_of(r->a, body->kid[k]->span.begin), line_of(r->a, body->kid[k]->span.end),
               "", &n);
  }
  add_comments(r, out, &n);
  text_add_char(out, ']');
}
