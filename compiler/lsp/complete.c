/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What could be typed at the cursor: stages after `|>`, options and their words in brackets,
 * names, labels, types, lints, tensors of the weights file. Answered from the last check, so that
 * it never waits for one. */
#include "lsp/server.h"

#include <string.h>

/* Kinds of items of the protocol. */
enum {
  ITEM_FUNCTION = 3,
  ITEM_FIELD = 5,
  ITEM_VARIABLE = 6,
  ITEM_CLASS = 7,
  ITEM_PROPERTY = 10,
  ITEM_VALUE = 12,
  ITEM_KEYWORD = 14,
  ITEM_FILE = 17,
  ITEM_CONSTANT = 21,
  ITEM_TYPE = 25
};

typedef struct Items {
  Request *r;
  Text *out;
  const Cursor *c;
  int n;
} Items;

/* text: what is inserted, NULL for the label; `$1` in it is where the cursor goes. */
static void add_item(Items *items, const char *label, int kind, const char *detail,
                     const char *text, char order) {
  Text *out = items->out;
  text_add(out, items->n++ ? ",{\"label\":" : "{\"label\":");
  text_add_json(out, label);
  text_printf(out, ",\"kind\":%d,\"sortText\":\"%c%04d\"", kind, order, items->n);
  if (detail && *detail) {
    text_add(out, ",\"detail\":");
    text_add_json(out, detail);
  }
  if (text) {
    text_add(out, ",\"insertText\":");
    text_add_json(out, text);
    if (strchr(text, '$')) text_add(out, ",\"insertTextFormat\":2");
  }
  text_add_char(out, '}');
}

static void add_words(Items *items, const char *words, int kind, const char *detail) {
  TextWord word;
  while (words_next(&words, &word))
    add_item(items, arena_strndup(items->r->arena, word.s, word.len), kind, detail, NULL, 'a');
}

/* Whether a stage must be given something in brackets. */
static bool needs_arguments(const LayerInfo *info) {
  for (int i = 0; i < layer_opt_count(info); i++)
    if (!*info->opts[i].fallback) return true;
  return (info->flags & MULTI) != 0;
}

static void add_stages(Items *items) {
  for (int i = 0; i < LAYER_KIND_COUNT; i++) {
    const LayerInfo *info = layer_info((LayerKind)i);
    if (info->flags & OPERATOR) continue;
    const char *text =
        needs_arguments(info) ? arena_printf(items->r->arena, "%s($1)", info->name) : NULL;
    add_item(items, info->name, ITEM_FUNCTION, info->rule, text, 'b');
  }
}

static const char *type_detail(Items *items, const Value *v) {
  if (!v || !v->typed) return "";
  Text text = text_new(items->r->arena);
  text_add_type(&text, &v->type, true);
  return text_str(&text);
}

static void add_item_names(Items *items, const Node *tree, NodeKind kind, int item_kind,
                           const char *detail) {
  for (size_t i = 0; i < tree->n; i++)
    if (node_is(tree->kid[i], kind) && tree->kid[i]->text)
      add_item(items, tree->kid[i]->text, item_kind, detail,
               kind == N_BLOCK ? arena_printf(items->r->arena, "%s($1)", tree->kid[i]->text) : NULL,
               'a');
}

/* The model or block of the last check in which the cursor is. Texts have moved since; the nearest
 * one that begins before the cursor serves. */
static const Node *body_around(const Analysis *a, uint32_t at) {
  const Node *best = NULL, *tree = a->checked.tree;
  for (size_t i = 0; i < tree->n; i++) {
    const Node *item = tree->kid[i];
    bool has_body = node_is(item, N_MODEL) || node_is(item, N_BLOCK);
    if (has_body && (!best || item->span.begin <= at)) best = item;
  }
  return best;
}

static void add_formals(Items *items, const Node *around) {
  const Node *formals = node_is(around, N_BLOCK) ? around->kid[0] : around;
  for (size_t i = 0; node_is(formals, N_FORMALS) && i < formals->n; i++)
    add_item(items, formals->kid[i]->text, ITEM_CONSTANT, "formal", NULL, 'a');
}

