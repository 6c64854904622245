/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any bytes through the readers of tensor files, every element of what they accept, and binding to
 * a small model in each convention: no crash, and where something is refused, a reason. The corpus
 * has files in which names and shapes fit the model. */
#include "model/bind/weights.h"
#include "front/front.h"
#include "import/weights_file.h"
#include "model/infer/infer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char model_text[] =
    "grus 1\n"
    "model m {\n"
    "  weights torch \"w\"\n"
    "  in  x : f32[time 4, 2]\n"
    "  out y : f32[1] = x |> GRU(1, from=\"r\") |> last |> Dense(1, from=\"d\")\n"
    "}\n";

/* Checked in the middle of unwinding: volatile. */
static Arena *volatile arena;

static TensorFile *read_any(Mapped file, const char **reason) {
  if (file.len >= 6 && memcmp(file.data, "\x93NUMPY", 6) == 0) {
    TensorFile *one = ARENA_NEW(arena, TensorFile);
    one->tensor = ARENA_NEW(arena, Tensor);
    one->tensor->name = "";
    one->n = 1;
    return npy_parse(arena, file, one->tensor, reason) ? one : NULL;
  }
  if (file.len >= 4 && memcmp(file.data, "PK", 2) == 0) return npz_parse(arena, file, reason);
  return safetensors_parse(arena, file, reason);
}

static Model *typed_model(Diags *diags, Sources *sources) {
  ResolveOptions options = {0};
  const Source *source = sources_add(sources, "m.grus", model_text, sizeof model_text - 1);
  Program *program = resolve(arena, source, parse(arena, source, diags), &options, diags);
  if (program->n_models != 1 || !model_infer(program->model[0], diags)) abort();
  return program->model[0];
}

static void read_and_bind(const uint8_t *data, size_t size) {
  static volatile double sum; /* so that the reads are made */
  const char *reason = NULL;
  TensorFile *file = read_any((Mapped){data, size}, &reason);
  if (!file) {
    if (!reason) abort();
    return;
  }
  for (int i = 0; i < file->n; i++)
    for (int64_t k = 0; k < file->tensor[i].count; k++)
      sum = sum + tensor_get(&file->tensor[i], k);
  file->path = "w";
  for (int c = CONVENTION_NONE; c <= CONVENTION_ONNX; c++) {
    Sources sources = {.arena = arena};
    Diags *diags = diags_new(arena, &sources);
    Model *model = typed_model(diags, &sources);
    model->weights.convention = (Convention)c;
    if (!model_bind(model, file, diags) && diags->n_errors == 0) abort();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  jmp_buf oom;
  arena = arena_new(&oom);
  if (!arena) return 0;
  if (setjmp(oom) == 0) read_and_bind(data, size);
  arena_free(arena);
  return 0;
}
