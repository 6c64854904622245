/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Types written on values: outputs, lets, inputs and outputs of blocks. In: a typed value and what
 * is declared of it. Out: true, or one of E302, E312, E410; E208 for an output without a type. */
#include "model/infer/infer_rule.h"

#include <string.h>

typedef struct Declared {
  const char *name;
  const Type *type;
  Span type_span;
  Span at;     /* where the value is written */
  bool is_use; /* at is the use of a block that reads it */
} Declared;

static bool elem_fits(const Type *declared, const Type *type) {
  bool floats = type->elem == ELEM_F32 || type->elem == ELEM_F16;
  if (floats) return declared->elem == ELEM_F32 || declared->elem == ELEM_F16;
  return declared->elem == type->elem &&
         (type->elem != ELEM_INDEX || declared->categories == type->categories);
}

/* A bounded time without a name matches every length with the same bound. */
static bool time_fits(const Time *declared, const Time *time) {
  if (declared->kind == TIME_BOUNDED && time->kind == TIME_BOUNDED && declared->length < 0)
    return declared->n == time->n;
  return time_equal(declared, time);
}

/* ---- E302 ---- */

static bool is_per_step(const Layer *layer) {
  unsigned flags = layer_info(layer->kind)->flags;
  return flags & (POINTWISE | TRAINING) || layer->kind == LAYER_Dense ||
         layer->kind == LAYER_softmax || layer->kind == LAYER_log_softmax ||
         layer->kind == LAYER_LayerNorm || layer->kind == LAYER_BatchNorm ||
         layer->kind == LAYER_prelu;
}

/* The first Dense of the run of per-step stages that ends in v. */
static const Layer *first_dense(const Value *v) {
  const Layer *dense = NULL;
  for (const Value *at = v; at->layer && is_per_step(at->layer) && span_valid(at->layer->pipe);
       at = at->layer->in[0]) {
    if (at != v && (at->name || at->n_uses > 1)) break;
    if (at->layer->call != v->layer->call) break;
    if (at->layer->kind == LAYER_Dense) dense = at->layer;
  }
  return dense;
}

/* A stage after the value, or in front of the use of a block it is piped into. */
static void edit_reduce(const Infer *inf, Fix *fix, const Declared *declared, const char *stage) {
  Span at = declared->at;
  const Source *source = sources_get(inf->diags->sources, at.file);
  if (!source) return;
  if (!declared->is_use) {
    fix_edit(fix, (Span){at.file, at.end, at.end}, " |> %s", stage);
    return;
  }
  uint32_t pipe = at.begin;
  while (pipe > 0 && strchr(" \t\r\n", source->text[pipe - 1]))
    pipe--;
  if (pipe >= 2 && memcmp(source->text + pipe - 2, "|>", 2) == 0)
    fix_edit(fix, (Span){at.file, at.begin, at.begin}, "%s |> ", stage);
}

/* `last` and `mean` in front of the first Dense, or at the end. */
static void advise_reduce(Infer *inf, Diag *d, const Value *v, const Declared *declared) {
  static const char *const stage[] = {"last", "mean"}, *const what[] = {"the final step",
                                                                        "the average over time"};
  const Layer *dense = first_dense(v);
  for (int i = 0; i < 2; i++) {
    Fix *fix = diag_fix(d, FIX_MAYBE, "reduce over time with `%s` (%s)%s", stage[i], what[i],
                        dense ? " before the `Dense`" : "");
    if (dense)
      edit_insert_stage(inf, fix, dense, stage[i]);
    else
      edit_reduce(inf, fix, declared, stage[i]);
  }
}

