/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The last part of every import: in, an untyped Model and tensors of any shape; out, a typed Model
 * whose layers have exactly the weights they need.
 *
 * --stream and --time change the time axis of the inputs before shapes are inferred, so that the
 * rules of the language decide what may stream. A reader of graphs does this by itself. */
#include "import/foreign.h"

#include "model/graph/identifier.h"
#include "model/infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* "n <= 120", "<= 120", "49". False when it is none of these. */
static bool time_parse(Foreign *f, const char *text, Time *out) {
  const char *name = NULL, *s = text + strspn(text, " ");
  size_t len = identifier_length(s);
  bool is_name = len != 0;
  if (is_name) {
    name = arena_strndup(f->arena, s, len);
    s += len;
    s += strspn(s, " ");
  }
  bool bounded = strncmp(s, "<=", 2) == 0;
  if (bounded) s += 2;
  char *end;
  long long n = strtoll(s, &end, 10);
  end += strspn(end, " ");
  if (end == s || *end || n < 1 || n > INT32_MAX || (is_name && !bounded)) return false;
  *out = (Time){.kind = bounded ? TIME_BOUNDED : TIME_FIXED, .n = n};
  if (!bounded) return true;
  out->len = name;
  out->length = model_length(f->model, name, n);
  return true;
}

static void value_replace(Model *model, const Value *old, Value *by) {
  for (int i = 0; i < model->n_layers; i++) {
    Layer *layer = model->layer[i];
    for (int k = 0; k < layer->n_in; k++)
      if (layer->in[k] == old) layer->in[k] = by;
    for (int o = 0; o < layer_opt_count(layer_info(layer->kind)); o++) {
      OptVal *opt = &layer->opt[o];
      if (opt->value == old) opt->value = by;
      for (int k = 0; k < opt->n_values; k++)
        if (opt->values[k] == old) opt->values[k] = by;
    }
  }
  for (int i = 0; i < model->n_out; i++)
    if (model->out[i]->value == old) model->out[i]->value = by;
  by->n_uses += old->n_uses - 1;
}

static void layer_remove(Model *model, const Layer *layer) {
  int n = 0;
  for (int i = 0; i < model->n_layers; i++) {
    if (model->layer[i] == layer) continue;
    model->layer[n] = model->layer[i];
    model->layer[n]->id = n;
    n++;
  }
  model->n_layers = n;
  n = 0;
  for (int i = 0; i < model->n_values; i++) {
    if (model->value[i]->layer == layer) continue;
    model->value[n] = model->value[i];
    model->value[n]->id = n;
    n++;
  }
  model->n_values = n;
}

void foreign_replace(Model *model, Value *old, Layer *by) {
  Value *value = by->out[0];
  value_replace(model, old, value);
  by->in[0] = old;
  old->n_uses = 1;
}

void foreign_bypass(Model *model, const Layer *layer) {
  value_replace(model, layer->out[0], layer->in[0]);
  layer_remove(model, layer);
}

static void count_down(OptVal *opt) {
  if (opt->value) opt->value->n_uses--;
  for (int i = 0; i < opt->n_values; i++)
    opt->values[i]->n_uses--;
}

/* Layers whose results nothing reads: the sequence of an encoder of which only the state goes
 * on. */
static void drop_unread(Foreign *f) {
  for (int i = f->model->n_layers; i-- > 0;) {
    Layer *layer = f->model->layer[i];
    int uses = 0;
    for (int k = 0; k < LAYER_MAX_RESULTS; k++)
      uses += layer->out[k] ? layer->out[k]->n_uses : 0;
    if (uses || layer->kind == LAYER_keep) continue; /* the next step reads what is kept */
    for (int k = 0; k < layer->n_in; k++)
      layer->in[k]->n_uses--;
    for (int o = 0; o < layer_opt_count(layer_info(layer->kind)); o++)
      count_down(&layer->opt[o]);
    layer_remove(f->model, layer);
  }
}

static bool retime(Foreign *f, const ImportOptions *o, Diags *diags) {
  Time time = {.kind = TIME_STREAM, .period = 1};
  if (!o->stream && !o->time) return true;
  if (o->stream && o->time) {
    return foreign_lacks(diags, f->file, E903,
                         "leave out `--time` for a stream, or `--stream` for sequences",
                         "--stream and --time exclude each other: a stream has no length");
  }
  if (o->time && !time_parse(f, o->time, &time)) {
    return foreign_lacks(
        diags, f->file, E903,
        "write a length (`49`) or a bound with or without a name (`n <= 120`, `<= 120`)",
        "--time cannot be `%s`", o->time);
  }
  int changed = 0;
  for (int i = 0; i < f->model->n_in; i++) {
    Type *type = &f->model->in[i]->declared;
    if (!type_is_sequence(type)) continue;
    time.rate_num = type->time.rate_num;
    time.rate_den = type->time.rate_den;
    type->time = time;
    changed++;
  }
  if (changed) return true;
  return foreign_lacks(diags, f->file, E903,
                       arena_printf(f->arena, "leave out `%s`", o->stream ? "--stream" : "--time"),
                       "no input of `%s` is a sequence: there is no time to change", f->file->path);
}

static const ForeignTensor *tensor_of(const Foreign *f, const Layer *layer, Role role) {
  for (int i = 0; i < f->n_tensors; i++)
    if (f->tensor[i].layer == layer && f->tensor[i].role == role) return &f->tensor[i];
  return NULL;
}

static const char *layer_origin(const Layer *layer) {
  return layer->origin ? layer->origin : layer_info(layer->kind)->name;
}

