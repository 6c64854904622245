/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Raw tensors with a manifest, as ml5 and deeplearn.js write TensorFlow checkpoints. In: JSON with
 * {"name": {"filename", "shape"}} and for each name a file of little-endian float32. Out: a model
 * of characters, on a stream:
 *
 *   embedding                          [v, d]        index(v) -> [d]
 *   .../cell_K/basic_lstm_cell/weights [d + u, 4 u]  rows of x, then of h; gates i j f o, j is the
 * candidate
 *   .../cell_K/basic_lstm_cell/biases  [4 u]
 *   .../softmax_w, softmax_b           [u, v], [v]   logits
 *
 * The manifest has only names and shapes. --config must say what the cell computes, and the forget
 * bias that TensorFlow adds when it runs:
 *
 *     {"cell": "BasicLSTMCell", "forget_bias": 1} */
#include "import/audio/audio.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { CELLS_MAX = 64, SIZE_MAX_AXIS = 1 << 24 };

typedef struct RawTensor {
  const char *name; /* NULL: the manifest has none */
  const char *file;
  int rank;
  int64_t dim[2];
} RawTensor;

typedef struct Manifest {
  Audio audio;
  RawTensor embedding, weights[CELLS_MAX], biases[CELLS_MAX], softmax_w, softmax_b;
  int n_cells;
  double forget_bias;
} Manifest;

bool manifest_sniff(const ForeignFile *file) {
  return audio_sniff(file, "filename");
}

static Diag *report(Manifest *m, DiagCode code, const char *name, const char *what) {
  return foreign_report(m->audio.diags, m->audio.file, code, "`%.120s` %s", name, what);
}

/* The place of a tensor by its name; NULL if the model has none of this name. */
static RawTensor *place_of(Manifest *m, const char *name) {
  if (text_ends(name, "embedding")) return &m->embedding;
  if (text_ends(name, "softmax_w")) return &m->softmax_w;
  if (text_ends(name, "softmax_b")) return &m->softmax_b;
  const char *cell = strstr(name, "cell_");
  for (; cell && !(cell[5] >= '0' && cell[5] <= '9'); cell = strstr(cell + 1, "cell_"))
    continue;
  if (!cell) return NULL;
  char *end;
  unsigned long k = strtoul(cell + 5, &end, 10);
  if (k >= CELLS_MAX) return NULL;
  if (strcmp(end, "/basic_lstm_cell/weights") == 0) return &m->weights[k];
  return strcmp(end, "/basic_lstm_cell/biases") == 0 ? &m->biases[k] : NULL;
}

static bool read_entry(Manifest *m, const char *name, json_t *object) {
  Audio *a = &m->audio;
  const json_t *shape = json_object_get(object, "shape");
  const char *file = json_string_value(json_object_get(object, "filename"));
  if (!file || !*file || *file == '.' || strpbrk(file, "/\\:") || !json_is_array(shape)) {
    Diag *d =
        report(m, E901, name, "needs a `shape`, and a `filename` in the folder of the manifest");
    if (file) diag_note(d, "its filename is `%.120s`; grus reads no files of other folders", file);
    return false;
  }
  if (!audio_keys_known(a, object, "filename shape", arena_printf(a->arena, "`%.120s`", name)))
    return false;
  RawTensor t = {.name = name, .file = file, .rank = (int)json_array_size(shape)};
  if (t.rank == 0) {
    foreign_note(a->foreign, "`%s` is a single number, which the model does not use", name);
    return true;
  }
  for (int i = 0; i < t.rank && i < 2; i++) {
    t.dim[i] = json_integer_value(json_array_get(shape, (size_t)i));
    if (t.dim[i] < 1 || t.dim[i] > SIZE_MAX_AXIS) {
      report(m, E901, name, "has a shape that is not of positive lengths");
      return false;
    }
  }
  RawTensor *place = place_of(m, name);
  if (place && !place->name) {
    *place = t;
    return true;
  }
  Diag *d = report(m, place ? E606 : E902, name,
                   place ? "occurs twice" : "belongs to no layer that grus supports");
  diag_fix(
      d, FIX_MAYBE,
      "names end in embedding, cell_0/basic_lstm_cell/weights and biases, softmax_w, softmax_b");
  return false;
}