/* The Dense whose units became the last axis. */
static void advise_units(Diag *d, const Value *v, const Type *type) {
  const Value *at = v;
  while (at->layer && at->layer->kind != LAYER_Dense && is_per_step(at->layer))
    at = at->layer->in[0];
  Type wanted = v->type;
  if (!at->layer || at->layer->kind != LAYER_Dense || type->rank == 0 || wanted.rank != type->rank)
    return;
  int64_t n = type->dim[type->rank - 1].n;
  type_set_last(&wanted, n);
  if (!dims_equal(&wanted, type) || !time_fits(&type->time, &wanted.time)) return;
  Span units = layer_opt(at->layer, OPT_units)->at;
  Fix *fix = diag_fix(d, FIX_MAYBE, "give the `Dense` %lld units", (long long)n);
  if (span_valid(units)) fix_edit(fix, units, "%lld", (long long)n);
}

static bool dense_per_step(const Value *v) {
  for (; v->layer && v->layer->n_in; v = v->layer->in[0])
    if (v->layer->kind == LAYER_Dense && type_is_sequence(&v->type)) return true;
  return false;
}

static bool is_channels(const char *label) {
  return label && (!strcmp(label, "ch") || !strcmp(label, "channel") || !strcmp(label, "channels"));
}

/* Stages that other frameworks give the channels first. */
static bool takes_channels(const Layer *layer) {
  return layer->kind == LAYER_Conv1D || layer->kind == LAYER_Conv2D ||
         layer->kind == LAYER_Conv1DTranspose || layer->kind == LAYER_Conv2DTranspose ||
         layer->kind == LAYER_BatchNorm || layer->kind == LAYER_max_pool ||
         layer->kind == LAYER_mean_pool;
}

enum { MOST_COLOURS = 4, LEAST_COLUMNS = 16 };

/* Whether the input of a Conv2D looks like [channels, height, width] of PyTorch, such as [3, 32,
 * 280]. */
static bool is_channels_first(const Layer *layer, const Type *type) {
  if (layer->kind != LAYER_Conv2D || type->rank != 3 || type_is_sequence(type)) return false;
  for (int i = 0; i < type->rank; i++)
    if (type->dim[i].label) return false;
  return type->dim[0].n <= MOST_COLOURS && type->dim[1].n >= LEAST_COLUMNS &&
         type->dim[2].n >= LEAST_COLUMNS;
}

/* The axis of channels stands before others where a convolution took another one for them. */
static void note_channels(Diag *d, const Value *v) {
  for (; v->layer && v->layer->n_in; v = v->layer->in[0]) {
    const Type *type = &v->layer->in[0]->type;
    if (!takes_channels(v->layer)) continue;
    if (is_channels_first(v->layer, type)) {
      diag_note(d,
                "the features (channels) of `%s` are the last axis, here %lld: [channel, row, "
                "column] of PyTorch is [row %lld, column %lld, %lld] in grus",
                layer_name(v->layer), (long long)type->dim[2].n, (long long)type->dim[1].n,
                (long long)type->dim[2].n, (long long)type->dim[0].n);
      return;
    }
    for (int k = 0; k + 1 < type->rank; k++)
      if (is_channels(type->dim[k].label)) {
        const char *last = type->dim[type->rank - 1].label;
        diag_note(d, "`%s` reads the last axis%s%s%s for its features: move `%s` there",
                  layer_name(v->layer), last ? ", `" : "", last ? last : "", last ? "`," : "",
                  type->dim[k].label);
        return;
      }
  }
}

/* `padding=same` with a stride rounds up, as Keras does. */
static void note_same(Infer *inf, Diag *d, const Value *v, const Type *want) {
  const Layer *layer = v->layer;
  for (; layer && layer->n_in && (layer_info(layer->kind)->flags & POINTWISE);)
    layer = layer->in[0]->layer;
  if (!layer || want->rank != v->type.rank) return;
  for (int i = 0; i < layer->n_along; i++) {
    const LayerAxis *a = &layer->along[i];
    if (a->padding.kind != PAD_SAME || a->stride < 2 || a->axis == AXIS_TIME ||
        want->dim[a->axis].n == v->type.dim[a->axis].n)
      continue;
    diag_note(d,
              "with `padding=same` and a stride of %lld, %lld positions of `%s` become %lld: %lld "
              "/ %lld, rounded up",
              (long long)a->stride, (long long)a->n,
              axis_name(inf->arena, &layer->in[0]->type, a->axis), (long long)a->n_out,
              (long long)a->n, (long long)a->stride);
    return;
  }
}

