/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The way out where nothing near a layer works: the part of the model before it, or the one after
 * it, is imported, and the program computes the layer. In, a layer that cannot be read; out, the
 * call in Python that saves that part. */
#include "import/read/keras/keras.h"

const char *keras_cut(const KerasLayer *layer) {
  const Keras *k = layer->keras;
  const char *end = k->text ? "keras" : "h5";
  const GraphValue *in = layer->n_in ? layer->in[0].graph : NULL;
  const char *node = arena_printf(
      k->arena,
      layer->is_operator ? "next(o for o in model.operations if o.name == \"%s\")" /* no layer */
                         : "model.get_layer(\"%s\")",
      layer->name);
  if (layer->depth || layer->n_calls > 1)
    return arena_printf(k->arena,
                        "cut the model before `%s` with `keras.Model(inputs, outputs)`, and "
                        "compute the rest in your program",
                        layer->name);
  if (in && in->node)
    return arena_printf(k->arena,
                        "import the part before `%s`, `keras.Model(model.inputs, %s.input)"
                        ".save(\"part.%s\")`, and compute the rest in your program",
                        layer->name, node, end);
  return arena_printf(k->arena,
                      "compute `%s` in your program, and import the part after it, "
                      "`keras.Model([%s.output, *model.inputs], model.outputs).save(\"part.%s\")`",
                      layer->name, node, end);
}
