/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From JSON to tensors; see audio.h. Every length is checked before memory is taken. */
#include "import/audio/audio.h"
#include "import/json_read.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 64 << 20 }; /* bytes of text, which become about 500 MB when they are parsed */

/* Whether a file begins with `{"` and contains `key"` after the character `before`. A file of
 * another kind is recognised by its first bytes. */
static bool sniff(const ForeignFile *file, const char *key, char before) {
  const char *s = (const char *)file->data.data;
  size_t n = file->data.len, i = 0, len = strlen(key);
  while (i < n && isspace((unsigned char)s[i]))
    i++;
  if (i == n || s[i++] != '{') return false;
  while (i < n && isspace((unsigned char)s[i]))
    i++;
  if (i == n || s[i] != '"') return false;
  for (; n - i >= len + 2; i++) {
    const char *at = memchr(s + i, before, n - i);
    if (!at) return false;
    i = (size_t)(at - s);
    if (n - i >= len + 2 && memcmp(at + 1, key, len) == 0 && at[1 + len] == '"') return true;
    if (n - i < len + 2) return false;
  }
  return false;
}

bool audio_sniff(const ForeignFile *file, const char *key) {
  return sniff(file, key, '"');
}
bool audio_sniff_end(const ForeignFile *file, const char *key) {
  return sniff(file, key, '.');
}

json_t *audio_json(Audio *audio) {
  const ForeignFile *file = audio->file;
  json_error_t error;
  if (file->data.len > FILE_MAX) {
    Diag *d = foreign_report(audio->diags, file, E901, "`%s` is too large for a model in JSON",
                             file->path);
    diag_note(d, "it has %zu bytes; at most %d are supported", file->data.len, FILE_MAX);
    return NULL;
  }
  json_t *root = json_read(audio->arena, (const char *)file->data.data, file->data.len,
                           JSON_REJECT_DUPLICATES, &error);
  if (!root) {
    Diag *d = foreign_report(audio->diags, file, E901, "`%s` is not valid JSON", file->path);
    diag_note(d, "line %d, column %d: %s", error.line, error.column, error.text);
    return NULL;
  }
  return root;
}

bool audio_config(Audio *audio, const ImportOptions *options, json_t **config) {
  ForeignFile file = {.arena = audio->arena, .path = options->config};
  Audio of_config = *audio;
  const char *reason;
  *config = NULL;
  if (!options->config) return true;
  if (!file_map(audio->arena, options->config, &file.data, &reason)) {
    foreign_report(audio->diags, audio->file, E901, "cannot read --config `%s`: %s",
                   options->config, reason);
    return false;
  }
  of_config.file = &file;
  *config = audio_json(&of_config);
  return *config != NULL;
}

Layer *audio_stage(Audio *audio, LayerKind kind, const char *prefix, const char *origin) {
  Layer *stage = model_layer(audio->foreign->model, kind, 1, &audio->value);
  stage->prefix = prefix;
  stage->origin = origin;
  audio->value = stage->out[0];
  return stage;
}

int audio_rank(const json_t *array, int64_t dim[4]) {
  int rank = 0;
  for (; json_is_array(array) && rank < 4; array = json_array_get(array, 0))
    dim[rank++] = (int64_t)json_array_size(array);
  return json_is_array(array) ? 0 : rank;
}

static const char *array_str(Arena *arena, int rank, const int64_t *dim) {
  return rank ? dims_str(arena, rank, dim) : "no array";
}

static float *copy_values(const json_t *array, int rank, float *to) {
  if (rank == 0) {
    double value = json_number_value(array);
    *to = value > (double)FLT_MAX    ? INFINITY
          : value < -(double)FLT_MAX ? -INFINITY
                                     : (float)value; /* foreign_finish reports infinities */
    return to + 1;
  }
  for (size_t i = 0; i < json_array_size(array); i++)
    to = copy_values(json_array_get(array, i), rank - 1, to);
  return to;
}