static void report_declared(Infer *inf, const Value *v, const Declared *declared) {
  const Type *want = declared->type, *have = &v->type;
  bool elem = !elem_fits(want, have), scalar = (!want->rank && !type_is_sequence(want)) ||
                                               (!have->rank && !type_is_sequence(have));
  bool types = elem || scalar;
  const char *a = types ? type_str(inf->arena, want) : shape_str(inf->arena, want);
  const char *b = types ? type_str(inf->arena, have) : shape_str(inf->arena, have);
  Diag *d =
      infer_report(inf, E302, v->layer, declared->at, "`%s` is declared %s but its value is %s",
                   declared->name, type_str(inf->arena, want), type_str(inf->arena, have));
  diag_primary(d, "this is %s", b);
  if (span_valid(declared->type_span)) diag_label(d, declared->type_span, "declared %s here", a);
  diag_trace_value(d, inf->model, v);
  note_channels(d, v);
  note_same(inf, d, v, want);
  bool reduces = !elem && type_is_sequence(have) && !type_is_sequence(want);
  if (reduces && dense_per_step(v))
    diag_note(d, "`Dense` acts on the last axis, so on a sequence it runs once per step; its width "
                 "is independent of the number of steps");
  if (type_is_stream(have) && reduces)
    diag_note(d, "a stream returns one value at every step; it has no final step");
  else if (reduces && dims_equal(want, have))
    advise_reduce(inf, d, v, declared);
  if (!elem) advise_units(d, v, want);
  if (have->time.kind == want->time.kind && !type_is_stream(have) &&
      !time_fits(&want->time, &have->time) && dims_equal(want, have))
    advise_causal(inf, d, v, "`padding=causal` keeps the length, with zeros before the first step");
  const char *title = !reduces           ? "declare the shape of the value"
                      : declared->is_use ? "declare one value per step"
                                         : "declare one output per step";
  Fix *fix = diag_fix(d, FIX_MAYBE, "%s%s", d->n_fixes ? "or " : "", title);
  if (span_valid(declared->type_span))
    fix_edit(fix, declared->type_span, "%s", type_str(inf->arena, have));
}

/* ---- the rest ---- */

static void report_label(Infer *inf, const Value *v, const Declared *declared, int axis) {
  const char *a = declared->type->dim[axis].label, *b = v->type.dim[axis].label;
  Diag *d = infer_report(inf, E312, v->layer, declared->at,
                         "the axes `%s` and `%s` have different labels", b, a);
  diag_primary(d, "the label `%s`", b);
  diag_label(d, declared->type_span, "the label `%s`", a);
  diag_trace_value(d, inf->model, v);
  diag_note(d, "the sizes are equal, but axes with labels must also have equal labels");
  int written = axis + (type_is_sequence(declared->type) && declared->type->time_pos <= axis);
  Span at = type_axis_span(inf, declared->type_span, written);
  if (!span_valid(at)) return;
  at.end = at.begin + (uint32_t)strlen(a);
  fix_edit(diag_fix(d, FIX_MAYBE, "if both axes mean the same, rename one"), at, "%s", b);
}