static void add_values(Items *items) {
  const Analysis *a = items->r->a;
  const Node *around = body_around(a, items->r->at);
  if (!around) return;
  const Node *body = around->kid[around->n - 1];
  const Model *model;
  for (size_t i = 0; node_is(body, N_BODY) && i < body->n; i++) {
    const Node *n = body->kid[i];
    if ((node_is(n, N_IN) || node_is(n, N_LET) || node_is(n, N_OUT)) && n->text)
      add_item(items, n->text, ITEM_VARIABLE, type_detail(items, value_named(a, n->at, &model)),
               NULL, 'a');
  }
}

/* Params of the file, and formals of the block. */
static void add_params(Items *items) {
  add_item_names(items, items->r->a->checked.tree, N_PARAM, ITEM_CONSTANT, "param");
  const Node *around = body_around(items->r->a, items->r->at);
  if (around) add_formals(items, around);
}

/* Fields of the value before the point. */
static void add_fields(Items *items) {
  const Program *p = items->r->a->checked.program;
  for (int i = 0; i < p->n_models; i++)
    for (int k = 0; k < p->model[i]->n_values; k++) {
      const Value *v = p->model[i]->value[k];
      if (!v->name || strcmp(v->name, items->c->name) != 0 || !v->layer || v != v->layer->out[0])
        continue;
      for (int f = 1; f < LAYER_MAX_RESULTS && v->layer->out[f]; f++)
        add_item(items, v->layer->out[f]->field, ITEM_FIELD, type_detail(items, v->layer->out[f]),
                 NULL, 'a');
      return;
    }
}

/* Prefixes under which the weights file has tensors, with their shapes. */
static void add_tensors(Items *items) {
  Request *r = items->r;
  const Program *p = r->a->checked.program;
  const LspHost *host = r->server->host;
  Diags *silent = diags_new(r->arena, &r->a->sources);
  for (int i = 0; i < p->n_models; i++) {
    const char *path = p->model[i]->weights.path, *slash = strrchr(r->a->path, '/');
    if (!path) continue;
    if (*path != '/' && slash)
      path = arena_printf(r->arena, "%.*s/%s", (int)(slash - r->a->path), r->a->path, path);
    TensorFile *file = host->tensors(host->context, r->arena, path, SIZE_MAX, silent, span_none());
    const char *last = "";
    for (int k = 0; file && k < file->n; k++) {
      const char *name = file->tensor[k].name, *end = strrchr(name, '.');
      if (!end) end = strrchr(name, '/');
      const char *prefix = end ? arena_strndup(r->arena, name, (size_t)(end - name)) : name;
      if (strcmp(prefix, last) == 0) continue;
      add_item(items, prefix, ITEM_FILE,
               arena_printf(r->arena, "%s %s", name, tensor_shape_str(r->arena, &file->tensor[k])),
               NULL, 'a');
      last = prefix;
    }
    if (file) return;
  }
}

static bool is_value_option(const OptInfo *opt) {
  return opt->kind == OPTK_STATE || opt->kind == OPTK_VALUE;
}

static const char *option_detail(Items *items, const OptInfo *opt) {
  if (!*opt->fallback) return "required";
  if (opt->words) return opt->words;
  return *opt->fallback == '-' && !opt->fallback[1]
             ? "optional"
             : arena_printf(items->r->arena, "default %s", opt->fallback);
}

static void add_options(Items *items, const LayerInfo *info) {
  for (int i = 0; i < layer_opt_count(info); i++) {
    const OptInfo *opt = &info->opts[i];
    add_item(items, arena_printf(items->r->arena, "%s=", opt->name), ITEM_PROPERTY,
             option_detail(items, opt), NULL, 'a');
  }
  if (!items->c->piped || (info->flags & MULTI)) add_values(items);
  add_params(items);
}

static void add_block_formals(Items *items, const char *name) {
  const Node *tree = items->r->a->checked.tree;
  for (size_t i = 0; i < tree->n; i++) {
    const Node *block = tree->kid[i], *formals = block->n ? block->kid[0] : block;
    if (!node_is(block, N_BLOCK) || !block->text || strcmp(block->text, name) != 0) continue;
    for (size_t k = 0; node_is(formals, N_FORMALS) && k < formals->n; k++)
      add_item(items, arena_printf(items->r->arena, "%s=", formals->kid[k]->text), ITEM_PROPERTY,
               "", NULL, 'a');
  }
}

