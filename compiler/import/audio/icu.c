/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Word segmentation models of ICU. In: JSON with the nine arrays of one fixed architecture. Out: a
 * model of the indices that `dic` gives to code points or grapheme clusters, at most as many as
 * --time says:
 *
 *   mat1 [v, d]                              Embedding; its last row is for all others
 *   mat2 [d, 4 u], mat3 [u, 4 u], mat4 [4 u] LSTM forward, gates i f c o
 *   mat5, mat6, mat7                         LSTM backward
 *   mat8 [2 u, 4], mat9 [4]                  Dense, softmax: B I E S
 *
 * An array is {"v": ..., "dim": [rows, columns], "data": [all numbers]}. */
#include "import/audio/audio.h"

#include <string.h>

enum { ARRAYS = 9, LABELS = 4, AXIS_MAX = 1 << 20 };

typedef struct IcuArray {
  const char *name;
  int rank;
  int64_t dim[2];
  const float *data;
} IcuArray;

bool icu_sniff(const ForeignFile *file) {
  return audio_sniff(file, "mat9") && audio_sniff(file, "dic");
}

static bool read_array(Audio *a, json_t *root, int number, IcuArray *out) {
  out->name = arena_printf(a->arena, "mat%d", number);
  json_t *object = json_object_get(root, out->name), *dim = json_object_get(object, "dim");
  const char *origin = arena_printf(a->arena, "`%s`", out->name);
  int64_t count = 1;
  if (!json_is_object(object)) {
    foreign_report(a->diags, a->file, E602, "the model has no array %s", origin);
    return false;
  }
  if (!audio_keys_known(a, object, "v dim data", origin)) return false;
  out->rank = (int)json_array_size(dim);
  for (int i = 0; i < out->rank && i < 2; i++) {
    out->dim[i] = json_integer_value(json_array_get(dim, (size_t)i));
    if (out->dim[i] < 1 || out->dim[i] > AXIS_MAX)
      out->rank = 0;
    else
      count *= out->dim[i];
  }
  if (out->rank < 1 || out->rank > 2) {
    foreign_report(a->diags, a->file, E901,
                   "%s has a `dim` that is not one or two positive lengths", origin);
    return false;
  }
  out->data = audio_array(a, json_object_get(object, "data"), "data", origin, 1, &count);
  return out->data != NULL;
}

static bool fits(Audio *a, const IcuArray *array, int rank, int64_t first, int64_t second) {
  if (array->rank == rank && array->dim[0] == first && (rank == 1 || array->dim[1] == second))
    return true;
  Diag *d =
      foreign_report(a->diags, a->file, E603, "`%s` does not fit the other arrays", array->name);
  if (rank == 2 && second == 0) {
    diag_note(d, "it should have two axes, categories and units");
    return false;
  }
  diag_note(d, rank == 1 ? "it should be [%lld]" : "it should be [%lld, %lld]", (long long)first,
            (long long)second);
  return false;
}

static bool shapes_agree(Audio *a, const IcuArray *m) {
  int64_t d = m[0].dim[1], u = m[2].dim[0];
  bool ok = fits(a, &m[0], 2, m[0].dim[0], d);
  for (int dir = 0; dir < 2 && ok; dir++)
    ok = fits(a, &m[1 + 3 * dir], 2, d, 4 * u) && fits(a, &m[2 + 3 * dir], 2, u, 4 * u) &&
         fits(a, &m[3 + 3 * dir], 1, 4 * u, 0);
  return ok && fits(a, &m[7], 2, 2 * u, LABELS) && fits(a, &m[8], 1, LABELS, 0);
}

/* Adds the input. --time must give its length, because the backward direction needs the whole text.
 */
static bool add_input(Audio *a, const ImportOptions *options, int64_t categories) {
  Type type = {.elem = ELEM_INDEX, .categories = categories, .time = {.kind = TIME_FIXED, .n = 1}};
  if (!options->time && !options->stream) {
    Diag *d = foreign_report(a->diags, a->file, E904, "`%s` does not say how long a text can be",
                             a->file->path);
    diag_fix(d, FIX_MAYBE, "say it: --time \"n <= 120\"");
    return false;
  }
  a->value = model_input(a->foreign->model, "points", type)->value;
  return true;
}

Foreign *icu_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  static const int place[] = {0, 1, 2, 3};
  Audio a = {.arena = file->arena, .file = file, .diags = diags};
  IcuArray m[ARRAYS] = {{0}};
  json_t *root = audio_json(&a);
  if (!root || !audio_keys_known(&a, root, "model dic mat1 mat2 mat3 mat4 mat5 mat6 mat7 mat8 mat9",
                                 "the model"))
    return NULL;
  for (int i = 0; i < ARRAYS; i++)
    if (!read_array(&a, root, i + 1, &m[i])) return NULL;
  if (!shapes_agree(&a, m)) return NULL;
  a.foreign = foreign_new(file, "ICU word segmentation JSON", NULL);
  if (!add_input(&a, options, m[0].dim[0])) return NULL;
  AudioCell cell = {.units = m[2].dim[0],
                    .kernel = {m[1].data, m[4].data},
                    .recurrent = {m[2].data, m[5].data},
                    .bias = {m[3].data, m[6].data},
                    .place = place};
  if (!audio_embedding(&a, m[0].data, m[0].dim[0], m[0].dim[1], "embedding", "`mat1`") ||
      !audio_lstm(&a, &cell, "lstm", "`mat2` to `mat7`") ||
      !audio_dense(&a, m[7].data, m[8].data, LABELS, "dense", "`mat8`, `mat9`"))
    return NULL;
  audio_stage(&a, LAYER_softmax, NULL, "softmax");
  model_output(a.foreign->model, "bies", a.value);
  foreign_note(a.foreign,
               "`dic` gives the numbers of %zu characters; every other character is %lld",
               json_object_size(json_object_get(root, "dic")), (long long)m[0].dim[0] - 1);
  return a.foreign;
}