static void report_shape(Foreign *f, const Layer *layer, const ForeignTensor *t,
                         const ParamShape *p, Diags *diags) {
  const char *has = dims_str(f->arena, t->rank, t->dim),
             *needs = dims_str(f->arena, p->rank, p->dim);
  bool width = p->role == ROLE_KERNEL && t->rank == p->rank;
  for (int i = 0; i + 1 < p->rank && width; i++)
    width = t->dim[i] == p->dim[i];
  Diag *d;
  if (width)
    d = foreign_report(
        diags, f->file, E601, "%s was trained on %lld inputs, but the model feeds it %lld",
        layer_origin(layer), (long long)t->dim[t->rank - 1], (long long)p->dim[p->rank - 1]);
  else
    d = foreign_report(diags, f->file, E603, "`%s` does not fit %s", t->name, layer_origin(layer));
  diag_trace_value(d, f->model, layer->in[0]);
  diag_note(d, "`%s` gives %s %s, the layer needs %s", t->name, role_name[p->role], has, needs);
}

static bool all_finite(Foreign *f, const Layer *layer, const ForeignTensor *t, int64_t n,
                       Diags *diags) {
  for (int64_t i = 0; i < n; i++) {
    if (isfinite(t->data[i])) continue;
    foreign_report(diags, f->file, E608, "`%s` of %s contains values that are not finite", t->name,
                   layer_origin(layer));
    return false;
  }
  return true;
}

static bool layer_finish(Foreign *f, Layer *layer, Diags *diags) {
  ParamShape params[LAYER_MAX_PARAMS];
  int n = layer_params(layer, params);
  bool ok = true;
  if (!n) return true;
  layer->weights = ARENA_NEW(f->arena, LayerWeights);
  for (int i = 0; i < n; i++) {
    const ParamShape *p = &params[i];
    const ForeignTensor *t = tensor_of(f, layer, p->role);
    if (!t) {
      foreign_report(diags, f->file, E602, "%s has no %s", layer_origin(layer), role_name[p->role]);
      ok = false;
    } else if (t->rank != p->rank ||
               memcmp(t->dim, p->dim, sizeof *t->dim * (size_t)p->rank) != 0) {
      report_shape(f, layer, t, p, diags);
      ok = false;
    } else if (all_finite(f, layer, t, param_count(p), diags)) {
      layer->weights->role[p->role] = t->data;
    } else
      ok = false;
  }
  return ok;
}

/* Of files whose numbers are doubles. */
static bool numbers_fit(Foreign *f, const Layer *layer, Diags *diags) {
  const LayerInfo *info = layer_info(layer->kind);
  for (int o = 0; o < layer_opt_count(info); o++) {
    const OptVal *opt = &layer->opt[o];
    if (info->opts[o].kind != OPTK_NUMBER || !opt->given || model_number_fits(opt->f)) continue;
    Diag *d = foreign_report(diags, f->file, E903, "%s has %g, and values are computed in f32",
                             layer_origin(layer), opt->f);
    diag_note(d, "it would be %s there", fabs(opt->f) > 1 ? "infinite" : "0");
    diag_fix(d, FIX_MAYBE,
             "set it to 0, or to a number of 1e-38 to 3e38, and save the model again");
    return false;
  }
  return true;
}

/* Numbers that a file has as floats are what their shortest decimals say: an eps of 1e-3 there is
 * 0.0010000000474974513, and code is compiled for the same float either way. A step of integers
 * stays: what is rounded to it could fall on another side. So does a constant, with which `select`
 * compares a value, and so do the bounds of a file with scales, which are ranges. */
static void shorten_numbers(Foreign *f, Layer *layer) {
  const LayerInfo *info = layer_info(layer->kind);
  bool is_constant = layer->kind == LAYER_clip && layer->opt[0].f == layer->opt[1].f;
  if (is_constant || (layer->kind == LAYER_clip && f->n_ranges)) return;
  for (int o = 0; o < layer_opt_count(info); o++) {
    OptVal *opt = &layer->opt[o];
    if (info->opts[o].kind != OPTK_NUMBER || !opt->given || info->opts[o].id == OPT_step) continue;
    if ((double)(float)opt->f != opt->f) continue;
    Text text = text_new(f->arena);
    text_add_float(&text, (float)opt->f);
    double number = strtod(text_str(&text), NULL);
    if (model_number_fits(number)) opt->f = number;
  }
}

/* Outputs have no declared types yet: they get those of their values. */
static bool infer_outputs(Model *model, Diags *diags) {
  int n_out = model->n_out;
  model->n_out = 0;
  bool ok = model_infer(model, diags);
  model->n_out = n_out;
  for (int i = 0; i < n_out && ok; i++) {
    int time_pos = model->out[i]->declared.time_pos; /* where the file has it */
    model->out[i]->declared = model->out[i]->value->type;
    model->out[i]->declared.time_pos = time_pos;
    model->out[i]->has_type = true;
  }
  return ok && model_infer(model, diags);
}

bool foreign_finish(Foreign *foreign, const ImportOptions *options, Diags *diags) {
  Model *model = foreign->model;
  model->weights.convention = model_unbind_convention(model);
  drop_unread(foreign);
  if (!retime(foreign, options, diags)) return false;
  for (int i = 0; i < model->n_layers; i++)
    if (numbers_fit(foreign, model->layer[i], diags))
      shorten_numbers(foreign, model->layer[i]);
    else
      return false;
  if (!infer_outputs(model, diags)) return false;
  while (!foreign->n_ranges && (foreign_tidy(foreign) || foreign_retimed(foreign))) {
    drop_unread(foreign);
    if (!infer_outputs(model, diags)) return false;
  }
  bool ok = true;
  for (int i = 0; i < model->n_layers; i++)
    ok &= layer_finish(foreign, model->layer[i], diags);
  return ok;
}
