/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The axes that a layer works along: `along=freq`, `along=(time, freq)`, or those it takes when
 * nothing is said. In: a layer and its value. Out: layer->along, or one report (E315, E301, E304).
 *
 * An axis is known by its label, time by `time`, and the last axis, which holds the features, also
 * by `features`. Every other axis is mapped over. */
#include "model/infer/infer_rule.h"

#include <string.h>

/* The axes of a type as a sentence lists them: "`time`, `freq` and one without a name". */
static const char *axes_listed(Arena *arena, const Type *type) {
  Text text = text_new(arena);
  int unnamed = 0;
  if (type_is_sequence(type)) text_add(&text, "`time`");
  for (int i = 0; i < type->rank; i++) {
    if (!type->dim[i].label)
      unnamed++;
    else
      text_printf(&text, "%s`%s`", text.len ? ", " : "", type->dim[i].label);
  }
  if (unnamed) text_printf(&text, "%s%d without a name", text.len ? " and " : "", unnamed);
  return text.len ? text_str(&text) : "none";
}

/* Suggests a name for the axis, as in `f32[time .., 257, 2]`, where it has none yet. */
static void advise_label(Infer *inf, Diag *d, const Value *v, const char *name) {
  const Port *port = v->port;
  int unnamed = 0, which = -1;
  for (int i = 0; i < v->type.rank; i++)
    if (!v->type.dim[i].label) {
      if (unnamed++ == 0) which = i;
    }
  if (unnamed == 0) return;
  if (port && span_valid(port->type_span)) {
    int place = which + (type_is_sequence(&v->type) && which >= v->type.time_pos);
    Span at = type_axis_span(inf, port->type_span, place);
    Fix *fix = diag_fix(d, FIX_MAYBE, "give the axis of size %lld this name",
                        (long long)v->type.dim[which].n);
    if (span_valid(at)) fix_edit(fix, (Span){at.file, at.begin, at.begin}, "%s ", name);
    return;
  }
  diag_note(d, "`label` gives the axes of a value names: `|> label(%s, ..)`", name);
}

/* If an earlier stage removed the axis, "how the shape got here" shows which. */
static bool had_axis(const Value *v, const char *name) {
  for (; v->layer && v->layer->n_in; v = v->layer->in[0]) {
    const Type *type = &v->layer->in[0]->type;
    for (int i = 0; i < type->rank; i++)
      if (type->dim[i].label && strcmp(type->dim[i].label, name) == 0) return true;
  }
  return false;
}

static bool report_unknown(Infer *inf, const Layer *layer, const Value *v, const char *name,
                           Span at) {
  bool time = strcmp(name, "time") == 0;
  Diag *d =
      infer_report(inf, E315, layer, at,
                   time ? "this value has no time axis" : "this value has no axis `%s`", name);
  diag_primary(d, "`%s` needs this axis", layer_name(layer));
  diag_trace_value(d, inf->model, v);
  diag_note(d, "the axes of %s: %s", shape_or_type_str(inf->arena, &v->type),
            axes_listed(inf->arena, &v->type));
  const char *best = NULL;
  size_t distance = 3;
  for (int i = 0; i < v->type.rank; i++) {
    const char *label = v->type.dim[i].label;
    size_t far = label ? text_distance(label, name, distance) : distance;
    if (far < distance) {
      best = label;
      distance = far;
    }
  }
  if (best && span_valid(at))
    fix_edit(diag_fix(d, FIX_MAYBE, "did you mean `%s`?", best), at, "%s", best);
  else if (!time && !had_axis(v, name))
    advise_label(inf, d, v, name);
  return false;
}

static int axis_find(const Type *type, const char *name) {
  for (int i = 0; i < type->rank; i++)
    if (type->dim[i].label && strcmp(type->dim[i].label, name) == 0) return i;
  if (strcmp(name, "features") == 0 && type->rank) return type->rank - 1;
  return -1;
}

const char *axis_name(Arena *arena, const Type *type, int axis) {
  if (axis == AXIS_TIME) return "time";
  if (type->dim[axis].label) return type->dim[axis].label;
  if (axis == type->rank - 1) return "features";
  return arena_printf(arena, "axis %d", axis + 1 + type_is_sequence(type));
}

static bool report_twice(Infer *inf, const Layer *layer, const char *name, Span at) {
  const char *option = layer_opt(layer, OPT_axes) ? layer_name(layer) : "along";
  Diag *d = infer_report(inf, E315, layer, at, "`%s` names the axis `%s` twice", option, name);
  diag_primary(d, "again here");
  return false;
}

static Span name_span(const Layer *layer, const OptVal *along, int k) {
  Span at = along->value_span ? along->value_span[k] : along->at;
  return span_valid(at) ? at : layer->span;
}

/* `along=`, and the list of permute. */
static const OptVal *along_option(const Layer *layer) {
  return layer_opt(layer, layer_opt(layer, OPT_axes) ? OPT_axes : OPT_along);
}

/* The axes that are named. */
static bool named_axes(Infer *inf, Layer *layer, const Value *v, const OptVal *along) {
  for (int k = 0; k < along->n_axes; k++) {
    const char *name = along->axis[k];
    bool time = strcmp(name, "time") == 0;
    int axis = time ? AXIS_TIME : axis_find(&v->type, name);
    if (time ? !type_is_sequence(&v->type) : axis < 0)
      return report_unknown(inf, layer, v, name, name_span(layer, along, k));
    for (int i = 0; i < layer->n_along; i++)
      if (layer->along[i].axis == axis)
        return report_twice(inf, layer, name, name_span(layer, along, k));
    layer->along[layer->n_along++] =
        (LayerAxis){.axis = axis, .size = 1, .stride = 1, .dilation = 1};
  }
  return true;
}

