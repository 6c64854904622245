/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Unconditional Sketch-RNN models in JSON. In: [settings, shapes, arrays]. Out: a model on a stream
 * of strokes [dx, dy, three flags], where dx and dy are divided by scale_factor / 2:
 *
 *   arrays[2] [5, 4 u], [3] [u, 4 u], [4] [4 u]   LSTM with gates i j f o; j is the candidate
 *   arrays[0] [u, n], [1] [n]                     Dense: parameters of a mixture and the flags
 *
 * The file does not contain the forget bias of 1 that the program adds. An array is base64 of
 * little-endian int16 integers; a weight is such an integer / 32767 * 10. */
#include "import/audio/audio.h"
#include "import/base64.h"

#include <string.h>

enum { ARRAYS = 5, STROKE = 5, UNITS_MAX = 1 << 14 };

bool sketch_sniff(const ForeignFile *file) {
  static const char key[] = "\"scale_factor\"";
  const char *s = (const char *)file->data.data;
  size_t n = file->data.len < 4096 ? file->data.len : 4096;
  if (n < sizeof key || s[0] != '[') return false;
  for (size_t i = 1; i + sizeof key <= n; i++)
    if (memcmp(s + i, key, sizeof key - 1) == 0) return true;
  return false;
}

static const float *read_array(Audio *a, const json_t *root, size_t number, int rank, int64_t first,
                               int64_t second) {
  const json_t *shape = json_array_get(json_array_get(root, 1), number),
               *text = json_array_get(json_array_get(root, 2), number);
  int64_t dim[] = {first, second};
  size_t count = (size_t)(first * (rank == 2 ? second : 1));
  bool same = json_array_size(shape) == (size_t)rank;
  for (int i = 0; i < rank; i++)
    same = same && json_integer_value(json_array_get(shape, (size_t)i)) == dim[i];
  if (!same) {
    Diag *d = foreign_report(a->diags, a->file, E603, "array %zu does not fit the others", number);
    diag_note(d, rank == 1 ? "it should be [%lld]" : "it should be [%lld, %lld]", (long long)first,
              (long long)second);
    return NULL;
  }
  if (!json_is_string(text) || strlen(json_string_value(text)) != (2 * count + 2) / 3 * 4) {
    Diag *d = foreign_report(a->diags, a->file, E901, "array %zu is not as long as its shape says",
                             number);
    diag_note(d, "%zu numbers are %zu digits of base64", count, (2 * count + 2) / 3 * 4);
    return NULL;
  }
  size_t digits = strlen(json_string_value(text)), len;
  uint8_t *bytes = ARENA_ARRAY(a->arena, uint8_t, digits);
  float *to = ARENA_ARRAY(a->arena, float, count);
  if (!base64_read(json_string_value(text), digits, bytes, &len) || len != 2 * count) {
    foreign_report(a->diags, a->file, E901, "array %zu is not base64", number);
    return NULL;
  }
  for (size_t i = 0; i < count; i++)
    to[i] = (float)(int16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8) / 32767 * 10;
  return to;
}

/* The units, and in *outputs the outputs, of a model; 0 after reporting. */
static int64_t sizes(Audio *a, const json_t *root, int64_t *outputs) {
  const json_t *settings = json_array_get(root, 0), *shapes = json_array_get(root, 1),
               *head = json_array_get(shapes, 0);
  int64_t units = json_integer_value(json_array_get(head, 0));
  *outputs = json_integer_value(json_array_get(head, 1));
  if (json_array_size(root) != 3 || !json_is_object(settings) ||
      json_array_size(json_array_get(root, 2)) != json_array_size(shapes)) {
    foreign_report(a->diags, a->file, E901, "`%s` is not [settings, shapes, arrays]",
                   a->file->path);
    return 0;
  }
  if (json_array_size(shapes) != ARRAYS) {
    Diag *d = foreign_report(a->diags, a->file, E902,
                             "`%s` has %zu arrays: it is not an unconditional Sketch-RNN",
                             a->file->path, json_array_size(shapes));
    diag_fix(d, FIX_MAYBE,
             "take an unconditional model, which has %d arrays, those of one LSTM and its output",
             ARRAYS);
    return 0;
  }
  if (units >= 1 && units <= UNITS_MAX && *outputs >= 1 && *outputs <= UNITS_MAX) return units;
  foreign_report(a->diags, a->file, E901,
                 "array 0 has a shape that is not [units, outputs], each 1 to %d", UNITS_MAX);
  return 0;
}

Foreign *sketch_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  static const int place[] = {0, 2, 1, 3};
  Audio a = {.arena = file->arena, .file = file, .diags = diags};
  json_t *root = audio_json(&a);
  int64_t outputs, units = root ? sizes(&a, root, &outputs) : 0, stroke = STROKE;
  (void)options;
  if (!units || !audio_keys_known(&a, json_array_get(root, 0),
                                  "mode version max_seq_len name scale_factor", "the settings"))
    return NULL;
  AudioCell cell = {.units = units, .place = place, .forget_bias = 1};
  cell.kernel[0] = read_array(&a, root, 2, 2, STROKE, 4 * units);
  cell.recurrent[0] = cell.kernel[0] ? read_array(&a, root, 3, 2, units, 4 * units) : NULL;
  cell.bias[0] = cell.recurrent[0] ? read_array(&a, root, 4, 1, 4 * units, 0) : NULL;
  const float *kernel = cell.bias[0] ? read_array(&a, root, 0, 2, units, outputs) : NULL;
  const float *bias = kernel ? read_array(&a, root, 1, 1, outputs, 0) : NULL;
  if (!bias) return NULL;
  a.foreign = foreign_new(file, "Sketch-RNN JSON", NULL);
  a.value = model_input(a.foreign->model, "stroke",
                        foreign_type((Time){.kind = TIME_STREAM, .period = 1}, 1, &stroke))
                ->value;
  a.width = stroke;
  Layer *lstm = audio_lstm(&a, &cell, "lstm", "arrays 2 to 4");
  if (!lstm || !audio_dense(&a, kernel, bias, outputs, "output", "arrays 0 and 1")) return NULL;
  model_output(a.foreign->model, "state", lstm->out[0]);
  model_output(a.foreign->model, "mix", a.value);
  foreign_note(a.foreign, "the unit of dx and dy of `stroke` is scale_factor / 2 = %g",
               json_number_value(json_object_get(json_array_get(root, 0), "scale_factor")) / 2);
  foreign_note(a.foreign, "`mix` is linear: softmax, exp and tanh of its parts are the program's");
  return a.foreign;
}
