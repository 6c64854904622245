/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What stands in front of the first step of a Conv1D with init=learned: a vector among its weights,
 * in the place of zeros. It stands in front of the value that is read, which has one past. */
#include "model/infer/infer_rule.h"

#include <string.h>

/* The value before stages that do nothing when the model runs. */
static const Value *looked_at(const Value *v) {
  while (v->layer && (layer_info(v->layer->kind)->flags & TRAINING))
    v = v->layer->in[0];
  return v;
}

/* Whether a stage names time among its axes. The stage may come later, so it may have no types yet.
 */
static bool names_time(const Layer *layer) {
  const OptVal *along = layer_opt(layer, OPT_along);
  for (int i = 0; along && i < along->n_axes; i++)
    if (strcmp(along->axis[i], "time") == 0) return true;
  return false;
}

/* Whether a stage reads earlier steps; a convolution with one tap does not. */
static bool looks_back(const Layer *layer) {
  if (layer->kind == LAYER_Conv1D) return layer_size(layer, OPT_kernel, 1) > 1;
  if (layer->kind == LAYER_pad) return names_time(layer);
  return layer->kind == LAYER_delay || layer_opt(layer, OPT_kernel) || layer_opt(layer, OPT_size);
}

static Diag *report(Infer *inf, const Layer *layer, const char *needs, const char *why) {
  Diag *d = infer_report(inf, E211, layer, layer_opt(layer, OPT_init)->at,
                         "`init=learned` needs %s", needs);
  diag_primary(d, "%s", why);
  return d;
}

bool infer_past(Infer *inf, const Layer *layer) {
  const LayerAxis *time = &layer->along[0];
  if (!layer_learns_start(layer)) return true;
  bool causal = time->axis == AXIS_TIME && time->padding.kind == PAD_CAUSAL;
  if (!causal)
    report(inf, layer, "`padding=causal` along time",
           "only a causal convolution reads steps before the first one");
  else if (layer->in[0]->type.rank != 1)
    report(inf, layer, "a sequence of vectors",
           "`initial_x` is one vector, but this input has more axes");
  if (!causal || layer->in[0]->type.rank != 1) return false;
  for (int i = 0; i < inf->model->n_layers; i++) {
    const Layer *other = inf->model->layer[i];
    if (other == layer || !other->n_in || !looks_back(other) ||
        looked_at(other->in[0]) != looked_at(layer->in[0]))
      continue;
    Diag *d = report(inf, layer, "a value of which no other stage reads earlier steps",
                     "this stage has learned the steps before the first one");
    diag_label(d, other->name_span, "this `%s` reads earlier steps of the same value",
               layer_info(other->kind)->name);
    diag_note(d, "give one of them a copy: `(v * 1) |> ...`");
    return false;
  }
  return true;
}
