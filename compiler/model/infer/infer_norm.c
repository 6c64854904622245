/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* LayerNorm, RMSNorm, GroupNorm, InstanceNorm, l2_normalize: the axes of one step that statistics
 * go over. Sets layer->along to them in the order of the value (of a GroupNorm all feature axes,
 * its groups apart). */
#include "model/infer/infer_rule.h"

/* In the order of the value, whatever the order in which they are named. */
static void sort_axes(Layer *layer) {
  for (int k = 1; k < layer->n_along; k++)
    for (int i = k; i > 0 && layer->along[i - 1].axis > layer->along[i].axis; i--) {
      LayerAxis swap = layer->along[i];
      layer->along[i] = layer->along[i - 1];
      layer->along[i - 1] = swap;
    }
}

/* All feature axes but the last `less`. */
static void take_axes(Infer *inf, Layer *layer, const Value *v, int less) {
  layer->along = ARENA_ARRAY(inf->arena, LayerAxis, TYPE_MAX_AXES);
  layer->n_along = 0;
  for (int i = 0; i + less < v->type.rank; i++)
    layer->along[layer->n_along++] = (LayerAxis){.axis = i, .size = 1, .stride = 1, .dilation = 1};
}

static bool named_axes(Infer *inf, Layer *layer, const Value *v) {
  if (!layer_goes_along(inf, layer, v, 0, true)) return false;
  for (int k = 0; k < layer->n_along; k++)
    if (layer->along[k].axis == AXIS_TIME)
      return report_not_time(inf, layer, v,
                             "its statistics are those of one step; to remove the mean over time, "
                             "write `x - (x |> mean |> repeat(along=x))`");
  sort_axes(layer);
  return true;
}

static bool infer_norm(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  if (!needs_numbers(inf, layer, v) || !needs_rank(inf, layer, v, 1, TYPE_MAX_AXES)) return false;
  if (!(layer_opt(layer, OPT_along)->given ? named_axes(inf, layer, v)
                                           : layer_goes_along_last(inf, layer, v)))
    return false;
  layer->out[0]->type = type_result(&v->type);
  return true;
}

bool infer_LayerNorm(Infer *inf, Layer *layer) {
  return infer_norm(inf, layer);
}

bool infer_RMSNorm(Infer *inf, Layer *layer) {
  return infer_norm(inf, layer);
}

bool infer_l2_normalize(Infer *inf, Layer *layer) {
  return infer_norm(inf, layer);
}

bool infer_GroupNorm(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  int64_t groups;
  if (!needs_numbers(inf, layer, v) || !needs_rank(inf, layer, v, 1, TYPE_MAX_AXES)) return false;
  if (!needs_size(inf, layer, OPT_groups, NULL, &groups)) return false;
  if (!needs_division(inf, layer, v, OPT_groups, groups)) return false;
  take_axes(inf, layer, v, 0);
  layer->out[0]->type = type_result(&v->type);
  return true;
}

/* Each feature by itself, over the axes before the features. */
bool infer_InstanceNorm(Infer *inf, Layer *layer) {
  const Value *v = layer->in[0];
  if (!needs_numbers(inf, layer, v)) return false;
  if (layer_opt(layer, OPT_along)->given) {
    if (!named_axes(inf, layer, v)) return false;
  } else if (v->type.rank < 2) {
    Diag *d = infer_report(inf, E304, layer, layer->span,
                           "`InstanceNorm` needs an axis of each step before the features");
    diag_primary(d, "needs [.., n, d], gets %s", shape_or_type_str(inf->arena, &v->type));
    infer_trace_needs(inf, d, layer, v);
    diag_note(d, "for statistics over the features of a step, use `LayerNorm`");
    return false;
  } else
    take_axes(inf, layer, v, 1);
  for (int k = 0; k < layer->n_along; k++)
    if (layer->along[k].axis == v->type.rank - 1) {
      Diag *d = infer_report(
          inf, E315, layer, layer->span,
          "`InstanceNorm` takes each feature by itself, so it cannot work along the last axis");
      diag_primary(d, "gets %s", shape_or_type_str(inf->arena, &v->type));
      diag_note(d, "for statistics over the features of a step, use `LayerNorm`");
      return false;
    }
  layer->out[0]->type = type_result(&v->type);
  return true;
}
