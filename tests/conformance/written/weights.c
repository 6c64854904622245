/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Published weights in the layout of Keras. See weights.h. */
#include "weights.h"

#include "import/import.h"

#include <jansson.h>
#include <string.h>

void weights_add(Weights *w, const char *name, const float *values, int64_t rows, int64_t columns) {
  Tensor t = {.name = name, .elem = TENSOR_F32, .rank = columns ? 2 : 1, .dim = {rows, columns}};
  t.count = columns ? rows * columns : rows;
  t.data = (const uint8_t *)values;
  ARENA_PUSH(w->c->arena, w->tensor, w->n, w->cap, t);
}

/* Rows of 4 u numbers with the second and third quarter exchanged. */
static float *exchanged(Arena *arena, const float *from, int64_t rows, int64_t u) {
  static const int place[] = {0, 2, 1, 3};
  float *to = ARENA_ARRAY(arena, float, rows * 4 * u);
  for (int64_t row = 0; row < rows; row++)
    for (int64_t gate = 0; gate < 4; gate++)
      memcpy(to + (row * 4 + gate) * u, from + (row * 4 + place[gate]) * u, (size_t)u * sizeof *to);
  return to;
}

void weights_cell(Weights *w, const char *name, const float *kernel, const float *bias, int64_t d, int64_t u) {
  Arena *arena = w->c->arena;
  float *both = exchanged(arena, kernel, d + u, u), *sum = exchanged(arena, bias, 1, u);
  for (int64_t i = 0; i < u; i++)
    sum[u + i] += 1;
  weights_add(w, arena_printf(arena, "%s.kernel", name), both, d, 4 * u);
  weights_add(w, arena_printf(arena, "%s.recurrent_kernel", name), both + d * 4 * u, u, 4 * u);
  weights_add(w, arena_printf(arena, "%s.bias", name), sum, 4 * u, 0);
}

TensorFile *weights_file(Weights *w) {
  TensorFile *file = ARENA_NEW(w->c->arena, TensorFile);
  const char *reason;
  *file = (TensorFile){.path = "published weights", .tensor = w->tensor, .n = (int)w->n};
  return tensor_file_sort(w->c->arena, file, &reason) ? file : NULL;
}

TensorFile *weights_renamed(Conform *c, const char *path, const Renamed *names) {
  TensorFile *file = conform_npz(c, path);
  const char *reason;
  for (int i = 0; file && i < file->n; i++)
    for (const Renamed *r = names; r->was; r++)
      if (strcmp(file->tensor[i].name, r->was) == 0) {
        file->tensor[i].name = r->is;
        break;
      }
  return file && tensor_file_sort(c->arena, file, &reason) ? file : NULL;
}

/* All numbers of a file, which holds count of them. */
static const float *raw(Conform *c, const char *folder, const char *name, int64_t count) {
  Mapped map;
  const char *reason;
  float *out = ARENA_ARRAY(c->arena, float, count);
  if (!file_map(c->arena, arena_printf(c->arena, "%s/%s", folder, name), &map, &reason) || map.len != (size_t)count * sizeof *out)
    c->failures++;
  else memcpy(out, map.data, map.len);
  return out;
}

TensorFile *weights_shakespeare(Conform *c, const char *folder) {
  enum { CHARACTERS = 65, UNITS = 128 };
  Weights w = {.c = c};
  weights_add(&w, "embedding.embeddings", raw(c, folder, "embedding", CHARACTERS * UNITS), CHARACTERS, UNITS);
  for (int cell = 0; cell < 2; cell++) {
    const char *stem = arena_printf(c->arena, "rnnlm_multi_rnn_cell_cell_%d_basic_lstm_cell", cell);
    weights_cell(&w, arena_printf(c->arena, "cell_%d", cell),
                 raw(c, folder, arena_printf(c->arena, "%s_weights", stem), 2 * UNITS * 4 * UNITS),
                 raw(c, folder, arena_printf(c->arena, "%s_biases", stem), 4 * UNITS), UNITS, UNITS);
  }
  weights_add(&w, "softmax.kernel", raw(c, folder, "rnnlm_softmax_w", UNITS * CHARACTERS), UNITS, CHARACTERS);
  weights_add(&w, "softmax.bias", raw(c, folder, "rnnlm_softmax_b", CHARACTERS), CHARACTERS, 0);
  return weights_file(&w);
}

