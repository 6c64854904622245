/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files that hold nothing but tensors. They do not say what the layers are, in which order they
 * come, nor what is between them, so the reader asks for it: --config names a .grus file with the
 * layers, which the driver then binds. Checkpoints of PyTorch are imported where what they say
 * leaves one answer. */
#include "import/foreign.h"
#include "import/tensors/tensor_file.h"

#include <string.h>

enum { NAMES_SHOWN = 8 };

bool tensors_sniff(const ForeignFile *file) {
  TensorKind kind = tensor_file_kind(file->data);
  return kind == TENSORS_NPY || kind == TENSORS_NPZ || kind == TENSORS_SAFETENSORS ||
         kind == TENSORS_TORCH;
}

/* Recurrent modules of PyTorch name their weights as nobody else does. */
static bool names_of_torch(const TensorFile *tensors) {
  static const char leaf[] = "weight_ih_l0";
  for (int i = 0; i < tensors->n; i++) {
    const char *name = tensors->tensor[i].name;
    size_t n = strlen(name);
    if (n >= strlen(leaf) && strcmp(name + n - strlen(leaf), leaf) == 0) return true;
  }
  return false;
}

/* The name of a tensor in a sentence. The array of a .npy file has none. */
static const char *name_quoted(Arena *arena, const Tensor *t) {
  return *t->name ? arena_printf(arena, "`%s`", t->name) : "one tensor without a name,";
}

Foreign *tensors_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  const char *reason = "";
  TensorFile *tensors = tensor_file_parse(file->arena, file->data, &reason);
  if (!tensors) {
    foreign_report(diags, file, E901, "cannot read `%s`: %s", file->path, reason);
    return NULL;
  }
  bool checkpoint =
      tensors->convention == CONVENTION_TORCH && tensor_file_kind(file->data) == TENSORS_TORCH;
  if (checkpoint || (!options->config && names_of_torch(tensors)))
    return torch_state_of(file, tensors, options, diags);
  Text list = text_new(file->arena);
  Diag *d = foreign_report(diags, file, E904,
                           "`%s` holds tensors, but does not say what the layers are", file->path);
  for (int i = 0; i < tensors->n && i < NAMES_SHOWN; i++)
    text_printf(&list, "%s%s %s", i ? ", " : "", name_quoted(file->arena, &tensors->tensor[i]),
                tensor_shape_str(file->arena, &tensors->tensor[i]));
  if (tensors->n > NAMES_SHOWN) text_printf(&list, " and %d more", tensors->n - NAMES_SHOWN);
  if (tensors->n) diag_note(d, "it has %s", text_str(&list));
  if (options->config) diag_note(d, "--config `%s` is not a .grus file", options->config);
  diag_fix(d, FIX_MAYBE,
           "`grus import %s --template` prints a .grus file with a line for each layer; correct "
           "it, then pass it: `--config MODEL.grus`",
           file->path);
  return NULL;
}
