/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files of tensors alone, .safetensors, .npz and .npy: PyTorch state dicts among them. They do not say
 * what the layers are, in which order they come, nor what is between them, so the reader asks for it:
 * --config names a .grus file with the layers, which the driver then binds. */
#include "import/foreign.h"

enum { NAMES_SHOWN = 8 };

static TensorFile *tensors_of(const ForeignFile *file) {
  Arena *arena = file->arena;
  const uint8_t *data = file->data.data;
  const char *reason;
  Tensor one;
  if (file->data.len < 8) return NULL;
  if (data[0] == 'P' && data[1] == 'K') return npz_parse(arena, file->data, &reason);
  if (data[0] == 0x93) return npy_parse(arena, file->data, &one, &reason) ? ARENA_NEW(arena, TensorFile) : NULL;
  return data[8 < file->data.len ? 8 : 0] == '{' ? safetensors_parse(arena, file->data, &reason) : NULL;
}

bool tensors_sniff(const ForeignFile *file) { return tensors_of(file) != NULL; }

Foreign *tensors_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  const TensorFile *tensors = tensors_of(file);
  Text list = text_new(file->arena);
  Diag *d = foreign_report(diags, file, E904, "`%s` holds tensors alone: it does not say what the layers are", file->path);
  for (int i = 0; i < tensors->n && i < NAMES_SHOWN; i++)
    text_printf(&list, "%s`%s` %s", i ? ", " : "", tensors->tensor[i].name, tensor_shape_str(file->arena, &tensors->tensor[i]));
  if (tensors->n > NAMES_SHOWN) text_printf(&list, " and %d more", tensors->n - NAMES_SHOWN);
  if (tensors->n) diag_note(d, "it has %s", text_str(&list));
  diag_note(d, "write the layers in a .grus file, with `from=` for the names of their tensors, and name it: `--config MODEL.grus`");
  if (options->config) diag_note(d, "--config `%s` is not a .grus file", options->config);
  return NULL;
}