static void report_rate(Infer *inf, const Value *v, const Declared *declared) {
  Text a = text_new(inf->arena), b = text_new(inf->arena);
  text_add_rate(&a, declared->type->time.rate_num, declared->type->time.rate_den);
  text_add_rate(&b, v->type.time.rate_num, v->type.time.rate_den);
  Diag *d = infer_report(inf, E410, v->layer, declared->at,
                         "`%s` is declared with a rate of %s, but its value has %s", declared->name,
                         text_str(&a), text_str(&b));
  diag_primary(d, "%s", text_str(&b));
  diag_label(d, declared->type_span, "declared with %s", text_str(&a));
  const Value *values[] = {v};
  trace_values(d, inf->model, 1, values, true);
  Span axis = type_axis_span(inf, declared->type_span, declared->type->time_pos);
  const char *text = span_valid(axis) ? span_text(inf->arena, inf->diags->sources, axis) : "";
  const char *rate = strchr(text, '@');
  if (!rate) return;
  axis.begin += (uint32_t)(rate - text);
  fix_edit(diag_fix(d, FIX_MAYBE, "declare the rate of the value"), axis, "@ %s", text_str(&b));
}

static bool declared_fits(Infer *inf, const Value *v, const Declared *declared) {
  const Type *type = declared->type;
  if (!elem_fits(type, &v->type) || !time_fits(&type->time, &v->type.time) ||
      !dims_equal(type, &v->type)) {
    report_declared(inf, v, declared);
    return false;
  }
  int clash = dims_label_clash(type, &v->type);
  if (clash >= 0)
    report_label(inf, v, declared, clash);
  else if (!time_rates_agree(&type->time, &v->type.time))
    report_rate(inf, v, declared);
  else
    return true;
  return false;
}

/* Where a value is written in its statement: its last stage, or the whole expression. */
static Span written_in(const Value *v, Span statement, Span expression) {
  bool stage = v->layer && !v->field && v->layer->span.file == statement.file &&
               v->layer->span.begin >= statement.begin && v->layer->span.end <= statement.end;
  return stage ? v->layer->span : expression;
}

void infer_ascriptions(Infer *inf) {
  const Model *model = inf->model;
  inf->ascribed = ARENA_ARRAY(inf->arena, int, model->n_values);
  inf->next_ascribed = ARENA_ARRAY(inf->arena, int, model->n_ascriptions);
  for (int i = 0; i < model->n_values; i++)
    inf->ascribed[i] = -1;
  for (int i = model->n_ascriptions - 1; i >= 0; i--) {
    int *first = &inf->ascribed[model->ascription[i].value->id];
    inf->next_ascribed[i] = *first;
    *first = i;
  }
}

bool infer_ascribed(Infer *inf, Value *value) {
  for (int i = inf->ascribed[value->id]; i >= 0; i = inf->next_ascribed[i]) {
    const Ascription *a = &inf->model->ascription[i];
    bool is_use = !value->layer && span_valid(a->use_span);
    Span at = value->layer ? value->layer->span : is_use ? a->use_span : a->name_span;
    Declared declared = {a->name, &a->type, a->type_span, at, is_use};
    if (!declared_fits(inf, value, &declared)) return false;
    type_merge(&value->type, &a->type); /* names and rates that are written are the value's */
  }
  return true;
}

void infer_output(Infer *inf, Port *port) {
  const Value *v = port->value;
  if (!v || v->poisoned || !v->typed) return;
  Span at = written_in(v, port->span, port_expression(inf, port));
  Declared declared = {port->name, &port->declared, port->type_span, at, false};
  if (port->has_type) {
    declared_fits(inf, v, &declared);
    return;
  }
  if (!span_valid(port->name_span)) { /* an imported model declares nothing */
    port->declared = v->type;
    return;
  }
  Diag *d = infer_report(inf, E208, NULL, port->name_span, "output `%s` needs a type", port->name);
  diag_primary(d, "no type here");
  diag_trace_value(d, inf->model, v);
  diag_note(d, "the types of inputs and outputs define the C interface");
  Type type = v->type;
  type.time_pos = 0;
  Fix *fix = diag_fix(d, FIX_SURE, "write the type of its value");
  Span end = {port->name_span.file, port->name_span.end, port->name_span.end};
  if (span_valid(end)) fix_edit(fix, end, " : %s", type_str(inf->arena, &type));
}
