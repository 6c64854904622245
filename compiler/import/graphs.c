/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Formats that are read as graphs: file to Graph (read/), Graph to Model (lift/). */
#include "import/lift/lift.h"
#include "import/read/read.h"
#include "import/tensors/archive.h"

#include <assert.h>
#include <string.h>

typedef Graph *Reader(const ForeignFile *, const ImportOptions *, Diags *);
typedef Foreign *Importer(const ForeignFile *, const ImportOptions *, Diags *);

Importer onnx_import, tflite_import, pt2_import, script_import, tensors_import, graphdef_import,
    saved_model_import, keras_hdf5_import, keras_zip_import;
bool tflite_sniff(const ForeignFile *file);
bool pt2_sniff(const ForeignFile *file);
bool script_sniff(const ForeignFile *file);
bool graphdef_sniff(const ForeignFile *file);

/* The language computes in f32. */
static void note_halves(Graph *graph) {
  static const char differ[] = "in the file and in f32 here: results differ by the rounding";
  if (graph->n_halves == 1)
    graph_note(graph, "`%s` computes in %s %s", graph->half_node, graph->half_type, differ);
  else if (graph->n_halves)
    graph_note(graph, "`%s` and %d more compute in %s %s", graph->half_node, graph->n_halves - 1,
               graph->half_type, differ);
}

/* The Model of a file whose reader gives a graph; NULL after reporting. */
static Foreign *import_graph(Reader *read, const ForeignFile *file, const ImportOptions *options,
                             Diags *diags) {
  ForeignFile *with_numbers = ARENA_NEW(file->arena, ForeignFile);
  *with_numbers = *file;
  with_numbers->numbers = arena_child(file->arena);
  Graph *graph = read(with_numbers, options, diags);
  assert(!graph || graph->format);
  if (graph) note_halves(graph);
  if (graph) graph_sweep(graph);
  Foreign *foreign = graph ? lift_graph(with_numbers, graph, options, diags) : NULL;
  arena_free(with_numbers->numbers);
  with_numbers->numbers = NULL;
  return foreign;
}

Foreign *onnx_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  return import_graph(onnx_graph, file, options, diags);
}

bool tflite_sniff(const ForeignFile *file) {
  return file->data.len >= 8 && memcmp(file->data.data + 4, "TFL3", 4) == 0;
}

Foreign *tflite_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  return import_graph(tflite_graph, file, options, diags);
}

/* A zip archive with the program of torch.export. */
bool pt2_sniff(const ForeignFile *file) {
  return archive_lists(file->data, "models/model.json") ||
         archive_lists(file->data, "serialized_exported_program.json"); /* before 2.8 */
}

Foreign *pt2_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  return import_graph(pt2_graph, file, options, diags);
}

/* A zip archive with code. */
bool script_sniff(const ForeignFile *file) {
  return archive_lists(file->data, "/constants.pkl") &&
         archive_lists(file->data, "/code/__torch__");
}

/* With --config, its tensors alone are read. */
Foreign *script_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  return options->config ? tensors_import(file, options, diags)
                         : import_graph(script_graph, file, options, diags);
}

/* Version 1 of SavedModel, and a graph. */
bool saved_model_sniff(const ForeignFile *file) {
  static const char begins[] = "\x08\x01\x12";
  return file->data.len > 4 && memcmp(file->data.data, begins, sizeof begins - 1) == 0 &&
         input_holds(file->data, "dtype");
}

Foreign *saved_model_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  return import_graph(saved_model_graph, file, options, diags);
}

/* A GraphDef begins with a node; somewhere there is an input. */
bool graphdef_sniff(const ForeignFile *file) {
  bool begins = file->data.len > 4 && file->data.data[0] == 0x0A;
  return begins && input_holds(file->data, "Placeholder") && input_holds(file->data, "dtype");
}

Foreign *graphdef_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  return import_graph(graphdef_graph, file, options, diags);
}

Foreign *keras_hdf5_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  return import_graph(keras_graph, file, options, diags);
}

Foreign *keras_zip_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  return import_graph(keras_graph, file, options, diags);
}
