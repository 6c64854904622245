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

/* Models of a document that a lens stands above: all, or none where one has an error. */
static bool has_lens(const Analysis *a, const Model *model) {
  return !model->failed && !a->diags->n_errors && model->name_span.file == a->source->id;
}

/* Bytes of flash that a model takes on *core, weights and code; 0: not known. Models beyond these
 * sizes are not for microcontrollers, and would keep the editor waiting. */
static int64_t flash_bytes(Request *r, const Model *model, int64_t params, const char **core) {
  enum { MOST_STAGES = 500, MOST_PARAMS = 4 * 1024 * 1024 };
  if (model->n_layers > MOST_STAGES || params > MOST_PARAMS) return 0;
  const LspHost *host = r->server->host;
  const Analysis *apart = document_analysis_apart(r->server, r->document);
  const Program *p = apart->checked.program;
  for (int i = 0; i < p->n_models; i++)
    if (has_lens(apart, p->model[i]) && strcmp(p->model[i]->name, model->name) == 0)
      return host->flash(host->context, apart->arena, &apart->sources, p->model[i], apart->source,
                         core);
  return 0;
}

static void add_costs(Request *r, Text *out, const Model *model) {
  ModelCost cost = model_cost(model);
  text_add_thousands(out, cost.params);
  text_add(out, " parameters \xC2\xB7 ");
  text_add_thousands(out, cost.macs);
  text_printf(out, " multiply-adds a %s \xC2\xB7 ", model->run == RUN_STREAM ? "call" : "run");
  const char *core;
  int64_t flash = flash_bytes(r, model, cost.params, &core);
  if (flash) text_add(out, "about ");
  text_add_thousands(out, flash ? flash : weights_bytes(model));
  if (flash)
    text_printf(out, " bytes of flash on %s", core);
  else
    text_add(out, " bytes of weights");
  const LspHost *host = r->server->host;
  double ratio = host->ratio(host->context, r->arena, model, r->a->source);
  if (ratio > 0) text_printf(out, " \xC2\xB7 %.1f dB in integers when calibrated", ratio);
}

/* A lens as it stands, without what it says: an editor asks for that when it shows the lens. */
static void add_lens(Request *r, Text *out, const Model *model) {
  text_add(out, "\"range\":");
  add_range(r->server, out, r->a, model->name_span);
  text_add(out, ",\"data\":{\"textDocument\":{\"uri\":");
  text_add_json(out, r->document->uri);
  text_add(out, "},\"model\":");
  text_add_json(out, model->name);
  text_add(out, "}");
}

void answer_code_lens(Request *r, Text *out) {
  const Program *p = r->a->checked.program;
  int n = 0;
  text_add_char(out, '[');
  for (int i = 0; i < p->n_models; i++) {
    if (!has_lens(r->a, p->model[i])) continue;
    text_add(out, n++ ? ",{" : "{");
    add_lens(r, out, p->model[i]);
    text_add_char(out, '}');
  }
  text_add_char(out, ']');
}

void answer_resolved_lens(Request *r, Text *out) {
  const Program *p = r->a->checked.program;
  const json_t *data = json_object_get(r->params, "data");
  const char *name = json_string_value(json_object_get(data, "model"));
  const Model *model = NULL;
  for (int i = 0; i < p->n_models && name; i++)
    if (has_lens(r->a, p->model[i]) && strcmp(p->model[i]->name, name) == 0) model = p->model[i];
  if (!model) {
    r->error = "the model of this lens no longer exists, or has errors";
    return;
  }
  Text title = text_new(r->arena);
  add_costs(r, &title, model);
  text_add_char(out, '{');
  add_lens(r, out, model);
  text_add(out, ",\"command\":{\"title\":");
  text_add_json(out, text_str(&title));
  text_add(out, ",\"command\":\"\"}}");
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
