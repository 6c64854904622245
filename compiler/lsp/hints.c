/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Shapes after stages, costs above models, and the drawing. A stage of a block has the shapes of
 * all uses of the block: where they differ, the first is shown, with dots. */
#include "lsp/server.h"

#include "base/map.h"
#include "model/graph/cost.h"

#include <string.h>

typedef struct Hint {
  Span span;
  const char *label;
  bool guessed, differs;
} Hint;

typedef struct Hints {
  Hint *hint;
  size_t n, cap;
  Map places; /* index + 1 into hint, by offset */
} Hints;

static void hints_add(Request *r, Hints *hints, const Layer *layer) {
  const Value *v = layer->out[0];
  const char *label = type_short_str(r->arena, &v->type);
  const char *key = arena_printf(r->arena, "%u", layer->span.end);
  Hint *old = map_get(&hints->places, key);
  if (old) {
    old->differs = old->differs || strcmp(old->label, label) != 0;
    return;
  }
  Hint *hint = ARENA_NEW(r->arena, Hint);
  *hint = (Hint){layer->span, label, v->poisoned, false};
  map_put(r->arena, &hints->places, key, hint);
  ARENA_PUSH(r->arena, hints->hint, hints->n, hints->cap, *hint);
}

static bool shows(const Analysis *a, const Layer *layer, uint32_t from, uint32_t to) {
  Span s = layer->span;
  bool stage = !(layer_info(layer->kind)->flags & OPERATOR);
  return stage && s.file == a->source->id && s.end >= from && s.end <= to && layer->out[0]->typed;
}

static void add_hint(Request *r, Text *out, const Hint *hint, bool differs) {
  text_add(out, "{\"position\":");
  add_position(r->server, out, r->a, hint->span, true);
  text_add(out, ",\"label\":");
  text_add_json(out,
                differs ? arena_printf(r->arena, "%s \xE2\x80\xA6", hint->label) : hint->label);
  if (hint->guessed)
    text_add(out, ",\"tooltip\":\"as it would be without the error before this\"");
  else if (differs)
    text_add(out, ",\"tooltip\":\"the first use of this block; others have other shapes\"");
  text_add(out, ",\"kind\":1,\"paddingLeft\":true}");
}

void answer_inlay_hint(Request *r, Text *out) {
  const json_t *range = json_object_get(r->params, "range");
  const Source *source = r->a->source;
  uint32_t from =
      text_offset(r->server, source->text, source->len, json_object_get(range, "start"));
  uint32_t to = text_offset(r->server, source->text, source->len, json_object_get(range, "end"));
  if (!json_is_object(range)) to = (uint32_t)source->len;
  Hints hints = {0};
  const Program *p = r->a->checked.program;
  for (int i = 0; i < p->n_models; i++)
    for (int k = 0; k < p->model[i]->n_layers; k++)
      if (shows(r->a, p->model[i]->layer[k], from, to)) hints_add(r, &hints, p->model[i]->layer[k]);
  text_add_char(out, '[');
  for (size_t i = 0; i < hints.n; i++) {
    const Hint *kept = map_get(&hints.places, arena_printf(r->arena, "%u", hints.hint[i].span.end));
    if (i) text_add_char(out, ',');
    add_hint(r, out, &hints.hint[i], kept->differs);
  }
  text_add_char(out, ']');
}

enum { BYTE_BITS = 8, F32_BITS = 32 };

/* Bytes of the trained values, as they are stored. */
static int64_t weights_bytes(const Model *model) {
  int64_t bytes = 0;
  for (int i = 0; i < model->n_layers; i++) {
    ParamShape param[LAYER_MAX_PARAMS];
    int n = layer_params(model->layer[i], param);
    int bits = precision_info[layer_precision(model, model->layer[i])].weight_bits;
    for (int k = 0; k < n; k++) {
      bool kernel = param[k].role == ROLE_KERNEL || param[k].role == ROLE_RECURRENT;
      bytes += param_count(&param[k]) * (kernel ? bits : F32_BITS) / BYTE_BITS;
    }
  }
  return bytes;
}

static void add_lens(Request *r, Text *out, const Model *model) {
  int64_t params = 0, macs = 0;
  for (int i = 0; i < model->n_layers; i++) {
    params += layer_param_count(model->layer[i]);
    macs += layer_macs(model, model->layer[i]);
  }
  Text title = text_new(r->arena);
  text_add_thousands(&title, params);
  text_add(&title, " parameters \xC2\xB7 ");
  text_add_thousands(&title, macs);
  text_printf(&title, " multiply-adds a %s \xC2\xB7 ", model->run == RUN_STREAM ? "call" : "run");
  text_add_thousands(&title, weights_bytes(model));
  text_add(&title, " bytes of weights");
  const LspHost *host = r->server->host;
  double ratio = host->ratio(host->context, r->arena, model, r->a->source);
  if (ratio > 0) text_printf(&title, " \xC2\xB7 %.1f dB in integers when calibrated", ratio);
  text_add(out, "{\"range\":");
  add_range(r->server, out, r->a, model->name_span);
  text_add(out, ",\"command\":{\"title\":");
  text_add_json(out, text_str(&title));
  text_add(out, ",\"command\":\"\"}}");
}

void answer_code_lens(Request *r, Text *out) {
  const Program *p = r->a->checked.program;
  int n = 0;
  text_add_char(out, '[');
  for (int i = 0; i < p->n_models; i++) {
    const Model *model = p->model[i];
    if (model->failed || r->a->diags->n_errors || model->name_span.file != r->a->source->id)
      continue;
    if (n++) text_add_char(out, ',');
    add_lens(r, out, model);
  }
  text_add_char(out, ']');
}

/* The model the cursor is in, else the first. */
void answer_drawing(Request *r, Text *out) {
  const Program *p = r->a->checked.program;
  const Model *model = NULL;
  for (int i = 0; i < p->n_models; i++)
    if (!model || span_holds(r->a, p->model[i]->span, r->at)) model = p->model[i];
  if (!model || model->failed || r->a->diags->n_errors) {
    r->error = model ? "the model has errors" : "there is no model";
    return;
  }
  Text svg = text_new(r->arena);
  r->server->host->drawing(r->server->host->context, &svg, &r->a->sources, model);
  text_add(out, "{\"model\":");
  text_add_json(out, model->name);
  text_add(out, ",\"svg\":");
  text_add_json(out, text_str(&svg));
  text_add_char(out, '}');
}