static void complete_brackets(Items *items) {
  const Cursor *c = items->c;
  const LayerInfo *info = c->callee ? layer_info_find(c->callee) : NULL;
  int option = info && c->key ? layer_info_opt(info, c->key) : -1;
  if (info && c->key) {
    if (option < 0) return;
    const OptInfo *opt = &info->opts[option];
    add_words(items, opt->words, ITEM_VALUE, opt->name);
    if (is_value_option(opt)) add_values(items);
    add_params(items);
  } else if (info)
    add_options(items, info);
  else {
    if (c->callee && !c->key) add_block_formals(items, c->callee);
    add_values(items);
    add_params(items);
    if (!c->callee) add_stages(items);
  }
}

/* Inside of a shape: `time`, labels that other types have, params. */
static void complete_shape(Items *items) {
  const Program *p = items->r->a->checked.program;
  add_item(items, "time", ITEM_KEYWORD, "the axis that recurrent layers run along", NULL, 'a');
  const char *seen[64];
  int n = 0;
  for (int i = 0; i < p->n_models; i++)
    for (int k = 0; k < p->model[i]->n_in; k++) {
      const Type *type = &p->model[i]->in[k]->value->type;
      for (int d = 0; d < type->rank; d++) {
        const char *label = type->dim[d].label;
        bool known = !label || n == 64;
        for (int s = 0; s < n && !known; s++)
          known = strcmp(seen[s], label) == 0;
        if (known) continue;
        seen[n++] = label;
        add_item(
            items, label, ITEM_VARIABLE,
            arena_printf(items->r->arena, "label of an axis of %lld", (long long)type->dim[d].n),
            NULL, 'a');
      }
    }
  add_params(items);
}

static void add_lints(Items *items) {
  for (int i = 0; i < DIAG_CODE_COUNT; i++)
    if (diag_info[i].name)
      add_item(items, diag_info[i].name, ITEM_VALUE, diag_info[i].summary, NULL, 'a');
}

static bool keyword_is(const Cursor *c, const char *word) {
  return c->keyword && strcmp(c->keyword, word) == 0;
}

static void complete_statement(Items *items) {
  const Cursor *c = items->c;
  bool body = keyword_is(c, "in") || keyword_is(c, "out") || keyword_is(c, "let") ||
              keyword_is(c, "weights") || keyword_is(c, "ranges") || keyword_is(c, "precision") ||
              keyword_is(c, "allow") || c->before == '{';
  add_words(items, body ? "in out let weights ranges precision allow" : "model block param use",
            ITEM_KEYWORD, "");
  if (keyword_is(c, "in")) add_words(items, "every", ITEM_KEYWORD, "run on windows");
}

static void complete(Items *items) {
  const Cursor *c = items->c;
  if (c->comment) return;
  if (c->string) {
    if (c->key && strcmp(c->key, "from") == 0) add_tensors(items);
    return;
  }
  if (c->before == '|') {
    add_stages(items);
    add_item_names(items, items->r->a->checked.tree, N_BLOCK, ITEM_CLASS, "block");
  } else if (c->before == '.' && c->name)
    add_fields(items);
  else if (c->open == '[')
    complete_shape(items);
  else if (c->open == '(')
    complete_brackets(items);
  else if (c->before == ':')
    add_words(items, ELEMENTS " index", ITEM_TYPE, "element type");
  else if (keyword_is(c, "allow")) {
    add_lints(items);
    if (c->before == 'n') complete_statement(items);
  } else if (keyword_is(c, "precision") && !c->before)
    add_words(items, PRECISIONS, ITEM_VALUE, "precision");
  else if (keyword_is(c, "weights") && !c->before)
    add_words(items, "keras torch onnx", ITEM_VALUE, "who wrote the file");
  else if (c->before && strchr("=+-*/", c->before) && c->before != '{') {
    add_values(items);
    add_params(items);
    add_stages(items);
  } else
    complete_statement(items);
}

void answer_completion(Request *r, Text *out) {
  Cursor c = cursor_at(r->arena, r->document->text, r->document->len, r->at);
  Items items = {r, out, &c, 0};
  text_add(out, "{\"isIncomplete\":false,\"items\":[");
  complete(&items);
  text_add(out, "]}");
}
