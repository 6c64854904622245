/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Building a Model and asking its layers for their options. */
#include "model/graph/model.h"

#include "base/safe.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WORD(id, word, framework, format)      [CONVENTION_##id] = word,
#define FRAMEWORK(id, word, framework, format) [CONVENTION_##id] = framework,
#define FORMAT(id, word, framework, format)    [CONVENTION_##id] = format,
const char *const convention_word[] = {"", CONVENTION_LIST(WORD)};
const char *const convention_framework[] = {"", CONVENTION_LIST(FRAMEWORK)};
const char *const convention_format[] = {"", CONVENTION_LIST(FORMAT)};
#undef WORD
#undef FRAMEWORK
#undef FORMAT

Model *model_new(Arena *arena, const char *name) {
  Model *model = ARENA_NEW(arena, Model);
  model->arena = arena;
  model->name = name;
  Length none = {0};
  ARENA_PUSH(arena, model->length, model->n_lengths, model->cap_lengths, none);
  model->steps_per_call = 1;
  return model;
}

Value *model_value(Model *model, const char *name) {
  Value *v = ARENA_NEW(model->arena, Value);
  v->id = model->n_values;
  v->name = name;
  ARENA_PUSH(model->arena, model->value, model->n_values, model->cap_values, v);
  return v;
}

Port *model_input(Model *model, const char *name, Type declared) {
  Port *port = ARENA_NEW(model->arena, Port);
  port->name = name;
  port->declared = declared;
  port->has_type = true;
  port->value = model_value(model, name);
  port->value->port = port;
  ARENA_PUSH(model->arena, model->in, model->n_in, model->cap_in, port);
  return port;
}

Port *model_output(Model *model, const char *name, Value *value) {
  Port *port = ARENA_NEW(model->arena, Port);
  port->name = name;
  port->value = value;
  if (value) value->n_uses++;
  ARENA_PUSH(model->arena, model->out, model->n_out, model->cap_out, port);
  return port;
}

bool model_number_fits(double number) {
  const double to_infinity = 0x1.ffffffp127, to_zero = 0x1p-150; /* these and beyond round to it */
  return fabs(number) < to_infinity && (number == 0 || fabs(number) > to_zero);
}

static void opt_default(OptVal *opt, const OptInfo *info) {
  if (!*info->fallback || strcmp(info->fallback, "-") == 0) return;
  opt->s = info->fallback;
  if (info->kind == OPTK_SIZE || info->kind == OPTK_SIZES)
    opt->i = strtoll(info->fallback, NULL, 10);
  if (info->kind == OPTK_NUMBER) opt->f = strtod(info->fallback, NULL);
  if (info->kind == OPTK_WORD || info->kind == OPTK_PADDING)
    opt->i = words_index(info->words, info->fallback);
}

Layer *model_layer(Model *model, LayerKind kind, int n_in, Value *const *in) {
  static const char *const field[LAYER_MAX_RESULTS] = {NULL, "h", "c"};
  Layer *layer = ARENA_NEW(model->arena, Layer);
  const LayerInfo *info = layer_info(kind);
  layer->kind = kind;
  layer->id = model->n_layers;
  layer->n_in = n_in;
  layer->in = ARENA_ARRAY(model->arena, Value *, n_in);
  layer->in_span = ARENA_ARRAY(model->arena, Span, n_in);
  for (int i = 0; i < n_in; i++) {
    layer->in[i] = in[i];
    if (in[i]) in[i]->n_uses++;
  }
  int n_opts = layer_opt_count(info);
  layer->opt = ARENA_ARRAY(model->arena, OptVal, n_opts ? n_opts : 1);
  for (int i = 0; i < n_opts; i++) {
    opt_default(&layer->opt[i], &info->opts[i]);
    if (info->opts[i].kind == OPTK_SHAPE) layer->opt[i].shape = ARENA_NEW(model->arena, Type);
  }
  for (int i = 0; i <= layer_n_states(layer); i++) {
    layer->out[i] = model_value(model, NULL);
    layer->out[i]->layer = layer;
    layer->out[i]->field = field[i];
  }
  ARENA_PUSH(model->arena, model->layer, model->n_layers, model->cap_layers, layer);
  return layer;
}

