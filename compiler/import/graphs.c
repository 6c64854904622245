/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Formats that are read as graphs: file to Graph (read/), Graph to Model (lift/). */
#include "import/lift/lift.h"
#include "import/read/read.h"

Foreign *onnx_import(const ForeignFile *file, const ImportOptions *options, Diags *diags);
Foreign *onnx_legacy_import(const ForeignFile *file, const ImportOptions *options, Diags *diags);

/* The Model of a file whose reader gives a graph; NULL after reporting. */
static Foreign *import_graph(Graph *(*read)(const ForeignFile *, const ImportOptions *, Diags *), const ForeignFile *file,
                             const ImportOptions *options, Diags *diags) {
  const Graph *graph = read(file, options, diags);
  return graph ? lift_graph(file, graph, options, diags) : NULL;
}

/* What the way through the graph refuses, the reader that was there before it may still take. */
Foreign *onnx_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  Diags *trial = diags_new(file->arena, diags->sources);
  Foreign *foreign = import_graph(onnx_graph, file, options, trial);
  return foreign ? foreign : onnx_legacy_import(file, options, diags);
}