/* ---- Sketch-RNN ---- */

static int digit_of(char c) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *at = c ? strchr(digits, c) : NULL;
  return at ? (int)(at - digits) : -1;
}

/* count little-endian integers of base64, 4 digits for 3 bytes. */
static const float *integers(Conform *c, const json_t *text, int64_t count) {
  const char *s = json_string_value(text);
  float *out = ARENA_ARRAY(c->arena, float, count);
  uint8_t *bytes = ARENA_ARRAY(c->arena, uint8_t, 2 * count + 3);
  if (!s || (int64_t)strlen(s) != (2 * count + 2) / 3 * 4) {
    c->failures++;
    return out;
  }
  for (int64_t i = 0, n = 0; n < 2 * count; i += 4, n += 3) {
    unsigned bits = 0;
    for (int k = 0; k < 4; k++)
      bits = bits << 6 | (unsigned)(digit_of(s[i + k]) & 63);
    for (int k = 0; k < 3; k++)
      bytes[n + k] = (uint8_t)(bits >> (16 - 8 * k));
  }
  for (int64_t i = 0; i < count; i++)
    out[i] = (float)(int16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8) / 32767 * 10;
  return out;
}

TensorFile *weights_bird(Conform *c, const char *path) {
  enum { UNITS = 512, INPUTS = 5, OUTPUTS = 123 };
  json_t *file = json_load_file(path, 0, NULL), *arrays = json_array_get(file, 2);
  Weights w = {.c = c};
  float *kernel = ARENA_ARRAY(c->arena, float, (INPUTS + UNITS) * 4 * UNITS);
  memcpy(kernel, integers(c, json_array_get(arrays, 2), INPUTS * 4 * UNITS), INPUTS * 4 * UNITS * sizeof *kernel);
  memcpy(kernel + INPUTS * 4 * UNITS, integers(c, json_array_get(arrays, 3), UNITS * 4 * UNITS), UNITS * 4 * UNITS * sizeof *kernel);
  weights_add(&w, "output.kernel", integers(c, json_array_get(arrays, 0), UNITS * OUTPUTS), UNITS, OUTPUTS);
  weights_add(&w, "output.bias", integers(c, json_array_get(arrays, 1), OUTPUTS), OUTPUTS, 0);
  weights_cell(&w, "lstm", kernel, integers(c, json_array_get(arrays, 4), 4 * UNITS), INPUTS, UNITS);
  json_decref(file);
  return weights_file(&w);
}

/* ---- ICU ---- */

TensorFile *weights_thai(Conform *c, const char *path) {
  static const char *const names[] = {
      "embedding.embeddings",  "lstm.forward.kernel",           "lstm.forward.recurrent_kernel",
      "lstm.forward.bias",     "lstm.backward.kernel",          "lstm.backward.recurrent_kernel",
      "lstm.backward.bias",    "dense.kernel",                  "dense.bias",
  };
  json_t *file = json_load_file(path, 0, NULL);
  Weights w = {.c = c};
  for (int i = 0; i < 9; i++) {
    json_t *array = json_object_get(file, arena_printf(c->arena, "mat%d", i + 1)), *data = json_object_get(array, "data");
    json_t *dim = json_object_get(array, "dim");
    float *values = ARENA_ARRAY(c->arena, float, json_array_size(data) + 1);
    for (size_t k = 0; k < json_array_size(data); k++)
      values[k] = (float)json_number_value(json_array_get(data, k));
    weights_add(&w, names[i], values, json_integer_value(json_array_get(dim, 0)), json_integer_value(json_array_get(dim, 1)));
  }
  json_decref(file);
  return weights_file(&w);
}