int model_length(Model *model, const char *name, int64_t bound) {
  Length length = {.name = name, .bound = bound};
  ARENA_PUSH(model->arena, model->length, model->n_lengths, model->cap_lengths, length);
  return model->n_lengths - 1;
}

int model_length_derived(Model *model, int from, int64_t size, int64_t hop) {
  for (int i = 1; i < model->n_lengths; i++) {
    const Length *l = &model->length[i];
    if (l->from == from && l->size == size && l->hop == hop) return i;
  }
  int64_t n = model->length[from].bound;
  Length length = {
      .bound = n < size ? 0 : (n - size) / hop + 1, .from = from, .size = size, .hop = hop};
  ARENA_PUSH(model->arena, model->length, model->n_lengths, model->cap_lengths, length);
  return model->n_lengths - 1;
}

OptVal *layer_opt_mut(Layer *layer, OptName name) {
  const LayerInfo *info = layer_info(layer->kind);
  for (int i = 0; i < LAYER_MAX_OPTS && info->opts[i].kind != OPTK_NONE; i++)
    if (info->opts[i].id == name) return &layer->opt[i];
  return NULL;
}

const OptVal *layer_opt(const Layer *layer, OptName name) {
  return layer_opt_mut((Layer *)(uintptr_t)layer, name);
}

bool layer_has(const Layer *layer, OptName name) {
  const OptVal *opt = layer_opt(layer, name);
  return opt && (opt->given || opt->s);
}

int64_t layer_size(const Layer *layer, OptName name, int64_t if_absent) {
  return layer_has(layer, name) ? layer_opt(layer, name)->i : if_absent;
}

int64_t layer_size_of(const Layer *layer, OptName name, int k) {
  const OptVal *opt = layer_opt(layer, name);
  return opt->n_sizes ? opt->size[k] : opt->i;
}

Padding layer_padding_of(const Layer *layer, int k) {
  const OptVal *opt = layer_opt(layer, OPT_padding);
  if (opt->n_paddings) return opt->padding[opt->n_paddings > 1 ? k : 0];
  bool same = strcmp(opt->s, "same") == 0, causal = strcmp(opt->s, "causal") == 0;
  return (Padding){.kind = same ? PAD_SAME : causal ? PAD_CAUSAL : PAD_VALID};
}

double layer_number(const Layer *layer, OptName name, double if_absent) {
  return layer_has(layer, name) ? layer_opt(layer, name)->f : if_absent;
}

const char *layer_word(const Layer *layer, OptName name) {
  const OptVal *opt = layer_opt(layer, name);
  return opt && opt->s ? opt->s : "";
}

/* The index of a word among n names. The word is one of them: resolve has checked it. */
static int name_index(const char *const *name, int n, const char *word) {
  int i = 0;
  while (i < n && strcmp(name[i], word) != 0)
    i++;
  assert(i < n);
  return i;
}

Precision layer_precision(const Model *model, const Layer *layer) {
  const OptVal *own = layer_opt(layer, OPT_precision);
  if (!own || !own->given || !own->s) return model->precision;
  return (Precision)name_index(precision_name, PRECISION_COUNT, own->s);
}

bool layer_word_is(const Layer *layer, OptName name, const char *word) {
  return strcmp(layer_word(layer, name), word) == 0;
}

Activation layer_activation(const Layer *layer, OptName name) {
  return (Activation)name_index(activation_name, ACT_COUNT, layer_word(layer, name));
}

double layer_eps_unsaid(Convention convention, LayerKind kind) {
  bool keras = convention == CONVENTION_KERAS, torch = convention == CONVENTION_TORCH;
  if (kind == LAYER_l2_normalize) return 1e-12;
  if (kind == LAYER_RMSNorm) return keras ? 1e-6 : torch ? 1.1920928955078125e-07 : 1e-5;
  return keras ? 1e-3 : 1e-5;
}

double layer_eps(const Model *model, const Layer *layer) {
  return layer_number(layer, OPT_eps, layer_eps_unsaid(model->weights.convention, layer->kind));
}

LayerAxis *layer_along(const Layer *layer, int axis) {
  for (int k = 0; k < layer->n_along; k++)
    if (layer->along[k].axis == axis) return &layer->along[k];
  return NULL;
}

