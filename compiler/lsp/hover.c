/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What stands here: a stage with what goes in and out and its page, a name with its type, a
 * lint. */
#include "lsp/server.h"

#include "model/graph/cost.h"
#include "model/graph/identifier.h"

#include <ctype.h>
#include <string.h>

/* The word around an offset, as a span; empty if there is none. */
static Span word_at(const Analysis *a, uint32_t at) {
  const char *text = a->source->text;
  Span span = {a->source->id, at, at};
  while (span.begin && identifier_has(text[span.begin - 1]))
    span.begin--;
  while (span.end < a->source->len && identifier_has(text[span.end]))
    span.end++;
  return span;
}

static void add_type(Text *out, const Value *v) {
  if (!v || !v->typed) {
    text_add_char(out, '?');
    return;
  }
  text_add_type(out, &v->type, true);
}

static void add_layer(Request *r, Text *out, const Model *model, const Layer *layer) {
  const LayerInfo *info = layer_info(layer->kind);
  text_printf(out, "```grus\n%s\n", layer_text(r->arena, &r->a->sources, layer));
  for (int i = 0; i < layer->n_in; i++) {
    text_add(out, i ? ", " : "  ");
    add_type(out, layer->in[i]);
  }
  text_add(out, " -> ");
  add_type(out, layer->out[0]);
  for (int i = 1; i < LAYER_MAX_RESULTS && layer->out[i]; i++) {
    text_printf(out, ", .%s ", layer->out[i]->field);
    add_type(out, layer->out[i]);
  }
  text_printf(out, "\n```\nrule `%s`", info->rule);
  if (layer->out[0]->poisoned)
    text_add(out, "  \nshapes as they would be without the error before this");
  else if (layer->out[0]->typed) {
    int64_t params = layer_param_count(layer), macs = layer_macs(model, layer);
    if (params) {
      text_add(out, "  \nparameters ");
      text_add_thousands(out, params);
    }
    if (macs) {
      text_add(out, "  \nmultiply-adds ");
      text_add_thousands(out, macs);
      text_add(out, model->run == RUN_STREAM ? " a call" : " a run");
    }
  }
  if (info->flags & WEIGHTS)
    text_printf(out, "  \nweights `%s`", layer->prefix ? layer->prefix : layer->path);
  if (info->flags & TRAINING) text_add(out, "  \nno effect when the model runs");
  const char *page = r->server->host->page(r->server->host->context, r->arena, info->name);
  if (page) text_printf(out, "\n\n---\n\n%s", page);
}

/* The line of source in which a name is defined, without what follows `=` or `{`. */
static void add_definition(Request *r, Text *out, Span name) {
  const Source *source = sources_get(&r->a->sources, name.file);
  size_t len;
  uint32_t line = source_place(&r->a->sources, source, name.begin).line;
  const char *text = source_line(&r->a->sources, source, line, &len);
  while (len && isspace((unsigned char)*text)) {
    text++;
    len--;
  }
  const Model *model;
  const Value *v = value_named(r->a, name, &model);
  text_add(out, "```grus\n");
  if (v) {
    size_t keyword = 0;
    while (keyword < len && identifier_has(text[keyword]))
      keyword++;
    text_printf(out, "%.*s %.*s : ", (int)keyword, text, (int)(name.end - name.begin),
                source->text + name.begin);
    add_type(out, v);
  } else
    text_add_n(out, text, len);
  text_add(out, "\n```");
  if (v && v->poisoned) text_add(out, "\nthe type as it would be without the error");
}

static const OptInfo *option_of(const Layer *layer, const char *word) {
  const LayerInfo *info = layer_info(layer->kind);
  int i = layer_info_opt(info, word);
  return i >= 0 ? &info->opts[i] : NULL;
}

static void add_option(Text *out, const Layer *layer, const OptInfo *opt) {
  text_printf(out, "`%s=` of `%s`", opt->name, layer_info(layer->kind)->name);
  if (opt->words) text_printf(out, "  \none of %s", opt->words);
  if (!*opt->fallback)
    text_add(out, "  \nrequired");
  else if (*opt->fallback != '-' || opt->fallback[1])
    text_printf(out, "  \ndefault %s", opt->fallback);
}

void answer_hover(Request *r, Text *out) {
  Text text = text_new(r->arena);
  Span word = word_at(r->a, r->at), definition = definition_at(r->a, r->at);
  const char *name = span_text(r->arena, &r->a->sources, word);
  const Model *model = NULL;
  const Layer *layer = layer_at(r->a, r->at, &model);
  DiagCode lint = diag_code_find(name);
  const OptInfo *opt = NULL;
  bool on_name = layer && span_holds(r->a, layer->name_span, r->at);
  if (layer && !on_name && !span_valid(definition)) opt = option_of(layer, name);
  if (span_valid(definition))
    add_definition(r, &text, definition);
  else if (on_name)
    add_layer(r, &text, model, layer);
  else if (opt)
    add_option(&text, layer, opt);
  else if (lint != DIAG_CODE_COUNT && diag_info[lint].name) {
    const char *page = r->server->host->page(r->server->host->context, r->arena, name);
    if (page) text_add(&text, page);
  } else if (word.end > word.begin && layer_info_find(name)) {
    const char *page = r->server->host->page(r->server->host->context, r->arena, name);
    if (page) text_add(&text, page);
  }
  if (!text.len) return;
  text_add(out, "{\"contents\":{\"kind\":\"markdown\",\"value\":");
  text_add_json(out, text_str(&text));
  text_add(out, "},\"range\":");
  add_range(r->server, out, r->a, on_name ? layer->name_span : word);
  text_add_char(out, '}');
}