static bool shape_is(Manifest *m, const RawTensor *t, const char *what, int rank, int64_t first,
                     int64_t second) {
  if (t->name && t->rank == rank && t->dim[0] == first && (rank == 1 || t->dim[1] == second))
    return true;
  const char *needed =
      rank == 1 ? arena_printf(m->audio.arena, "[%lld]", (long long)first)
                : arena_printf(m->audio.arena, "[%lld, %lld]", (long long)first, (long long)second);
  if (!t->name)
    foreign_report(m->audio.diags, m->audio.file, E602, "`%s` has no %s", m->audio.file->path,
                   what);
  else
    diag_note(report(m, E603, t->name, "does not fit the other tensors"), "it should be %s",
              needed);
  return false;
}

/* Whether all shapes agree; reports if not. No file is read before. */
static bool shapes_agree(Manifest *m) {
  if (m->embedding.name && m->embedding.rank != 2) {
    report(m, E603, m->embedding.name, "has to have two axes: categories and features");
    return false;
  }
  if (!shape_is(m, &m->embedding, "embedding", 2, m->embedding.dim[0], m->embedding.dim[1]))
    return false;
  int64_t d = m->embedding.dim[1];
  while (m->n_cells < CELLS_MAX && m->weights[m->n_cells].name) {
    const RawTensor *w = &m->weights[m->n_cells], *b = &m->biases[m->n_cells];
    int64_t u = w->dim[0] - d;
    if (u < 1) u = w->dim[1] / 4;
    if (!shape_is(m, w, "weights", 2, d + u, 4 * u) || !shape_is(m, b, "biases", 1, 4 * u, 0))
      return false;
    d = u;
    m->n_cells++;
  }
  for (int k = 0; k < CELLS_MAX; k++) {
    const RawTensor *t = m->weights[k].name ? &m->weights[k] : &m->biases[k];
    if (t->name && k >= m->n_cells) {
      report(m, E602, t->name, "has no weights, or no cell before it");
      return false;
    }
  }
  if (!m->n_cells) {
    foreign_report(m->audio.diags, m->audio.file, E602, "`%s` has no cells", m->audio.file->path);
    return false;
  }
  return shape_is(m, &m->softmax_w, "softmax_w", 2, d,
                  m->softmax_w.name ? m->softmax_w.dim[1] : m->embedding.dim[0]) &&
         shape_is(m, &m->softmax_b, "softmax_b", 1, m->softmax_w.dim[1], 0);
}

static bool ask(Manifest *m, const char *what, const char *why) {
  Diag *d = foreign_report(m->audio.diags, m->audio.file, E904, "`%s` does not say %s",
                           m->audio.file->path, what);
  diag_note(d, "%s", why);
  diag_fix(d, FIX_MAYBE,
           "say it in a file for --config: `{\"cell\": \"BasicLSTMCell\", \"forget_bias\": 1}`");
  return false;
}

static bool read_config(Manifest *m, const ImportOptions *options) {
  json_t *config;
  if (!audio_config(&m->audio, options, &config)) return false;
  if (config && !audio_keys_known(&m->audio, config, "cell forget_bias", "--config")) return false;
  const char *cell = json_string_value(json_object_get(config, "cell"));
  const json_t *bias = json_object_get(config, "forget_bias");
  if (!cell)
    return ask(
        m, "what its cells compute",
        "it has names and shapes; a BasicLSTMCell of TensorFlow has gates i j f o over [x; h]");
  if (strcmp(cell, "BasicLSTMCell") != 0) {
    Diag *d = foreign_report(
        m->audio.diags, m->audio.file, E902,
        "--config names the cell `%.80s`, which is not supported in a manifest", cell);
    diag_fix(d, FIX_MAYBE,
             "if the gates are those of a BasicLSTMCell, name that: `\"cell\": "
             "\"BasicLSTMCell\"`");
    return false;
  }
  if (!json_is_number(bias))
    return ask(m, "the forget bias of its cells",
               "TensorFlow adds it to the forget gate when it runs, 1 unless the program says "
               "otherwise; it is not in the weights");
  m->forget_bias = json_number_value(bias);
  return true;
}

