/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Diagnostics as the protocol has them. The message holds what a terminal would show: the label at
 * the place and the notes; labels elsewhere and the way of the shape are related places. */
#include "lsp/server.h"

#include "base/render.h"

#include <string.h>

enum { SHOWN_MAX = 200 };

void notify(LspServer *server, Arena *arena, const char *method, const char *params) {
  Text body = text_new(arena), head = text_new(arena);
  text_printf(&body, "{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"params\":%s}", method, params);
  text_printf(&head, "Content-Length: %zu\r\n\r\n", body.len);
  text_add_n(&head, text_str(&body), body.len);
  server->host->send(server->host->context, text_str(&head), head.len);
}

/* The `use` through which another file came in: the first one that could have. */
static Span use_span(const Analysis *a) {
  const Node *tree = a->checked.tree;
  for (size_t i = 0; i < tree->n; i++)
    if (node_is(tree->kid[i], N_USE)) return tree->kid[i]->span;
  return (Span){a->source->id, 0, 0};
}

Span diag_shown(const Analysis *a, const Diag *d) {
  if (d->span.file == a->source->id) return d->span;
  if (span_valid(d->span)) return use_span(a);
  return (Span){a->source->id, 0, 0};
}

static const char *place_uri(Arena *arena, const Analysis *a, const char *uri, Span span) {
  if (span.file == a->source->id) return uri;
  return path_uri(arena, sources_get(&a->sources, span.file)->path);
}

typedef struct Related {
  const LspServer *server;
  Text *out;
  const Analysis *a;
  const char *uri;
  int n;
} Related;

static void add_related(Related *r, Span span, const char *message) {
  if (!span_valid(span) || !message) return;
  text_add(r->out, r->n++ ? ",{\"location\":{\"uri\":" : "{\"location\":{\"uri\":");
  text_add_json(r->out, place_uri(r->out->arena, r->a, r->uri, span));
  text_add(r->out, ",\"range\":");
  add_range(r->server, r->out, r->a, span);
  text_add(r->out, "},\"message\":");
  text_add_json(r->out, message);
  text_add_char(r->out, '}');
}

static void add_places(const LspServer *server, Text *out, const Analysis *a, const char *uri,
                       const Diag *d) {
  Related r = {server, out, a, uri, 0};
  text_add(out, ",\"relatedInformation\":[");
  if (span_valid(d->span) && d->span.file != a->source->id) add_related(&r, d->span, d->message);
  for (size_t i = 0; i < d->n_labels; i++)
    add_related(&r, d->labels[i].span, d->labels[i].text);
  for (size_t i = 0; i < d->n_trace; i++) {
    const DiagStep *step = &d->trace[i];
    Text row = text_new(out->arena);
    text_printf(&row, "%s  %s", step->code ? step->code : "", step->shape ? step->shape : "");
    if (step->note) text_printf(&row, "  (%s)", step->note);
    add_related(&r, step->span, text_str(&row));
  }
  text_add_char(out, ']');
}

static const char *message_of(Arena *arena, const Analysis *a, const Diag *d) {
  Text text = text_new(arena);
  if (span_valid(d->span) && d->span.file != a->source->id)
    text_printf(&text, "in %s: ", sources_get(&a->sources, d->span.file)->path);
  text_add(&text, d->message);
  if (d->label) text_printf(&text, "\n%s", d->label);
  const char **note;
  size_t n = diag_all_notes(d, &note);
  for (size_t i = 0; i < n; i++)
    text_printf(&text, "\nnote: %s", note[i]);
  for (size_t i = 0; i < d->n_fixes; i++)
    text_printf(&text, "\n%s: %s", d->fixes[i]->kind == FIX_SURE ? "fix" : "help",
                d->fixes[i]->title);
  return text_str(&text);
}

static int severity_of(const Diag *d) {
  return d->level == LEVEL_ERROR ? 1 : d->level == LEVEL_WARNING ? 2 : 3;
}

/* Lints about what nothing reads are shown faded. */
static bool is_unused(const Diag *d) {
  const char *name = diag_info[d->code].name;
  return name && strncmp(name, "unused", 6) == 0;
}

void add_diagnostic(const LspServer *server, Text *out, const Analysis *a, const char *uri,
                    const Diag *d) {
  const DiagInfo *info = &diag_info[d->code];
  text_add(out, "{\"range\":");
  add_range(server, out, a, diag_shown(a, d));
  text_printf(out,
              ",\"severity\":%d,\"code\":\"%s\",\"source\":\"grus\",\"message\":", severity_of(d),
              info->code);
  text_add_json(out, message_of(out->arena, a, d));
  if (is_unused(d)) text_add(out, ",\"tags\":[1]");
  add_places(server, out, a, uri, d);
  text_add_char(out, '}');
}

/* A file that may come later: no error, and said as long as it is not there. */
static void add_absent(const LspServer *server, Text *out, const Analysis *a) {
  enum { INFORMATION = 3 };
  text_add(out, "{\"range\":");
  add_range(server, out, a, a->absent_at);
  text_printf(out, ",\"severity\":%d,\"source\":\"grus\",\"message\":", INFORMATION);
  text_add_json(out, a->absent);
  text_add_char(out, '}');
}

static void send_all(LspServer *server, Arena *arena, const char *uri, const char *version,
                     const char *diagnostics) {
  Text params = text_new(arena);
  text_add(&params, "{\"uri\":");
  text_add_json(&params, uri);
  text_printf(&params, "%s,\"diagnostics\":[%s]}", version, diagnostics);
  notify(server, arena, "textDocument/publishDiagnostics", text_str(&params));
}

void publish(LspServer *server, Document *d) {
  Analysis *a = document_analysis(server, d);
  Arena *arena = server->scratch;
  Text list = text_new(arena);
  int n = 0;
  for (const Diag *diag = a->diags->first; diag && n < SHOWN_MAX; diag = diag->next) {
    if (n++) text_add_char(&list, ',');
    add_diagnostic(server, &list, a, d->uri, diag);
  }
  if (a->absent) {
    if (n) text_add_char(&list, ',');
    add_absent(server, &list, a);
  }
  d->unpublished = false;
  send_all(server, arena, d->uri, arena_printf(arena, ",\"version\":%lld", (long long)d->version),
           text_str(&list));
}

void publish_nothing(LspServer *server, const char *uri) {
  send_all(server, server->scratch, uri, "", "");
}
