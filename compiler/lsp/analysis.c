/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The check of a document. In: its text, and the texts it uses, from open documents before files.
 * Out: models with shapes and diagnostics, kept until the text changes. */
#include "lsp/server.h"

#include <string.h>

/* The server reads weights files up to this size on every pause, and larger ones when a document is
 * opened or saved. */
enum { WEIGHTS_QUICK = 8 * 1024 * 1024 };

typedef struct FileReading {
  LspServer *server;
  Analysis *a;
} FileReading;

static const Source *read_used(void *context, const char *path, const char **reason) {
  FileReading *reading = context;
  Analysis *a = reading->a;
  for (const Document *d = reading->server->documents; d; d = d->next) {
    if (strcmp(uri_path(a->arena, d->uri), path) != 0) continue;
    char *text = arena_alloc(a->arena, d->len + 1);
    memcpy(text, d->text, d->len);
    return sources_add(&a->sources, arena_strdup(a->arena, path), text, d->len);
  }
  size_t len;
  const LspHost *host = reading->server->host;
  char *text = host->read(host->context, a->arena, path, &len, reason);
  return text ? sources_add(&a->sources, arena_strdup(a->arena, path), text, len) : NULL;
}

static const char *beside(Arena *arena, const char *path, const char *name) {
  const char *slash = strrchr(path, '/');
  if (*name == '/' || !slash) return name;
  return arena_printf(arena, "%.*s/%s", (int)(slash - path), path, name);
}

static void check_weights(const LspServer *server, Analysis *a, bool settled) {
  size_t limit = settled ? SIZE_MAX : WEIGHTS_QUICK;
  const LspHost *host = server->host;
  for (int i = 0; i < a->checked.program->n_models && !a->diags->n_errors; i++) {
    Model *model = a->checked.program->model[i];
    if (model->failed || !model->weights.path) continue;
    const char *path = beside(a->arena, a->path, model->weights.path);
    TensorFile *file =
        host->tensors(host->context, a->arena, path, limit, a->diags, model->weights.path_span);
    if (file) model_bind(model, file, a->diags);
    if (!file && !a->absent && !host->exists(host->context, path)) {
      a->absent =
          arena_printf(a->arena, "`%s` does not exist, so the weights of `%s` are not checked",
                       model->weights.path, model->name);
      a->absent_at = model->weights.path_span;
    }
  }
}

static void names_reached(void *context, CheckPoint point, Node *tree, Model *model) {
  FileReading *reading = context;
  const LspHost *host = reading->server->host;
  (void)tree;
  if (point == CHECK_LINTED) host->check_names(host->context, model, reading->a->diags);
}

/* Whether there is a file of ranges next to the document. */
static bool has_ranges(void *context, const Source *source, const Model *model) {
  const FileReading *reading = context;
  LspServer *server = reading->server;
  const char *slash = strrchr(source->path, '/'), *dot = strrchr(source->path, '.');
  size_t stem =
      dot && (!slash || dot > slash) ? (size_t)(dot - source->path) : strlen(source->path);
  (void)model;
  return server->host->exists(server->host->context, arena_printf(reading->a->arena, "%.*s.ranges",
                                                                  (int)stem, source->path));
}

/* Its arena is server->checking, which ends with the message unless it is taken from there. */
static Analysis *analyse(LspServer *server, const Document *d) {
  Arena *arena = server->checking = arena_new(&server->oom);
  if (!arena) longjmp(server->oom, 1);
  Analysis *a = ARENA_NEW(arena, Analysis);
  *a = (Analysis){.arena = arena, .sources = {.arena = arena}, .path = uri_path(arena, d->uri)};
  a->diags = server->host->diags(server->host->context, arena, &a->sources);
  char *text = arena_alloc(arena, d->len + 1);
  memcpy(text, d->text, d->len);
  a->source = sources_add(&a->sources, a->path, text, d->len);
  FileReading reading = {server, a};
  ResolveOptions options = server->host->resolve;
  options.read = read_used;
  options.context = &reading;
  Check check = {.arena = arena,
                 .diags = a->diags,
                 .resolve = &options,
                 .reached = names_reached,
                 .has_ranges = has_ranges,
                 .context = &reading};
  a->checked = check_source(&check, a->source);
  check_weights(server, a, d->settled);
  diags_sort(a->diags);
  return a;
}

