/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Where a name is defined and used, from the references that resolving noted. */
#include "lsp/server.h"

#include "base/render.h"

#include <string.h>

/* Definitions of the main text: names of statements and items. */
static bool defines_at(const Analysis *a, const Node *node, uint32_t at, Span *out) {
  bool names = node_is(node, N_PARAM) || node_is(node, N_BLOCK) || node_is(node, N_MODEL) ||
               node_is(node, N_FORMAL) || node_is(node, N_IN) || node_is(node, N_OUT) ||
               node_is(node, N_LET);
  if (names && span_holds(a, node->at, at)) {
    *out = node->at;
    return true;
  }
  bool holds = node_is(node, N_FILE) || node_is(node, N_BLOCK) || node_is(node, N_MODEL) ||
               node_is(node, N_BODY) || node_is(node, N_FORMALS);
  for (size_t i = 0; holds && i < node->n; i++)
    if (defines_at(a, node->kid[i], at, out)) return true;
  return false;
}

Span definition_at(const Analysis *a, uint32_t at) {
  const Program *p = a->checked.program;
  for (size_t i = 0; i < p->n_references; i++)
    if (span_holds(a, p->reference[i].at, at)) return p->reference[i].definition;
  Span span = span_none();
  defines_at(a, a->checked.tree, at, &span);
  return span;
}

static bool same_span(Span a, Span b) {
  return a.file == b.file && a.begin == b.begin && a.end == b.end;
}

/* The file a `use` or `weights` names, if the offset is in its string. */
static const char *file_at(Request *r, const Node *node) {
  bool names = node_is(node, N_USE) || node_is(node, N_WEIGHTS) || node_is(node, N_RANGES);
  if (names && node->text && span_holds(r->a, node->at, r->at)) {
    const char *slash = strrchr(r->a->path, '/');
    if (*node->text == '/' || !slash) return node->text;
    return arena_printf(r->arena, "%.*s/%s", (int)(slash - r->a->path), r->a->path, node->text);
  }
  for (size_t i = 0; i < node->n && !names; i++) {
    const char *path = file_at(r, node->kid[i]);
    if (path) return path;
  }
  return NULL;
}

void answer_definition(Request *r, Text *out) {
  Span span = definition_at(r->a, r->at);
  if (span_valid(span)) {
    add_location(r, out, span);
    return;
  }
  const char *path = file_at(r, r->a->checked.tree);
  if (!path) return;
  text_add(out, "{\"uri\":");
  text_add_json(out, path_uri(r->arena, path));
  text_add(
      out,
      ",\"range\":{\"start\":{\"line\":0,\"character\":0},\"end\":{\"line\":0,\"character\":0}}}");
}

static void add_links(Request *r, Text *out, const Node *node, int *n) {
  if (node_is(node, N_USE) || node_is(node, N_WEIGHTS) || node_is(node, N_RANGES)) {
    r->at = node->at.begin;
    const char *path = file_at(r, node);
    if (!path) return;
    text_add(out, (*n)++ ? ",{\"range\":" : "{\"range\":");
    add_range(r->server, out, r->a, node->at);
    text_add(out, ",\"target\":");
    text_add_json(out, path_uri(r->arena, path));
    text_add_char(out, '}');
  }
  bool holds = node_is(node, N_FILE) || node_is(node, N_MODEL) || node_is(node, N_BODY);
  for (size_t i = 0; holds && i < node->n; i++)
    add_links(r, out, node->kid[i], n);
}

void answer_document_link(Request *r, Text *out) {
  int n = 0;
  text_add_char(out, '[');
  add_links(r, out, r->a->checked.tree, &n);
  text_add_char(out, ']');
}

void answer_references(Request *r, Text *out) {
  Span definition = definition_at(r->a, r->at);
  const json_t *context = json_object_get(r->params, "context");
  bool itself = json_is_true(json_object_get(context, "includeDeclaration"));
  int n = 0;
  text_add_char(out, '[');
  if (itself && span_valid(definition)) {
    add_location(r, out, definition);
    n++;
  }
  const Program *p = r->a->checked.program;
  for (size_t i = 0; span_valid(definition) && i < p->n_references; i++) {
    if (!same_span(p->reference[i].definition, definition)) continue;
    if (n++) text_add_char(out, ',');
    add_location(r, out, p->reference[i].at);
  }
  text_add_char(out, ']');
}

