/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tables of a TensorFlow Lite file. In, FlatBuffers with the identifier TFL3, schema version 3;
 * out, its one graph. Numbers of fields are those of the schema:
 *
 *   Model     0 version  1 operator codes  2 graphs  4 buffers
 *   SubGraph  0 tensors  1 inputs  2 outputs  3 operators
 *   Tensor    0 shape  1 type  2 buffer  3 name  5 variable  6 sparsity  7 shape with -1 where open
 *   Buffer    0 data  1 place of data behind the tables, of files beyond 2 GB */
#include "import/tflite.h"

#include <string.h>

static const char *const type_names[] = {"float32", "float16",    "int32",  "uint8",     "int64",
                                         "string",  "bool",       "int16",  "complex64", "int8",
                                         "float64", "complex128", "uint64", "resource",  "variant",
                                         "uint32",  "uint16",     "int4"};

const char *lite_type(int type) {
  return type >= 0 && type < (int)(sizeof type_names / sizeof *type_names)
             ? type_names[type]
             : "a type that is not known";
}

const char *lite_shape(Arena *arena, const LiteTensor *tensor) {
  Text text = text_new(arena);
  text_add(&text, "[");
  for (int i = 0; i < tensor->rank; i++)
    text_printf(&text, "%s%lld", i ? ", " : "", (long long)tensor->dim[i]);
  text_add(&text, "]");
  return text_str(&text);
}

bool lite_broken(Lite *lite) {
  if (!lite->diags->n_errors)
    foreign_report(lite->diags, lite->file, E901,
                   "`%s` is damaged: something in it points outside of it", lite->file->path);
  return false;
}

LiteTensor *lite_tensor(Lite *lite, FlatVector list, uint32_t i) {
  int32_t at = i < list.n ? flat_element_i32(&lite->flat, list, i) : -1;
  if (at >= lite->n_tensors) lite->flat.broken = true;
  return at >= 0 && at < lite->n_tensors ? &lite->tensor[at] : NULL;
}

/* Names are texts of any bytes: those that a message could not show are left out. */
static const char *name_of(Lite *lite, size_t table, uint32_t i) {
  FlatVector v = flat_vector(&lite->flat, table, 3, 1);
  char *name = arena_strndup(lite->arena, (const char *)lite->flat.data + v.at,
                             v.at ? (v.n < 120 ? v.n : 120) : 0);
  for (char *c = name; *c; c++)
    if (*c < ' ' || *c > '~') *c = '?';
  return *name ? name : arena_printf(lite->arena, "tensor %u", i);
}

static bool read_shape(Lite *lite, size_t table, LiteTensor *t) {
  FlatVector shape = flat_vector(&lite->flat, table, 0, 4),
             open = flat_vector(&lite->flat, table, 7, 4);
  t->rank = (int)(shape.n < 5 ? shape.n : 5);
  for (uint32_t i = 0; i < shape.n && i < 5; i++)
    t->dim[i] = flat_element_i32(&lite->flat, shape, i);
  for (uint32_t i = 1; i < open.n; i++)
    if (flat_element_i32(&lite->flat, open, i) < 0) {
      Diag *d = foreign_report(lite->diags, lite->file, E903,
                               "tensor `%s` has an open length in axis %u", t->name, i);
      diag_note(d, "fix all axes but the batch when the model is converted");
      return false;
    }
  return true;
}

static bool read_data(Lite *lite, size_t table, FlatVector buffers, LiteTensor *t) {
  int32_t index = flat_i32(&lite->flat, table, 2, 0);
  if (index < 0 || (index > 0 && (uint32_t)index >= buffers.n)) return lite_broken(lite);
  size_t buffer = index ? flat_element_table(&lite->flat, buffers, (uint32_t)index) : 0;
  if (flat_has(&lite->flat, buffer, 1) || flat_table(&lite->flat, table, 6)) {
    foreign_report(lite->diags, lite->file, E903,
                   "tensor `%s` is sparse or lies behind the tables, which is not read", t->name);
    return false;
  }
  FlatVector data = flat_vector(&lite->flat, buffer, 0, 1);
  if (data.n) t->data = lite->flat.data + data.at;
  t->bytes = data.n;
  return true;
}

