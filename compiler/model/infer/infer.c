/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The walk: inputs, then every layer in order by the rule of its kind, then outputs and how the
 * model runs. */
#include "model/infer/infer_rule.h"

#include <string.h>

static InferRule *const rules[LAYER_KIND_COUNT] = {
#define LAYER(id, name, rule, flags, family, ...) infer_##id,
#include "model/graph/layers.def"
};

bool infer_first_report(Infer *inf, DiagCode code, Span at) {
  static char yes[] = "yes";
  const char *key = arena_printf(inf->arena, "%d %u %u %u", (int)code, at.file, at.begin, at.end);
  if (map_get(&inf->listed, key)) return false;
  map_put(inf->arena, &inf->listed, key, yes);
  return true;
}

Diag *infer_report(Infer *inf, DiagCode code, const Layer *layer, Span at, const char *format,
                   ...) {
  va_list args;
  va_start(args, format);
  const char *message = arena_vprintf(inf->arena, format, args);
  va_end(args);
  bool error = diag_info[code].level == LEVEL_ERROR;
  if (error && layer && layer->call && !infer_first_report(inf, code, at)) {
    Diag *unlisted = ARENA_NEW(inf->arena, Diag);
    unlisted->diags = inf->diags;
    return unlisted;
  }
  bool imported = layer && !span_valid(at) && layer->origin;
  Diag *d = imported ? diag_new(inf->diags, code, at, "%s: %s", layer->origin, message)
                     : diag_new(inf->diags, code, at, "%s", message);
  for (const Call *call = layer ? layer->call : NULL; call; call = call->outer)
    diag_label(d, call->span, "in this use of `%s`", call->block);
  return d;
}

/* The rule as messages show it: without the mapped axes if the value has none, as in "[time t, d]".
 */
const char *layer_pattern(Arena *arena, const Layer *layer) {
  static const char mapped[] = "[time t, .., d]";
  const char *rule = layer_info(layer->kind)->rule, *end = strstr(rule, " ->");
  if (layer->in[0]->type.rank <= 2 && strncmp(rule, mapped, sizeof mapped - 1) == 0)
    return "[time t, d]";
  return arena_strndup(arena, rule, end ? (size_t)(end - rule) : strlen(rule));
}

void infer_trace_needs(Infer *inf, Diag *diag, const Layer *layer, const Value *v) {
  diag_trace_value(diag, inf->model, v);
  const char *text = layer_text(inf->arena, inf->diags->sources, layer);
  const char *code = span_valid(layer->pipe) ? arena_printf(inf->arena, "|> %s", text) : text;
  const char *needs = arena_printf(inf->arena, "needs %s", layer_pattern(inf->arena, layer));
  diag_step(diag, layer->span, code, needs, NULL);
}

bool infer_size_fits(Infer *inf, const Type *type, Span at, const Layer *layer, const Value *from) {
  int axes = type->rank + type_is_sequence(type);
  int64_t n = axes <= TYPE_MAX_AXES ? type_size(type) : 0, most = (int64_t)1 << 31;
  if (axes <= TYPE_MAX_AXES && n >= 0 && n <= most) return true;
  Diag *d;
  if (axes > TYPE_MAX_AXES) {
    d = infer_report(inf, E314, layer, at, "a value has at most %d axes, time included",
                     TYPE_MAX_AXES);
    diag_primary(d, "this has %d", axes);
  } else if (n < 0) {
    d = infer_report(inf, E313, layer, at, "this value has more elements than can be counted");
    diag_primary(d, "this is %s", shape_str(inf->arena, type));
  } else {
    Text text = text_new(inf->arena);
    text_add_thousands(&text, n);
    d = infer_report(inf, E313, layer, at, "this value has %s elements", text_str(&text));
    diag_primary(d, "%s is more than 2^31", shape_str(inf->arena, type));
  }
  if (from) diag_trace_value(d, inf->model, from);
  return false;
}

static bool is_poisoned(const Value *v) {
  return !v || v->poisoned || !v->typed;
}

/* Whether anything a layer reads has been reported already. */
static bool reads_poison(const Layer *layer) {
  bool bad = false;
  for (int i = 0; i < layer->n_in; i++)
    bad |= is_poisoned(layer->in[i]);
  for (int o = 0, n = layer_opt_count(layer_info(layer->kind)); o < n; o++) {
    const OptVal *opt = &layer->opt[o];
    if (opt->value) bad |= is_poisoned(opt->value);
    for (int i = 0; i < opt->n_values; i++)
      bad |= is_poisoned(opt->values[i]);
  }
  return bad;
}

static bool results_fit(Infer *inf, Layer *layer) {
  const Value *from = layer->n_in ? layer->in[0] : NULL;
  return infer_size_fits(inf, &layer->out[0]->type, layer->span, layer, from) &&
         infer_layer_fits(inf, layer);
}

static void infer_layer(Infer *inf, Layer *layer) {
  bool ok = !reads_poison(layer) && rules[layer->kind](inf, layer) && results_fit(inf, layer);
  for (int i = 0; i < LAYER_MAX_RESULTS && layer->out[i]; i++) {
    layer->out[i]->typed = ok;
    layer->out[i]->poisoned = !ok;
  }
  for (int i = 0; ok && i < LAYER_MAX_RESULTS && layer->out[i]; i++)
    if (!infer_ascribed(inf, layer->out[i])) layer->out[i]->poisoned = true;
}

bool model_infer(Model *model, Diags *diags) {
  Infer inf = {.model = model, .diags = diags, .arena = model->arena};
  size_t before = diags->n_errors;
  infer_ascriptions(&inf);
  for (int i = 0; i < model->n_in; i++) {
    Value *v = model->in[i]->value;
    if (v->poisoned) continue;
    v->typed = infer_input(&inf, model->in[i]);
    v->poisoned = !v->typed || !infer_ascribed(&inf, v);
  }
  for (int i = 0; i < model->n_layers; i++)
    infer_layer(&inf, model->layer[i]);
  for (int i = 0; i < model->n_out; i++)
    infer_output(&inf, model->out[i]);
  infer_loops(&inf);
  infer_run(&inf);
  infer_precision(&inf);
  if (diags->n_errors > before) model->failed = true;
  infer_guesses(&inf, rules);
  return !model->failed;
}
