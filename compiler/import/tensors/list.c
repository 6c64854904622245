/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Prints the tensors of a file for people: one line each, in the order of the file. */
#include "import/tensors/tensor_file.h"

#include "base/safe.h"

#include <stdlib.h>
#include <string.h>

static int by_place(const void *a, const void *b) {
  const Tensor *x = *(const Tensor *const *)a, *y = *(const Tensor *const *)b;
  return (x->place > y->place) - (x->place < y->place);
}

static void add_cell(Text *out, const char *text, size_t width) {
  size_t n = text_width(text, strlen(text));
  text_add(out, text);
  text_fill(out, ' ', n < width ? width - n + 2 : 2);
}

static const char *name_of(Arena *arena, const Tensor *t) {
  return *t->name ? safe_line(arena, t->name) : "(no name)";
}

void tensors_list(const TensorFile *file, const char *path, Text *out) {
  Arena *arena = out->arena;
  const Tensor **sorted = ARENA_ARRAY(arena, const Tensor *, file->n + 1);
  size_t name_width = 0, shape_width = 0;
  int64_t total = 0;
  for (int i = 0; i < file->n; i++) {
    const Tensor *t = sorted[i] = &file->tensor[i];
    const char *shown = name_of(arena, t);
    size_t name = text_width(shown, strlen(shown)), shape = strlen(tensor_shape_str(arena, t));
    if (name > name_width) name_width = name;
    if (shape > shape_width) shape_width = shape;
    total += t->count;
  }
  if (file->n) qsort(sorted, (size_t)file->n, sizeof *sorted, by_place);
  text_printf(out, "%s: %s, %d tensor%s, ", safe_line(arena, path), file->format, file->n,
              file->n == 1 ? "" : "s");
  text_add_thousands(out, total);
  text_add(out, total == 1 ? " number\n" : " numbers\n");
  for (int i = 0; i < file->n; i++) {
    text_add(out, "  ");
    add_cell(out, name_of(arena, sorted[i]), name_width);
    add_cell(out, tensor_shape_str(arena, sorted[i]), shape_width);
    text_printf(out, "%s\n", tensor_elem_name[sorted[i]->elem]);
  }
  for (int i = 0; i < file->n_unread; i++)
    text_printf(out, "not read: %s, %s\n", safe_line(arena, file->unread[i].name),
                safe_line(arena, file->unread[i].why));
  if (file->skipped) text_printf(out, "ignored: %s\n", safe_line(arena, file->skipped));
}
