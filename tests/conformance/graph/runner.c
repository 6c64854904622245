/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See runner.h. */
#include "runner.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

void runner_begin(Runner *run, Arena *arena) {
  *run = (Runner){.arena = arena};
  run->sources.arena = arena;
}

Graph *runner_read_bytes(Runner *run, const char *path, Mapped data, const char **why) {
  static const struct {
    const char *end;
    Graph *(*read)(const ForeignFile *file, const ImportOptions *options, Diags *diags);
  } readers[] = {{".onnx", onnx_graph},
                 {".tflite", tflite_graph},
                 {".pt2", pt2_graph},
                 {".pt", script_graph},
                 {"/saved_model.pb", saved_model_graph},
                 {".pb", graphdef_graph},
                 {".keras", keras_graph},
                 {".h5", keras_graph}};
  ForeignFile file = {.arena = run->arena, .path = path, .data = data};
  ImportOptions options = {.input = run->input};
  run->diags = diags_new(run->arena, &run->sources);
  *why = "no reader knows the file";
  for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
    if (!text_ends(path, readers[i].end)) continue;
    Graph *graph = readers[i].read(&file, &options, run->diags);
    *why = run->diags->first ? run->diags->first->message : "nothing was said";
    return graph;
  }
  return NULL;
}

Graph *runner_read(Runner *run, const char *path, const char **why) {
  Mapped data;
  return file_map(run->arena, path, &data, why) ? runner_read_bytes(run, path, data, why) : NULL;
}

GraphElem runner_elem(TensorElem stored) {
  static const GraphElem elems[] = {
      [TENSOR_F16] = GRAPH_FLOAT, [TENSOR_BF16] = GRAPH_FLOAT, [TENSOR_F32] = GRAPH_FLOAT,
      [TENSOR_F64] = GRAPH_FLOAT, [TENSOR_I8] = GRAPH_I8,      [TENSOR_U8] = GRAPH_U8,
      [TENSOR_I16] = GRAPH_I16,   [TENSOR_U16] = GRAPH_U16,    [TENSOR_I32] = GRAPH_I32,
      [TENSOR_U32] = GRAPH_U32,   [TENSOR_I64] = GRAPH_I64,    [TENSOR_U64] = GRAPH_U64,
      [TENSOR_BOOL] = GRAPH_BOOL};
  return elems[stored];
}

const GraphTensor *runner_npy(Runner *run, const char *path, const char **why) {
  Mapped file;
  Tensor t = {.name = path};
  double *data;
  if (!file_map(run->arena, path, &file, why) || !npy_parse(run->arena, file, &t, why)) return NULL;
  GraphTensor *out = graph_tensor(run->arena, runner_elem(t.elem), t.rank, t.dim, &data);
  for (int64_t i = 0; i < t.count; i++)
    data[i] = tensor_get(&t, i);
  return out;
}

GraphTensor *runner_rows(Runner *run, const GraphTensor *t, int64_t row, int64_t n, bool drop) {
  GraphTensor *out = ARENA_NEW(run->arena, GraphTensor);
  int64_t each = t->dim[0] ? t->count / t->dim[0] : 0;
  *out = *t;
  out->wide = t->wide + row * each;
  out->count = n * each;
  out->dim[0] = n;
  if (!drop) return out;
  out->rank--;
  memmove(out->dim, out->dim + 1, sizeof *out->dim * (GRAPH_MAX_RANK - 1));
  return out;
}

const char *runner_dims(Runner *run, const GraphTensor *t) {
  Text text = text_new(run->arena);
  for (int i = 0; i < t->rank; i++)
    text_printf(&text, "%s%lld", i ? ", " : "[", (long long)t->dim[i]);
  text_add(&text, t->rank ? "]" : "[]");
  return text_str(&text);
}

double runner_difference(const double *a, const double *b, int64_t n) {
  double most = 0, scale = 1;
  for (int64_t i = 0; i < n; i++)
    if (isfinite(b[i])) scale = fmax(scale, fabs(b[i]));
  for (int64_t i = 0; i < n; i++) {
    double d = a[i] == b[i] || (isnan(a[i]) && isnan(b[i])) ? 0 : fabs(a[i] - b[i]);
    if (isnan(d)) return INFINITY;
    most = fmax(most, d);
  }
  return most / scale;
}

const char *runner_fault(Runner *run, const GraphFault *fault) {
  if (!fault->node) return fault->text;
  return arena_printf(run->arena, "node `%s` (%s, %s): %s", fault->node->name, fault->node->source,
                      graph_op_name(fault->node->op), fault->text);
}
