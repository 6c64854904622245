/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files of tensors alone, .safetensors, .npz and .npy: PyTorch state dicts among them. They do not say
 * what the layers are, in which order they come, nor what is between them, so the reader asks for it:
 * --config names a .grus file with the layers, which the driver then binds. */
#include "import/foreign.h"

#include <string.h>

enum { NAMES_SHOWN = 8 };

/* A zip archive with a name that ends in .npy. */
static bool is_npz(Mapped file) {
  if (file.len < 4 || memcmp(file.data, "PK\003\004", 4) != 0) return false;
  for (size_t i = 4; i + 4 <= file.len; i++)
    if (memcmp(file.data + i, ".npy", 4) == 0) return true;
  return false;
}

static bool is_npy(Mapped file) { return file.len >= 6 && memcmp(file.data, "\x93NUMPY", 6) == 0; }

/* A length of 8 bytes, below 4 GiB, and an object. */
static bool is_safetensors(Mapped file) {
  static const uint8_t zeros[4];
  return file.len > 8 && memcmp(file.data + 4, zeros, sizeof zeros) == 0 && file.data[8] == '{';
}

static TensorFile *tensors_of(const ForeignFile *file, const char **reason) {
  Tensor one = {0};
  if (is_npz(file->data)) return npz_parse(file->arena, file->data, reason);
  if (is_safetensors(file->data)) return safetensors_parse(file->arena, file->data, reason);
  return npy_parse(file->arena, file->data, &one, reason) ? ARENA_NEW(file->arena, TensorFile) : NULL;
}

bool tensors_sniff(const ForeignFile *file) { return is_npz(file->data) || is_npy(file->data) || is_safetensors(file->data); }

Foreign *tensors_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  const char *reason = "";
  const TensorFile *tensors = tensors_of(file, &reason);
  if (!tensors) {
    foreign_report(diags, file, E901, "cannot read `%s`: %s", file->path, reason);
    return NULL;
  }
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