void answer_highlight(Request *r, Text *out) {
  Span definition = definition_at(r->a, r->at);
  const Program *p = r->a->checked.program;
  int n = 0;
  text_add_char(out, '[');
  if (definition.file == r->a->source->id) {
    text_add(out, "{\"range\":");
    add_range(r->server, out, r->a, definition);
    text_add(out, ",\"kind\":3}");
    n++;
  }
  for (size_t i = 0; span_valid(definition) && i < p->n_references; i++) {
    const Reference *ref = &p->reference[i];
    if (!same_span(ref->definition, definition) || ref->at.file != r->a->source->id) continue;
    text_add(out, n++ ? ",{\"range\":" : "{\"range\":");
    add_range(r->server, out, r->a, ref->at);
    text_add(out, ",\"kind\":2}");
  }
  text_add_char(out, ']');
}

void answer_prepare_rename(Request *r, Text *out) {
  Span definition = definition_at(r->a, r->at);
  if (!span_valid(definition)) return;
  const Program *p = r->a->checked.program;
  Span here = definition;
  for (size_t i = 0; i < p->n_references; i++)
    if (span_holds(r->a, p->reference[i].at, r->at)) here = p->reference[i].at;
  if (here.file == r->a->source->id) add_range(r->server, out, r->a, here);
}

/* Names alone, without keywords. */
static bool is_name(Arena *arena, const char *s) {
  size_t n;
  if (!s || !*s || strlen(s) > 1000) return false;
  Sources sources = {.arena = arena};
  Word *word = classify(arena, &sources, sources_add(&sources, "", s, strlen(s)), &n);
  return n == 1 && word->kind == WORD_NAME && word->span.end - word->span.begin == strlen(s);
}

/* The main text with the old name replaced by the new one. */
static const char *renamed(Request *r, Span definition, const char *name, size_t *len) {
  const Program *p = r->a->checked.program;
  Fix fix = {.diags = r->a->diags};
  fix.edits = ARENA_ARRAY(r->arena, FixEdit, p->n_references + 1);
  if (definition.file == r->a->source->id) fix.edits[fix.n_edits++] = (FixEdit){definition, name};
  for (size_t i = 0; i < p->n_references; i++) {
    const Reference *ref = &p->reference[i];
    if (same_span(ref->definition, definition) && ref->at.file == r->a->source->id)
      fix.edits[fix.n_edits++] = (FixEdit){ref->at, name};
  }
  return fix_apply(r->arena, r->a->source, &fix, len);
}

/* The number of errors of the renamed main text. */
static size_t errors_of(Request *r, const char *text, size_t len) {
  Sources sources = {.arena = r->arena};
  Diags *diags = r->server->host->diags(r->server->host->context, r->arena, &sources);
  ResolveOptions options = r->server->host->resolve;
  options.read = NULL;
  Check check = {.arena = r->arena, .diags = diags, .resolve = &options};
  check_source(&check, sources_add(&sources, r->a->path, text, len));
  return diags->n_errors;
}

static void add_change(Request *r, Text *out, Span span, const char *name, int *n) {
  text_add(out, (*n)++ ? ",{\"range\":" : "{\"range\":");
  add_range(r->server, out, r->a, span);
  text_add(out, ",\"newText\":");
  text_add_json(out, name);
  text_add_char(out, '}');
}

static void add_file_changes(Request *r, Text *out, uint32_t file, Span definition,
                             const char *name, int *files) {
  const Program *p = r->a->checked.program;
  Text edits = text_new(r->arena);
  int n = 0;
  if (definition.file == file) add_change(r, &edits, definition, name, &n);
  for (size_t i = 0; i < p->n_references; i++)
    if (p->reference[i].at.file == file && same_span(p->reference[i].definition, definition))
      add_change(r, &edits, p->reference[i].at, name, &n);
  if (!n) return;
  if ((*files)++) text_add_char(out, ',');
  text_add_json(out, source_uri(r, file));
  text_printf(out, ":[%s]", text_str(&edits));
}

void answer_rename(Request *r, Text *out) {
  const char *name = json_string_value(json_object_get(r->params, "newName"));
  Span definition = definition_at(r->a, r->at);
  size_t len;
  if (!span_valid(definition))
    r->error = "there is no name here";
  else if (!is_name(r->arena, name))
    r->error = "a name is letters, digits and `_`, and no keyword";
  if (r->error) return;
  const char *text = renamed(r, definition, name, &len);
  size_t before = errors_of(r, r->a->source->text, r->a->source->len);
  if (errors_of(r, text, len) > before) {
    r->error = arena_printf(
        r->arena, "`%s` means something else here: the model would have new errors", name);
    return;
  }
  int files = 0;
  text_add(out, "{\"changes\":{");
  for (uint32_t file = 1; file <= r->a->sources.n; file++)
    add_file_changes(r, out, file, definition, name, &files);
  text_add(out, "}}");
}