Analysis *document_analysis(LspServer *server, Document *d) {
  if (d->analysis && !d->stale) return d->analysis;
  Analysis *fresh = analyse(server, d);
  server->checking = NULL;
  analysis_free(d->analysis);
  d->analysis = fresh;
  d->stale = false;
  return fresh;
}

Analysis *document_analysis_apart(LspServer *server, const Document *d) {
  return analyse(server, d);
}

void analysis_free(Analysis *a) {
  if (a) arena_free(a->arena);
}

void documents_using(LspServer *server, const char *path) {
  for (Document *d = server->documents; d; d = d->next) {
    const Program *p = d->analysis ? d->analysis->checked.program : NULL;
    bool uses = !path;
    for (int i = 0; p && path && i < p->n_used_files; i++)
      uses = uses || strcmp(p->used_file[i], path) == 0;
    /* a file that could not be read may exist now */
    for (const Diag *e = d->analysis ? d->analysis->diags->first : NULL; e && !uses; e = e->next)
      uses = e->code == E213;
    if (uses) d->stale = d->unpublished = true;
  }
}

const char *source_uri(Request *r, uint32_t file) {
  if (file == r->a->source->id) return r->document->uri;
  return path_uri(r->arena, sources_get(&r->a->sources, file)->path);
}

size_t lsp_units(const LspServer *server, const char *s, size_t n) {
  if (server->utf8) return n;
  size_t units = 0, len;
  for (size_t at = 0; at < n; at += len)
    units += text_decode(s + at, n - at, &len) > 0xFFFF ? 2 : 1;
  return units;
}

void add_position(const LspServer *server, Text *out, const Analysis *a, Span span, bool end) {
  const Source *source = sources_get(&a->sources, span.file);
  uint32_t at = end ? span.end : span.begin;
  uint32_t line = source_place(&a->sources, source, at).line;
  uint32_t start = source_line_start(&a->sources, source, line);
  size_t character = lsp_units(server, source->text + start, at > start ? at - start : 0);
  text_printf(out, "{\"line\":%u,\"character\":%zu}", line - 1, character);
}

void add_range(const LspServer *server, Text *out, const Analysis *a, Span span) {
  text_add(out, "{\"start\":");
  add_position(server, out, a, span, false);
  text_add(out, ",\"end\":");
  add_position(server, out, a, span, true);
  text_add_char(out, '}');
}

void add_location(Request *r, Text *out, Span span) {
  text_add(out, "{\"uri\":");
  text_add_json(out, source_uri(r, span.file));
  text_add(out, ",\"range\":");
  add_range(r->server, out, r->a, span);
  text_add_char(out, '}');
}

bool span_holds(const Analysis *a, Span span, uint32_t at) {
  return span.file == a->source->id && span.begin <= at && at <= span.end;
}

const Layer *layer_at(const Analysis *a, uint32_t at, const Model **model) {
  const Layer *best = NULL;
  const Program *p = a->checked.program;
  for (int i = 0; i < p->n_models; i++)
    for (int k = 0; k < p->model[i]->n_layers; k++) {
      const Layer *layer = p->model[i]->layer[k];
      if (!span_holds(a, layer->span, at)) continue;
      if (best && layer->span.end - layer->span.begin >= best->span.end - best->span.begin)
        continue;
      best = layer;
      *model = p->model[i];
    }
  return best;
}

const Value *value_named(const Analysis *a, Span name, const Model **model) {
  const Program *p = a->checked.program;
  for (int i = 0; i < p->n_models; i++) {
    const Model *m = *model = p->model[i];
    for (int k = 0; k < m->n_values; k++)
      if (m->value[k]->name_span.file == name.file && m->value[k]->name_span.begin == name.begin)
        return m->value[k];
    for (int k = 0; k < m->n_out; k++)
      if (m->out[k]->name_span.file == name.file && m->out[k]->name_span.begin == name.begin)
        return m->out[k]->value;
  }
  return NULL;
}
