/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See any_weights.h. Linked in place of hdf5_guard.c and of the reader's weights.c: a group is
 * there if it is asked for, and a tensor holds small numbers made of its place. */
#include "any_weights.h"

#include "import/read/keras/keras.h"

#include <string.h>

static const char signature[] = "\211HDF\r\n\032\n"; /* what an HDF5 file begins with */
enum { SIGNATURE = sizeof signature - 1, OPEN_SIZE = 2 };

Mapped any_weights_file(Arena *arena, const uint8_t *config, size_t size) {
  uint8_t *bytes = arena_alloc(arena, SIGNATURE + size);
  memcpy(bytes, signature, SIGNATURE);
  if (size) memcpy(bytes + SIGNATURE, config, size);
  return (Mapped){bytes, SIGNATURE + size};
}

/* ---- in place of HDF5 ---- */

struct Hdf5 {
  const char *config;
};

Hdf5 *hdf5_open(Arena *arena, Mapped data, const char **reason) {
  (void)reason;
  Hdf5 *file = ARENA_NEW(arena, Hdf5);
  file->config = arena_strndup(arena, (const char *)data.data + SIGNATURE, data.len - SIGNATURE);
  return file;
}

const char *hdf5_broken(const Hdf5 *file) {
  (void)file;
  return NULL;
}

bool hdf5_has_group(Hdf5 *file, const char *path) {
  (void)file;
  return strcmp(path, "model_weights") != 0;
}

bool hdf5_has_data(Hdf5 *file, const char *path) {
  (void)file;
  (void)path;
  return true;
}

const char *hdf5_text(Hdf5 *file, const char *path, const char *attribute) {
  (void)path;
  return strcmp(attribute, "model_config") == 0 ? file->config : NULL;
}

bool hdf5_texts(Hdf5 *file, const char *path, const char *attribute, const char ***out, int *n) {
  (void)file;
  (void)path;
  (void)attribute;
  (void)out;
  (void)n;
  return false;
}

bool hdf5_list(Hdf5 *file, const char ***out, int *n) {
  (void)file;
  (void)out;
  (void)n;
  return false;
}

bool hdf5_read(Hdf5 *file, const char *path, Hdf5Tensor *out, const char **reason) {
  (void)file;
  (void)path;
  (void)out;
  *reason = "there are no bytes";
  return false;
}

/* ---- in place of weights.c ---- */

/* A cell looks at its bias to see which it has: [G u], of CuDNN [2 G u], with reset after the
 * product [2, G u]. */
static void set_bias(const KerasLayer *layer, Hdf5Tensor *out) {
  const char *name = layer->class_name;
  bool cudnn = strncmp(name, "CuDNN", 5) == 0;
  int64_t gates = strstr(name, "LSTM")  ? 4
                  : strstr(name, "GRU") ? 3
                                        : 1,
          units = json_integer_value(json_object_get(layer->config, "units"));
  if (units < 1 || units > INT32_MAX) return; /* refused already */
  bool two = gates == 3 && !cudnn && keras_flag(layer, "reset_after", false);
  out->rank = two ? 2 : 1;
  out->dim[0] = two ? 2 : (cudnn ? 2 : 1) * gates * units;
  out->dim[1] = gates * units;
}

/* What is known before the layer says which shape it needs. */
bool keras_tensor(const KerasLayer *layer, const char *side, const char *leaf, int number,
                  Hdf5Tensor *out) {
  (void)side;
  (void)number;
  *out = (Hdf5Tensor){.rank = TENSOR_MAX_RANK};
  for (int i = 0; i < TENSOR_MAX_RANK; i++)
    out->dim[i] = OPEN_SIZE; /* sizes that only the file knows */
  bool cell = strstr(layer->class_name, "LSTM") || strstr(layer->class_name, "GRU") ||
              strstr(layer->class_name, "RNN");
  if (cell && strcmp(leaf, "bias") == 0) set_bias(layer, out);
  return true;
}

/* The tensor takes the shape that is needed: it was made by keras_tensor, for this. */
bool keras_shape_is(const KerasLayer *layer, const Hdf5Tensor *tensor, const char *leaf, int rank,
                    const int64_t *dim) {
  enum { MOST = 1 << 16, NUMBERS = 17 };
  Hdf5Tensor *t = (Hdf5Tensor *)(uintptr_t)tensor;
  t->rank = rank;
  t->count = 1;
  for (int i = 0; i < rank; i++) {
    if (dim[i] < 1 || dim[i] > MOST || (t->count *= dim[i]) > MOST) {
      keras_refuse(layer, E603, "needs a large `%s`", leaf);
      return false;
    }
    t->dim[i] = dim[i];
  }
  t->data = ARENA_ARRAY(layer->keras->arena, float, t->count);
  for (int64_t i = 0; i < t->count; i++)
    t->data[i] = (float)((i * 7 + (int64_t)strlen(leaf)) % NUMBERS - NUMBERS / 3) / (float)NUMBERS;
  return true;
}
