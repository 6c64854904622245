/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The way out that every file of a format has, if grus cannot import one of its nodes. In, the
 * file and the node; out, the sentence of a `help:`. foreign.def says which function a format has.
 */
#include "import/foreign.h"

#include <string.h>

#define WAY(name)                                                                                  \
  const char *way_##name(const ForeignFile *file, const ForeignNode *node);                        \
  const char *way_##name(const ForeignFile *file, const ForeignNode *node)

/* A list of names in the text of a command. */
static const char *or_dots(const char *names) {
  return names ? names : "...";
}

/* onnx.utils.extract_model takes the part between tensors that are named. */
WAY(onnx) {
  const char *call =
      arena_printf(file->arena, "`onnx.utils.extract_model(\"%s\", \"part.onnx\", [%s], [%s])`",
                   file->path, or_dots(node->is_first ? node->results : node->inputs),
                   or_dots(node->is_first ? node->outputs : node->operands));
  if (node->is_first)
    return arena_printf(file->arena,
                        "compute `%s` in your program, and import the part after it: %s",
                        node->name, call);
  return arena_printf(file->arena,
                      "import the part before `%s`, %s, and compute the rest in your program",
                      node->name, call);
}

WAY(keras) {
  const char *end = text_ends(file->path, ".keras") ? "keras" : "h5";
  if (strchr(node->name, '/')) /* of a model among the layers */
    return arena_printf(file->arena,
                        "cut the model before `%s` with `keras.Model(inputs, outputs)`, and "
                        "compute the rest in your program",
                        node->name);
  /* Operators of Keras 3 are no layers, but layers are among the operations. */
  const char *way =
      arena_printf(file->arena,
                   *end == 'k' ? "next(o for o in model.operations if o.name == \"%s\")"
                               : "model.get_layer(\"%s\")",
                   node->name);
  return arena_printf(file->arena,
                      "import the part before `%s`, `keras.Model(model.inputs, "
                      "%s.input).save(\"part.%s\")`, and compute the rest in your program",
                      node->name, way, end);
}

/* No tool cuts files of TensorFlow Lite. */
WAY(tflite) {
  return arena_printf(file->arena,
                      "convert the part of the model before `%s`, "
                      "`tf.lite.TFLiteConverter.from_keras_model(keras.Model(model.inputs, "
                      "model.get_layer(NAME).input))`, and compute the rest in your program",
                      node->name);
}

WAY(frozen) {
  if (node->is_first)
    return arena_printf(file->arena,
                        "compute `%s` in your program: `--input %s` begins after it (`--set "
                        "%s.0=N` and so on give its sizes)",
                        node->name, node->name, node->name);
  return arena_printf(file->arena,
                      "import the part before `%s`, "
                      "`tf.compat.v1.graph_util.extract_sub_graph(graph, [%s])`, and compute the "
                      "rest in your program",
                      node->name, or_dots(node->operands));
}

WAY(saved) {
  return arena_printf(
      file->arena,
      "save a function that ends before `%s`, and compute the rest in your program: "
      "`tf.saved_model.save(model, FOLDER, signatures=FUNCTION)`",
      node->name);
}

WAY(program) {
  return arena_printf(file->arena,
                      "export a module that ends before `%s`, or write the model by hand with the "
                      "weights of this file: `grus import %s --template`",
                      node->name, file->path);
}

/* Files of tensors, and TorchScript archives. */
WAY(tensors) {
  (void)node;
  return arena_printf(file->arena,
                      "write the model by hand with the weights of this file: `grus import %s "
                      "--template`",
                      file->path);
}

/* The numbers of these files have no names by which a model could find them. */
WAY(unnamed) {
  (void)file;
  return arena_printf(file->arena,
                      "instead of %s, use a layer that docs/import.md lists for this format, or "
                      "export the model from its framework as ONNX",
                      node->name);
}
