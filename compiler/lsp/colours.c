/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Semantic tokens and formatting. Classes come from the lexer; what a name is, from the table of
 * stages and from resolving. The legend of server.c has this order. */
#include "lsp/server.h"

#include "base/map.h"

#include <string.h>

enum {
  KEYWORD,
  TYPE,
  VARIABLE,
  NUMBER,
  STRING,
  SIGN,
  COMMENT,
  FUNCTION,
  CLASS,
  PARAMETER,
  PROPERTY
};

static int class_of(const Word *word) {
  static const int of[] = {
      [WORD_KEYWORD] = KEYWORD, [WORD_TYPE] = TYPE, [WORD_NAME] = VARIABLE,  [WORD_NUMBER] = NUMBER,
      [WORD_STRING] = STRING,   [WORD_SIGN] = SIGN, [WORD_COMMENT] = COMMENT};
  return of[word->kind];
}

/* What the names of items are, by the place of their definition. */
static void note_kinds(Request *r, Map *kinds, const Node *node) {
  static char function[] = "f", parameter[] = "p", class[] = "c";
  char *kind = node_is(node, N_BLOCK) ? function : node_is(node, N_MODEL) ? class : parameter;
  bool noted = node_is(node, N_BLOCK) || node_is(node, N_MODEL) || node_is(node, N_PARAM) ||
               node_is(node, N_FORMAL);
  if (noted)
    map_put(r->arena, kinds, arena_printf(r->arena, "%u:%u", node->at.file, node->at.begin), kind);
  for (size_t i = 0; i < node->n; i++)
    if (node_is(node->kid[i], N_FORMALS) || node_is(node, N_FILE) || node_is(node, N_FORMALS))
      note_kinds(r, kinds, node->kid[i]);
}

static int kind_class(const char *kind) {
  return !kind ? VARIABLE : *kind == 'f' ? FUNCTION : *kind == 'c' ? CLASS : PARAMETER;
}

/* Names used, by the place of their use: the kind of their definition. */
static void note_uses(Request *r, Map *kinds) {
  const Program *p = r->a->checked.program;
  for (size_t i = 0; i < p->n_references; i++) {
    const Reference *ref = &p->reference[i];
    char *kind = map_get(
        kinds, arena_printf(r->arena, "%u:%u", ref->definition.file, ref->definition.begin));
    if (kind)
      map_put(r->arena, kinds, arena_printf(r->arena, "%u:%u", ref->at.file, ref->at.begin), kind);
  }
}

static int name_class(Request *r, const Map *kinds, const Word *words, size_t n, size_t i) {
  const char *text = r->a->source->text;
  Span span = words[i].span;
  char after = i + 1 < n ? text[words[i + 1].span.begin] : 0;
  const char *kind = map_get(kinds, arena_printf(r->arena, "%u:%u", span.file, span.begin));
  if (kind) return kind_class(kind);
  if (i && text[words[i - 1].span.begin] == '.' && words[i - 1].kind == WORD_SIGN) return PROPERTY;
  if (layer_info_find(arena_strndup(r->arena, text + span.begin, span.end - span.begin)) &&
      after != '=')
    return FUNCTION;
  bool in_call =
      i && (text[words[i - 1].span.begin] == '(' || text[words[i - 1].span.begin] == ',');
  return after == '=' && in_call ? PROPERTY : VARIABLE;
}

void answer_semantic_tokens(Request *r, Text *out) {
  size_t n;
  const Source *source = r->a->source;
  Word *word = classify(r->arena, &r->a->sources, source, &n);
  Map kinds = {0};
  note_kinds(r, &kinds, r->a->checked.tree);
  note_uses(r, &kinds);
  uint32_t line = 0, line_begin = 0, at = 0;
  size_t last_line = 0, last_column = 0;
  text_add(out, "{\"data\":[");
  bool first = true;
  for (size_t i = 0; i < n; i++) {
    Span span = word[i].span;
    for (; at < span.begin; at++)
      if (source->text[at] == '\n') {
        line++;
        line_begin = at + 1;
      }
    int class = word[i].kind == WORD_NAME ? name_class(r, &kinds, word, n, i) : class_of(&word[i]);
    const char *end = memchr(source->text + span.begin, '\n', span.end - span.begin);
    size_t len = end ? (size_t)(end - source->text) - span.begin : span.end - span.begin;
    size_t column = lsp_units(r->server, source->text + line_begin, span.begin - line_begin);
    text_printf(out, "%s%zu,%zu,%zu,%d,0", first ? "" : ",", line - last_line,
                line == last_line ? column - last_column : column,
                lsp_units(r->server, source->text + span.begin, len), class);
    first = false;
    last_line = line;
    last_column = column;
  }
  text_add(out, "]}");
}

void answer_formatting(Request *r, Text *out) {
  Diags *silent = diags_new(r->arena, &r->a->sources);
  const char *text = format(r->arena, r->a->source, silent);
  if (!text) return; /* syntax errors: nothing is touched */
  if (strlen(text) == r->a->source->len &&
      memcmp(text, r->a->source->text, r->a->source->len) == 0) {
    text_add(out, "[]");
    return;
  }
  text_add(out, "[{\"range\":");
  add_range(r->server, out, r->a, (Span){r->a->source->id, 0, (uint32_t)r->a->source->len});
  text_add(out, ",\"newText\":");
  text_add_json(out, text);
  text_add(out, "}]");
}