static void add_axis(Layer *layer, int axis) {
  layer->along[layer->n_along++] = (LayerAxis){.axis = axis, .size = 1, .stride = 1, .dilation = 1};
}

static bool report_count(Infer *inf, const Layer *layer, const Value *v, int want) {
  const OptVal *along = along_option(layer);
  Span at = span_valid(along->at) ? along->at : layer->span;
  Diag *d = infer_report(inf, E315, layer, at, "`%s` works along %s", layer_name(layer),
                         want == 1 ? "one axis" : "two axes");
  diag_primary(d, "%d named here", along->n_axes);
  diag_trace_value(d, inf->model, v);
  return false;
}

/* A layer that makes new features cannot work along the last axis, which holds the features. */
static bool report_features(Infer *inf, const Layer *layer, const Value *v, int k) {
  const OptVal *along = along_option(layer);
  Diag *d = infer_report(inf, E315, layer, name_span(layer, along, k),
                         "`%s` reads the last axis as its features, so it cannot work along it",
                         layer_name(layer));
  diag_primary(d, "`%s` is the last axis of %s", along->axis[k],
               shape_or_type_str(inf->arena, &v->type));
  diag_trace_value(d, inf->model, v);
  diag_note(d, "if each position holds one number, add an axis of 1 at the end with `reshape`");
  return false;
}

/* In PyTorch the channels come before two axes; in grus they come last. */
static bool report_few(Infer *inf, const Layer *layer, const Value *v) {
  const Type *t = &v->type;
  int have = t->rank - 1 + type_is_sequence(t);
  const char *axis = t->rank > 1           ? axis_name(inf->arena, t, 0)
                     : type_is_sequence(t) ? "time"
                                           : NULL;
  Diag *d;
  if (have == 1 && axis)
    d = infer_report(inf, E304, layer, layer->span,
                     "`%s` needs two axes before the features, and `%s` is the only one",
                     layer_name(layer), axis);
  else
    d = infer_report(inf, E304, layer, layer->span,
                     "`%s` needs two axes before the features, but this value has none",
                     layer_name(layer));
  diag_primary(d, "needs %s, gets %s", layer_pattern(inf->arena, layer),
               shape_or_type_str(inf->arena, t));
  infer_trace_needs(inf, d, layer, v);
  diag_note(d, "the last axis holds the features (channels); if each position holds one number, it "
               "has size 1");
  if (v->port && have == 1 && t->rank >= 1 && span_valid(v->port->type_span)) {
    Span at = v->port->type_span;
    at.begin = at.end -= 1;
    fix_edit(diag_fix(d, FIX_MAYBE, "if each position holds one number, declare it"), at, ", 1");
  }
  return false;
}

bool layer_goes_along(Infer *inf, Layer *layer, const Value *v, int want, bool features) {
  const OptVal *along = along_option(layer);
  const Type *t = &v->type;
  layer->n_along = 0;
  layer->along = ARENA_ARRAY(inf->arena, LayerAxis, TYPE_MAX_AXES + 1);
  if (along && along->given) {
    if (!named_axes(inf, layer, v, along)) return false;
    if (want && layer->n_along != want) return report_count(inf, layer, v, want);
    for (int k = 0; k < layer->n_along && !features; k++)
      if (layer->along[k].axis == t->rank - 1) return report_features(inf, layer, v, k);
    return true;
  }
  if (want == WINDOW_MAX_AXES) {
    int last = t->rank - 2; /* the axis before the features */
    if (last < 0 || (last < 1 && !type_is_sequence(t))) return report_few(inf, layer, v);
    add_axis(layer, last < 1 ? AXIS_TIME : last - 1);
    add_axis(layer, last);
    return true;
  }
  if (!needs_sequence(inf, layer, v)) return false;
  add_axis(layer, AXIS_TIME);
  return true;
}

bool layer_goes_along_last(Infer *inf, Layer *layer, const Value *v) {
  const OptVal *along = along_option(layer);
  if (along && along->given) return layer_goes_along(inf, layer, v, 1, true);
  if (!needs_rank(inf, layer, v, 1, TYPE_MAX_AXES)) return false;
  layer->along = ARENA_ARRAY(inf->arena, LayerAxis, 1);
  layer->n_along = 0;
  add_axis(layer, v->type.rank - 1);
  return true;
}

bool report_not_time(Infer *inf, const Layer *layer, const Value *v, const char *note) {
  const OptVal *along = along_option(layer);
  Span at = along && span_valid(along->at) ? along->at : layer->span;
  Diag *d = infer_report(inf, E315, layer, at, "`%s` cannot work along time%s", layer_name(layer),
                         type_is_stream(&v->type) ? " of a stream" : " here");
  diag_primary(d, "gets %s", shape_str(inf->arena, &v->type));
  diag_trace_value(d, inf->model, v);
  if (note) diag_note(d, "%s", note);
  return false;
}

LayerAxis *layer_time(const Layer *layer) {
  for (int k = 0; k < layer->n_along; k++)
    if (layer->along[k].axis == AXIS_TIME) return &layer->along[k];
  return NULL;
}
