/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* attention(q, k, v) and AdditiveAttention(q, k, v): every position of q takes a mean of v,
 * weighted by how its query fits the keys. The positions are the steps of sequences, or those of
 * the axis that `along` names, within one step; the other axes are mapped over. With `window` a
 * position sees itself and the window - 1 before it: legal along time of a stream, which keeps
 * them. */
#include "model/infer/infer_rule.h"

#include <string.h>

static bool report_three(Infer *inf, const Layer *layer) {
  Diag *d = infer_report(inf, layer->n_in < 3 ? E204 : E217, layer, layer->span,
                         "`%s` works on three values: queries, keys, values", layer_name(layer));
  diag_primary(d, "%d given", layer->n_in);
  diag_note(d, "`%s(q, k, v)`; for self-attention, compute all three from the same sequence",
            layer_name(layer));
  return false;
}

static bool report_stream(Infer *inf, const Layer *layer, const Value *v) {
  Diag *d =
      infer_report(inf, E401, layer, layer->span,
                   "`%s` along time reads every step, but a stream has no end", layer_name(layer));
  diag_primary(d, "gets %s", shape_str(inf->arena, &v->type));
  diag_trace_value(d, inf->model, v);
  edit_add_argument(inf, diag_fix(d, FIX_FILL, "read only the last N steps"), layer, "window=N");
  diag_note(d, "along a feature axis of each step, it needs no end: `along=`");
  return false;
}

static bool report_parts(Infer *inf, const Layer *layer, const char *message, int a, int b) {
  Diag *d = infer_report(inf, E303, layer, layer->name_span, "%s", message);
  infer_label_both(inf, d, layer, a, b);
  return false;
}

/* Along time, the stage needs whole sequences or `window`. Along a feature axis, all three values
 * need the same steps. */
static bool positions_meet(Infer *inf, const Layer *layer, bool timed) {
  const Type *q = &layer->in[0]->type, *k = &layer->in[1]->type, *v = &layer->in[2]->type;
  bool back = layer_looks_back(layer);
  const char *option = layer_window(layer) ? "window" : "mask=causal", *name = layer_name(layer);
  int axis = layer->along[0].axis;
  for (int i = 0; i < 3; i++)
    if (timed && type_is_stream(&layer->in[i]->type) && !layer_window(layer))
      return report_stream(inf, layer, layer->in[i]);
  if (!time_equal(&k->time, &v->time) || k->time.lag != v->time.lag)
    return report_parts(
        inf, layer, arena_printf(inf->arena, "keys and values of `%s` need the same steps", name),
        1, 2);
  if ((!timed || back) && (!time_equal(&q->time, &k->time) || q->time.lag != k->time.lag))
    return report_parts(
        inf, layer,
        timed ? arena_printf(inf->arena, "with `%s` queries and keys need the same steps", option)
              : arena_printf(inf->arena, "queries, keys and values of `%s` need the same steps",
                             name),
        0, 1);
  if (timed) return true;
  if (k->dim[axis].n != v->dim[axis].n)
    return report_parts(
        inf, layer,
        arena_printf(inf->arena, "keys and values of `%s` need the same positions", name), 1, 2);
  if (back && q->dim[axis].n != k->dim[axis].n)
    return report_parts(
        inf, layer,
        arena_printf(inf->arena, "with `%s` queries and keys need the same positions", option), 0,
        1);
  return true;
}

/* All three values need the same mapped axes. */
static bool mapped_meet(Infer *inf, const Layer *layer) {
  const Type *q = &layer->in[0]->type;
  for (int i = 1; i < 3; i++)
    for (int axis = 0; axis + 1 < q->rank; axis++) {
      const Dim *a = &q->dim[axis], *b = &layer->in[i]->type.dim[axis];
      bool names = a->label && b->label && strcmp(a->label, b->label) != 0;
      if (axis == layer->along[0].axis || (a->n == b->n && !names)) continue;
      return report_parts(inf, layer,
                          arena_printf(inf->arena,
                                       "queries, keys and values of `%s` need the same axes",
                                       layer_name(layer)),
                          0, i);
    }
  return true;
}

/* All three values are [time t, .., d], or [.., f, .., d] along f. */
static bool ranks_meet(Infer *inf, const Layer *layer, bool timed) {
  int rank = layer->in[0]->type.rank;
  for (int i = 0; i < 3; i++) {
    const Type *t = &layer->in[i]->type;
    if (t->rank >= (timed ? 1 : 2) && t->rank == rank && (!timed || type_is_sequence(t))) continue;
    Diag *d = infer_report(inf, E304, layer, layer->span, "`%s` needs %s of all three",
                           layer_name(layer), timed ? "[time t, .., d]" : "[.., f, .., d]");
    diag_primary(d, "gets %s", shape_or_type_str(inf->arena, t));
    diag_trace_value(d, inf->model, layer->in[i]);
    return false;
  }
  return true;
}

static bool options_hold(Infer *inf, Layer *layer, bool timed) {
  const Value *q = layer->in[0];
  int64_t n;
  if (layer_opt(layer, OPT_window)->given &&
      !needs_size(inf, layer, OPT_window, timed ? q : NULL, &n))
    return false;
  if (!layer_opt(layer, OPT_heads)) return true;
  return needs_size(inf, layer, OPT_heads, NULL, &n) &&
         needs_division(inf, layer, q, OPT_heads, n) &&
         needs_division(inf, layer, layer->in[2], OPT_heads, n);
}

bool infer_attention(Infer *inf, Layer *layer) {
  if (layer->n_in != 3) return report_three(inf, layer);
  for (int i = 0; i < 3; i++)
    if (!needs_numbers(inf, layer, layer->in[i])) return false;
  const Value *q = layer->in[0];
  if (!layer_goes_along(inf, layer, q, 1, false)) return false;
  bool timed = layer->along[0].axis == AXIS_TIME;
  int last = q->type.rank - 1;
  if (!ranks_meet(inf, layer, timed)) return false;
  if (!options_hold(inf, layer, timed)) return false;
  if (!positions_meet(inf, layer, timed) || !mapped_meet(inf, layer)) return false;
  if (q->type.dim[last].n != layer->in[1]->type.dim[last].n)
    return report_parts(inf, layer,
                        arena_printf(inf->arena,
                                     "queries and keys of `%s` need equally many features",
                                     layer_name(layer)),
                        0, 1);
  Type type = type_result(&q->type);
  type_set_last(&type, layer->in[2]->type.dim[last].n);
  layer->out[0]->type = type;
  return true;
}

bool infer_AdditiveAttention(Infer *inf, Layer *layer) {
  return infer_attention(inf, layer);
}
