/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tensors that an ONNX file keeps in another file. In, the name, offset and length that the file
 * gives; out, bytes of a file beside the model or below it, and of no other. */
#include "import/read/onnx/reader.h"

#include "base/place.h"

#include <stdlib.h>
#include <string.h>

/* Beside the model or below it, links followed: of the file as it was named, or of what that leads
 * to, since stores of models keep all files of one under other names in one place. */
static bool is_inside(Arena *arena, const char *model, const char *file) {
  const char *folder = text_file_folder(arena, model);
  const char *named = place_real(arena, *folder ? folder : "."), *target = place_real(arena, model);
  const char *root[2] = {named ? arena_printf(arena, "%s/", strcmp(named, "/") == 0 ? "" : named)
                               : NULL,
                         target ? text_file_folder(arena, target) : NULL};
  for (int i = 0; i < 2; i++)
    if (root[i] && strncmp(file, root[i], strlen(root[i])) == 0) return true;
  return false;
}

static bool leaves_folder(const char *location) {
  size_t len = strlen(location);
  return *location == '/' || strchr(location, '\\') || strcmp(location, "..") == 0 ||
         strncmp(location, "../", 3) == 0 || strstr(location, "/../") ||
         (len > 3 && strcmp(location + len - 3, "/..") == 0);
}

/* Reads an offset or a length, which is digits only. */
static bool whole_number(const char *text, unsigned long long *out) {
  if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 18) return false;
  *out = strtoull(text, NULL, 10);
  return true;
}

typedef struct Extern {
  const char *location;
  unsigned long long offset, length;
  bool sized;
} Extern;

static bool place_of(OnnxReader *r, const OnnxFile__Tensor *t, Extern *out) {
  *out = (Extern){.location = ""};
  for (size_t i = 0; i < t->n_external_data; i++) {
    const OnnxFile__Entry *e = t->external_data[i];
    bool is_offset = strcmp(e->key, "offset") == 0, is_length = strcmp(e->key, "length") == 0;
    if (strcmp(e->key, "location") == 0) out->location = e->value;
    if ((is_offset || is_length) &&
        !whole_number(e->value, is_offset ? &out->offset : &out->length)) {
      onnx_bad(r, "tensor `%s` is in another file, at a wrong %s: `%s`", t->name, e->key, e->value);
      return false;
    }
    out->sized = out->sized || is_length;
  }
  if (*out->location) return true;
  onnx_bad(r, "tensor `%s` is in another file, whose name is missing", t->name);
  return false;
}

bool onnx_external(OnnxReader *r, const OnnxFile__Tensor *t, const uint8_t **bytes, size_t *n) {
  Extern place;
  Mapped file;
  const char *reason;
  if (!place_of(r, t, &place)) return false;
  const char *path =
      arena_printf(r->arena, "%s%s", text_file_folder(r->arena, r->file->path), place.location);
  const char *led_to = leaves_folder(place.location) ? NULL : place_real(r->arena, path);
  if (leaves_folder(place.location) || (led_to && !is_inside(r->arena, r->file->path, led_to))) {
    Diag *d = onnx_bad(r, "tensor `%s` is in `%s`, which is outside the folder of the model",
                       t->name, place.location);
    if (led_to) diag_note(d, "it is a link to `%s`", led_to);
    diag_note(d, "grus reads external data only from files next to the model");
    return false;
  }
  if (!file_map(r->arena, led_to ? led_to : path, &file, &reason)) {
    Diag *d = onnx_bad(r, "cannot read `%s`, which holds tensor `%s`: %s", path, t->name, reason);
    diag_note(d, "exporters write the weights of large models to a separate file: put it next to "
                 "the .onnx file");
    return false;
  }
  unsigned long long length = place.sized                ? place.length
                              : place.offset <= file.len ? file.len - place.offset
                                                         : 0;
  if (place.offset > file.len || length > file.len - place.offset) {
    Diag *d = onnx_bad(r, "`%s` has %zu bytes; tensor `%s` needs %llu from %llu on", path, file.len,
                       t->name, length, place.offset);
    diag_note(d, "the file is incomplete, or it belongs to another model");
    return false;
  }
  *bytes = file.data + place.offset;
  *n = (size_t)length;
  return true;
}