const float *audio_array(Audio *audio, const json_t *array, const char *name, const char *origin,
                         int rank, const int64_t *dim) {
  int64_t found[4];
  if (!array) {
    foreign_report(audio->diags, audio->file, E602, "%s has no `%s`", origin, name);
    return NULL;
  }
  if (!json_shape_is(array, rank, dim)) {
    int n = audio_rank(array, found);
    Diag *d = foreign_report(audio->diags, audio->file, E603, "`%s` does not fit %s", name, origin);
    bool same = n == rank && memcmp(found, dim, sizeof *dim * (size_t)n) == 0;
    if (same)
      diag_note(d, "it should be %s numbers, but its rows differ in length or hold something else",
                array_str(audio->arena, rank, dim));
    else
      diag_note(d, "it is %s, the layer needs %s", array_str(audio->arena, n, found),
                array_str(audio->arena, rank, dim));
    if (audio->sizes) diag_note(d, "%s", audio->sizes);
    return NULL;
  }
  float *values = ARENA_ARRAY(audio->arena, float, dims_product(rank, dim));
  copy_values(array, rank, values);
  return values;
}

float *audio_tensor(Audio *audio, Layer *stage, Role role, int rank, const int64_t *dim,
                    const char *name) {
  float *data = foreign_tensor(audio->foreign, stage, role, rank, dim, name);
  if (!data)
    foreign_report(audio->diags, audio->file, E603, "`%s` of %s cannot be %s", name, stage->origin,
                   array_str(audio->arena, rank, dim));
  return data;
}

void audio_turn(const float *from, int64_t rows, int64_t columns, float *to) {
  for (int64_t i = 0; i < rows; i++)
    for (int64_t o = 0; o < columns; o++)
      to[o * rows + i] = from[i * columns + o];
}

int64_t audio_size(Audio *audio, const json_t *object, const char *key, int64_t least,
                   const char *origin) {
  const json_t *value = json_object_get(object, key);
  if (json_is_array(value) && json_array_size(value) == 1) value = json_array_get(value, 0);
  if (json_is_integer(value) && json_integer_value(value) >= least &&
      json_integer_value(value) <= INT32_MAX)
    return json_integer_value(value);
  if (value)
    foreign_report(audio->diags, audio->file, E901,
                   "%s has a `%s` that is not a whole number of at least %lld", origin, key,
                   (long long)least);
  else
    foreign_lacks(audio->diags, audio->file, E904,
                  arena_printf(audio->arena, "add it as the model was trained: `\"%s\": N`", key),
                  "%s does not say its `%s`", origin, key);
  return -1;
}

bool audio_rate(Audio *audio, const json_t *object, const char *key, const char *origin,
                Time *time) {
  const json_t *value = json_object_get(object, key);
  const char *digits = json_string_value(value);
  char *end = NULL;
  double rate = digits ? strtod(digits, &end) : json_number_value(value);
  if (!value || json_is_null(value)) return true;
  if ((json_is_number(value) || (digits && end != digits && !*end)) && rate >= 1 && rate <= 1e9 &&
      fabs(rate - floor(rate)) < 1e-9) {
    time->rate_num = (int64_t)rate;
    time->rate_den = 1;
    return true;
  }
  foreign_report(audio->diags, audio->file, E901,
                 "%s has a `%s` that is not a rate, a whole number of samples a second", origin,
                 key);
  return false;
}

bool audio_keys_known(Audio *audio, json_t *object, const char *known, const char *origin) {
  const char *key;
  json_t *value;
  bool ok = true;
  json_object_foreach(object, key, value) {
    if (words_index(known, key) >= 0) continue;
    Diag *d = foreign_report(audio->diags, audio->file, E903, "%s has `%s`, which is not known",
                             origin, key);
    diag_note(d, "ignoring it could change the results; known keys: %s", known);
    diag_fix(d, FIX_MAYBE, "if it changes nothing, remove `%s` from the file", key);
    ok = false;
  }
  return ok;
}