static bool read_tensors(Lite *lite) {
  FlatVector tensors = flat_vector(&lite->flat, lite->graph, 0, 4),
             buffers = flat_vector(&lite->flat, lite->model, 4, 4);
  if (tensors.n > TFLITE_MAX || lite->ops.n > TFLITE_MAX) {
    foreign_report(lite->diags, lite->file, E901,
                   "`%s` has %u tensors and %u operators; %d of each are read", lite->file->path,
                   tensors.n, lite->ops.n, TFLITE_MAX);
    return false;
  }
  lite->tensor = ARENA_ARRAY(lite->arena, LiteTensor, tensors.n + 1);
  for (uint32_t i = 0; i < tensors.n; i++) {
    size_t table = flat_element_table(&lite->flat, tensors, i);
    LiteTensor *t = &lite->tensor[lite->n_tensors++];
    t->name = name_of(lite, table, i);
    t->type = flat_u8(&lite->flat, table, 1);
    t->variable = flat_u8(&lite->flat, table, 5) != 0;
    if (!read_shape(lite, table, t) || !read_data(lite, table, buffers, t)) return false;
  }
  return true;
}

bool lite_open(Lite *lite) {
  Flat *flat = &lite->flat;
  *flat = (Flat){lite->file->data.data, lite->file->data.len, false};
  lite->model = flat_root(flat);
  FlatVector graphs = flat_vector(flat, lite->model, 2, 4);
  int32_t version = flat_i32(flat, lite->model, 0, 0);
  if (flat->broken) return lite_broken(lite);
  if (version != 3 || graphs.n != 1) {
    Diag *d = foreign_report(lite->diags, lite->file, version != 3 ? E901 : E902,
                             "`%s` has schema version %d and %u graphs; version 3 with one graph is read",
                             lite->file->path, version, graphs.n);
    if (graphs.n > 1)
      diag_note(d, "GRU, SimpleRNN and layers that return their state are loops with graphs of their own there: import "
                   "the Keras model that was converted");
    return false;
  }
  lite->graph = flat_element_table(flat, graphs, 0);
  lite->codes = flat_vector(flat, lite->model, 1, 4);
  lite->ops = flat_vector(flat, lite->graph, 3, 4);
  return read_tensors(lite) && (!flat->broken || lite_broken(lite));
}

bool lite_floats(Lite *lite, const LiteTensor *t, const char *origin, int rank, const int64_t *dim,
                 float *to) {
  size_t count = 1;
  if (!t || !t->data || t->type != 0) {
    Diag *d = foreign_report(lite->diags, lite->file, t && t->type != 0 ? E903 : E602,
                             "%s needs weights that are float32 constants", origin);
    if (t)
      diag_note(d, "`%s` is %s%s", t->name, lite_type(t->type), t->data ? "" : ", and computed");
    return false;
  }
  for (int i = 0; i < rank; i++)
    count *= (size_t)dim[i]; /* at most what foreign_tensor gave */
  bool same = t->rank == rank && memcmp(t->dim, dim, sizeof *dim * (size_t)rank) == 0;
  if (!same || t->bytes != 4 * count) {
    LiteTensor needed = {.rank = rank};
    memcpy(needed.dim, dim, sizeof *dim * (size_t)rank);
    Diag *d =
        foreign_report(lite->diags, lite->file, E603, "`%s` does not fit %s", t->name, origin);
    diag_note(d, "it is %s in %zu bytes, the layer needs %s in %zu", lite_shape(lite->arena, t),
              t->bytes, lite_shape(lite->arena, &needed), 4 * count);
    return false;
  }
  if ((lite->copied += t->bytes) > 2 * lite->file->data.len) {
    foreign_report(lite->diags, lite->file, E903,
                   "`%s` uses its constants more than twice over: shared layers are not read",
                   lite->file->path);
    return false;
  }
  for (size_t i = 0; i < count; i++) {
    const uint8_t *b = t->data + 4 * i;
    uint32_t bits =
        (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    memcpy(&to[i], &bits, sizeof bits);
  }
  return true;
}