int64_t layer_units(const Layer *layer) {
  return layer_size(layer, OPT_units, 1);
}

int layer_gates(const Layer *layer) {
  return layer->kind == LAYER_GRU ? 3 : layer->kind == LAYER_LSTM ? 4 : 1;
}

const Value *layer_init_value(const Layer *layer, int state) {
  const OptVal *init = layer_opt(layer, OPT_init);
  if (init->states_of) return init->states_of->out[1 + state];
  return state < init->n_values ? init->values[state] : NULL;
}

int layer_n_states(const Layer *layer) {
  return layer->kind == LAYER_LSTM ? 2 : layer->kind == LAYER_GRU || layer->kind == LAYER_RNN;
}

int layer_directions(const Layer *layer) {
  return layer_word_is(layer, OPT_direction, "both") ? 2 : 1;
}

int64_t layer_window(const Layer *layer) {
  const OptVal *window = layer_opt(layer, OPT_window);
  return window && window->given ? layer_size(layer, OPT_window, 0) : 0;
}

bool layer_looks_back(const Layer *layer) {
  return layer_word_is(layer, OPT_mask, "causal") || layer_window(layer) > 0;
}

bool layer_learns_start(const Layer *layer) {
  const OptVal *init = layer_opt(layer, OPT_init);
  return init && (init->learned || layer_word_is(layer, OPT_init, "learned"));
}

static void padding_print(Text *out, const Padding *p) {
  static const char *const word[] = {
      [PAD_VALID] = "valid", [PAD_SAME] = "same", [PAD_CAUSAL] = "causal"};
  if (p->kind == PAD_ZEROS)
    text_printf(out, "(%lld, %lld)", (long long)p->before, (long long)p->after);
  else
    text_add(out, word[p->kind]);
}

void option_print(Text *out, const OptInfo *info, const OptVal *opt) {
  int n = info->kind == OPTK_SIZES     ? opt->n_sizes
          : info->kind == OPTK_PADDING ? opt->n_paddings
                                       : opt->n_axes;
  if (n == 0 && info->kind == OPTK_SIZES) text_printf(out, "%lld", (long long)opt->i);
  if (n == 0 && info->kind == OPTK_PADDING) text_add(out, opt->s);
  if (n > 1) text_add_char(out, '(');
  for (int k = 0; k < n; k++) {
    if (k) text_add(out, ", ");
    if (info->kind == OPTK_SIZES)
      text_printf(out, "%lld", (long long)opt->size[k]);
    else if (info->kind == OPTK_PADDING)
      padding_print(out, &opt->padding[k]);
    else
      text_add(out, opt->axis[k]);
  }
  if (n > 1) text_add_char(out, ')');
}

const char *layer_text(Arena *arena, const Sources *sources, const Layer *layer) {
  if (!span_valid(layer->span)) {
    const LayerInfo *info = layer_info(layer->kind);
    const OptVal *size = &layer->opt[0];
    if (size->given && info->opts[0].kind == OPTK_SIZE)
      return arena_printf(arena, "%s(%lld)", info->name, (long long)size->i);
    return info->name;
  }
  const char *s = span_text(arena, sources, layer->span);
  Text text = text_new(arena);
  bool blank = false, quoted = false;
  for (; *s; s++) { /* white space, also across lines, becomes one blank; comments are left out */
    if (*s == '"') quoted = !quoted;
    if (*s == '#' && !quoted) s += strcspn(s, "\n");
    if (!*s) break;
    bool is_blank = !quoted && (*s == ' ' || *s == '\n' || *s == '\t' || *s == '\r');
    bool opens = text.len && text.s[text.len - 1] == '(';
    if (!is_blank) {
      if (blank && !opens && *s != ')') text_add_char(&text, ' ');
      text_add_char(&text, *s);
    }
    blank = is_blank;
  }
  return safe_line(arena, text_str(&text));
}

bool model_has_output(const Model *model, const Value *value) {
  for (int i = 0; i < model->n_out; i++)
    if (model->out[i]->value == value) return true;
  return false;
}

bool model_allows(const Model *model, const Diags *diags, DiagCode code) {
  return model->allowed[code] && diags->lint[code] != LINT_ALWAYS;
}