/* Reads the file of a tensor, which must have exactly its bytes; NULL after reporting. */
static const float *read_raw(Manifest *m, const RawTensor *t) {
  Audio *a = &m->audio;
  const char *reason;
  size_t count = (size_t)t->dim[0] * (size_t)(t->rank == 2 ? t->dim[1] : 1);
  const char *path =
      arena_printf(a->arena, "%s%s", text_file_folder(a->arena, a->file->path), t->file);
  Mapped data;
  if (!file_map(a->arena, path, &data, &reason)) {
    foreign_report(a->diags, a->file, E901, "cannot read `%s`, the file of `%s`: %s", path, t->name,
                   reason);
    return NULL;
  }
  if (data.len != 4 * count) {
    Diag *d = foreign_report(a->diags, a->file, E901, "`%s` has %zu bytes, and `%s` needs %zu",
                             path, data.len, t->name, 4 * count);
    diag_note(d, "four for each of %zu numbers", count);
    return NULL;
  }
  float *to = ARENA_ARRAY(a->arena, float, count);
  for (size_t i = 0; i < count; i++) {
    const uint8_t *b = data.data + 4 * i;
    uint32_t bits =
        (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    memcpy(&to[i], &bits, sizeof bits);
  }
  return to;
}

static bool import_embedding(Manifest *m) {
  Audio *a = &m->audio;
  const RawTensor *t = &m->embedding;
  const float *table = read_raw(m, t);
  if (!table) return false;
  Type type = {
      .elem = ELEM_INDEX, .categories = t->dim[0], .time = {.kind = TIME_STREAM, .period = 1}};
  a->value = model_input(a->foreign->model, "x", type)->value;
  return audio_embedding(a, table, t->dim[0], t->dim[1], "embedding", t->name) != NULL;
}

/* Appends the LSTM of a cell, whose kernel has the rows of x before those of h. */
static bool import_cell(Manifest *m, int k) {
  static const int place[] = {0, 2, 1, 3}; /* i j f o */
  Audio *a = &m->audio;
  const RawTensor *w = &m->weights[k], *b = &m->biases[k];
  AudioCell cell = {.units = w->dim[1] / 4, .place = place, .forget_bias = m->forget_bias};
  cell.kernel[0] = read_raw(m, w);
  cell.bias[0] = cell.kernel[0] ? read_raw(m, b) : NULL;
  if (!cell.bias[0]) return false;
  cell.recurrent[0] = cell.kernel[0] + a->width * w->dim[1];
  return audio_lstm(a, &cell, arena_printf(a->arena, "cell_%d", k), w->name) != NULL;
}

static bool import_head(Manifest *m) {
  const float *w = read_raw(m, &m->softmax_w), *b = w ? read_raw(m, &m->softmax_b) : NULL;
  if (!b || !audio_dense(&m->audio, w, b, m->softmax_w.dim[1], "softmax", m->softmax_w.name))
    return false;
  foreign_note(m->audio.foreign,
               "the output is the logits, as the tensors give them: no softmax is in the file");
  return true;
}

Foreign *manifest_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  Manifest *m = ARENA_NEW(file->arena, Manifest);
  Audio *a = &m->audio;
  *a = (Audio){.arena = file->arena, .file = file, .diags = diags};
  json_t *root = audio_json(a), *object;
  const char *name;
  if (!root) return NULL;
  a->foreign = foreign_new(file, "manifest of raw tensors", NULL);
  json_object_foreach(root, name, object) if (!read_entry(m, name, object)) return NULL;
  if (!shapes_agree(m) || !read_config(m, options) || !import_embedding(m)) return NULL;
  for (int k = 0; k < m->n_cells; k++)
    if (!import_cell(m, k)) return NULL;
  if (!import_head(m)) return NULL;
  model_output(a->foreign->model, "logits", a->value);
  return a->foreign;
}
