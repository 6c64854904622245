/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Edits that lints suggest: a statement is deleted, or a layer in the middle of a pipeline gets a
 * name. */
#include "model/graph/identifier.h"
#include "model/lint/lint.h"

#include <string.h>

bool lint_drop_statement(const Infer *lint, Fix *fix, Span statement) {
  const Sources *sources = lint->diags->sources;
  const Source *source = sources_get(sources, statement.file);
  Span lines = span_lines(sources, statement);
  if (!source || (lines.begin == statement.begin && lines.end == statement.end)) return false;
  uint32_t first = source_place(sources, source, statement.begin).line;
  for (size_t len; first > 1; first--) {
    const char *line = source_line(sources, source, first - 1, &len);
    size_t indent = strspn(line, " \t");
    if (indent + 2 > len || line[indent] != '#' || line[indent + 1] != '#') break;
  }
  lines.begin = source_line_start(sources, source, first);
  fix_edit(fix, lines, "%s", "");
  return true;
}

/* Whether the text of the model has a word other than as a field: it may be a param or a block,
 * also one of a file that it uses, and a value of that name would hide it. */
static bool text_has(const Infer *lint, const char *word) {
  const Source *source = sources_get(lint->diags->sources, lint->model->name_span.file);
  size_t n = strlen(word);
  if (!source) return false;
  for (const char *at = strstr(source->text, word); at; at = strstr(at + 1, word)) {
    char before = at > source->text ? at[-1] : ' ';
    if (!identifier_has(before) && before != '.' && !identifier_has(at[n])) return true;
  }
  return false;
}

const char *lint_fresh_name(const Infer *lint, const char *wanted) {
  const Model *model = lint->model;
  for (int n = 1;; n++) {
    const char *name = n == 1 ? wanted : arena_printf(lint->arena, "%s%d", wanted, n);
    bool taken = identifier_reserved(name) || text_has(lint, name);
    for (int i = 0; i < model->n_values; i++)
      taken |= model->value[i]->name && strcmp(model->value[i]->name, name) == 0;
    for (int i = 0; i < model->n_out; i++)
      taken |= strcmp(model->out[i]->name, name) == 0;
    if (!taken) return name;
  }
}

/* The span of the `out` or `let` that contains a place; none if no statement of the model does. */
static Span statement_at(const Model *model, Span at) {
  for (int i = 0; i < model->n_out; i++)
    if (span_within(at, model->out[i]->span)) return model->out[i]->span;
  for (int i = 0; i < model->n_lets; i++)
    if (span_within(at, model->let[i]->span)) return model->let[i]->span;
  return span_none();
}

const char *lint_name_layer(Infer *lint, Fix *fix, const Layer *layer, const char *wanted,
                            const char *field, uint32_t end) {
  const Layer *first = layer;
  while (span_valid(first->pipe) && first->in[0]->layer && !first->in[0]->name &&
         span_valid(first->in[0]->layer->pipe))
    first = first->in[0]->layer;
  Span head = first->in_span[0], statement = statement_at(lint->model, layer->span);
  const Source *source = sources_get(lint->diags->sources, statement.file);
  if (!source || layer->call || !span_valid(first->pipe) || !span_within(head, statement))
    return NULL;
  uint32_t line = statement.begin;
  while (line > 0 && strchr(" \t", source->text[line - 1]))
    line--;
  if (line > 0 && source->text[line - 1] != '\n') return NULL;
  const char *name = lint_fresh_name(lint, wanted);
  const char *indent = arena_strndup(lint->arena, source->text + line, statement.begin - line);
  Span pipeline = {head.file, head.begin, layer->span.end};
  fix_edit(fix, (Span){head.file, line, line}, "%slet %s = %s\n", indent, name,
           span_text(lint->arena, lint->diags->sources, pipeline));
  fix_edit(fix, (Span){head.file, head.begin, end}, "%s%s", name, field);
  return name;
}
