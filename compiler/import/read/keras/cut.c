/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The way out where nothing near a layer works: the part of the model before it, or the one after
 * it, is imported, and the program computes the layer. In, a layer that cannot be read; out, the
 * call in Python that saves that part. */
#include "import/read/keras/keras.h"

const char *keras_cut(const KerasLayer *layer) {
  const Keras *k = layer->keras;
  const char *end = k->text ? "keras" : "h5";
  const GraphValue *in = layer->n_in ? layer->in[0].graph : NULL;
  bool is_first = !in || !in->node;
  if (layer->is_operator && !layer->depth) /* which get_layer does not find */
    return arena_printf(k->arena,
                        "import the part before it, `keras.Model(model.inputs, next(o for o in "
                        "model.operations if o.name == \"%s\").input).save(\"part.%s\")`, and "
                        "compute the rest in your program",
                        layer->name, end);
  if (is_first && !layer->depth)
    return arena_printf(k->arena,
                        "compute it in your program, and import the part after it, "
                        "`keras.Model(model.get_layer(\"%s\").output, model.outputs)"
                        ".save(\"part.%s\")`",
                        layer->name, end);
  return foreign_way_out(k->file, &(ForeignNode){.name = layer->name});
}
