/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Masks [batch, time] as values of the graph: which layers make, use, pass on and end them says the
 * column `mask` of keras_masks.def. */
#include "import/read/keras/reader.h"

static const KerasMaskUse uses[] = {
#define KERAS_MASK(layer, mask, sees, gives) MASK_##mask,
#include "import/keras_masks.def"
#undef KERAS_MASK
};
_Static_assert(sizeof uses / sizeof *uses == KERAS_MASK_COUNT, "a row for each layer");

/* Where some inputs have a mask and others have none, versions of Keras differ: the result's is not
 * known. Where all have one, Keras 2 asks for steps that all have, Keras 3 for steps that any
 * has. */
static void join(const KerasLayer *layer, KerasValue *out) {
  int n = 0;
  GraphValue *mask = NULL;
  for (int i = 0; i < layer->n_in; i++) {
    const KerasValue *in = &layer->in[i];
    out->doubt = out->doubt || in->doubt;
    if (!in->keeps) continue;
    n++;
    if (!mask)
      mask = in->keeps;
    else if (mask != in->keeps && layer->keras->major < 3)
      mask = EMIT(keras_emit(layer), And, mask, in->keeps);
    else if (mask != in->keeps)
      mask = EMIT(keras_emit(layer), Or, mask, in->keeps);
  }
  if (n && n < layer->n_in) out->doubt = true;
  out->keeps = mask;
}

void keras_masks_follow(KerasLayer *layer, KerasMaskRow row) {
  KerasMaskUse use = layer->is_operator ? MASK_DROPS : uses[row];
  for (int i = 0; i < layer->n_out; i++) {
    KerasValue *out = &layer->out[i];
    const KerasValue *in = &layer->in[0];
    bool own = use == MASK_MAKES || use == MASK_USES, none = out->rank < 2;
    if (!own) {
      out->keeps = NULL;
      out->doubt = false;
    }
    if (use == MASK_PASSES) {
      out->keeps = in->keeps;
      out->doubt = in->doubt;
    }
    if (use == MASK_JOINS) join(layer, out);
    if (none) {
      out->keeps = NULL;
      out->doubt = false;
    }
  }
}

bool keras_mask_of(const KerasLayer *layer, GraphValue **out) {
  const KerasValue *in = &layer->in[0];
  *out = layer->mask ? layer->mask : in->keeps;
  if (layer->mask || !in->doubt) return true;
  Diag *d = keras_refuse(layer, E903,
                         "reads a sequence that is joined of some with a mask and some without");
  diag_note(d, "versions of Keras differ in which of its steps are masked then");
  return false;
}

void keras_mark_padding(const KerasLayer *layer, double padding) {
  Graph *graph = keras_emit(layer)->graph;
  for (int i = 0; i < graph->n_in; i++)
    if (graph->in[i].value == layer->in[0].graph) {
      graph->in[i].has_padding = true;
      graph->in[i].padding = padding;
    }
}
