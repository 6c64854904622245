/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which tensor of a Keras file belongs to which layer.
 *
 *   Keras 1       lstm_1/lstm_1_W_i                                  attribute weight_names
 *   Keras 2       lstm/lstm/kernel:0, gru/gru/gru_cell/kernel:0      attribute weight_names
 *   Keras 3 .h5   gru/sequential/gru/gru_cell/kernel                 attribute weight_names
 *   .keras        layers/gru/cell/vars/0                             numbered, groups by class
 *
 * Only the last part of a name tells what a tensor is; where a wrapper has two directions a part of
 * the name begins with forward or backward. */
#include "import/read/keras/keras.h"

#include <string.h>

/* The part after the last '/', without ":0". */
static const char *leaf_of(Arena *arena, const char *name) {
  const char *slash = strrchr(name, '/'), *leaf = slash ? slash + 1 : name;
  return arena_strndup(arena, leaf, strcspn(leaf, ":"));
}

static bool leaf_is(Arena *arena, const char *name, const char *leaf) {
  const char *have = leaf_of(arena, name);
  if (strcmp(have, leaf) == 0) return true;
  size_t n = strlen(have), m = strlen(leaf); /* Keras 1: lstm_1_W_i */
  return !strchr(name, '/') && n > m && have[n - m - 1] == '_' && strcmp(have + n - m, leaf) == 0;
}

static bool side_is(const char *name, const char *side) {
  size_t n = strlen(side);
  for (const char *part = name; part; part = strchr(part, '/')) {
    part += *part == '/';
    if (strncmp(part, side, n) == 0 && part[n] == '_') return true;
  }
  return !n;
}

/* The name of the tensor in Keras 1. */
static const char *leaf_of_version(const Keras *k, const char *leaf) {
  static const char *const keras_1[][2] = {{"kernel", "W"},
                                           {"embeddings", "W"},
                                           {"recurrent_kernel", "U"},
                                           {"bias", "b"},
                                           {"moving_mean", "running_mean"},
                                           {"moving_variance", "running_std"}};
  for (size_t i = 0; i < sizeof keras_1 / sizeof *keras_1 && k->major == 1; i++)
    if (strcmp(leaf, keras_1[i][0]) == 0) return keras_1[i][1];
  return leaf;
}

/* The names of a group's tensors; long lists are split: weight_names0, weight_names1 ... */
static bool weight_names(const Keras *k, const char *group, const char ***names, int *n) {
  if (hdf5_texts(k->hdf5, group, "weight_names", names, n)) return true;
  size_t cap = 0;
  *names = NULL;
  *n = 0;
  for (int chunk = 0;; chunk++) {
    const char **part;
    int n_part;
    if (!hdf5_texts(k->hdf5, group, arena_printf(k->arena, "weight_names%d", chunk), &part,
                    &n_part))
      return chunk > 0;
    for (int i = 0; i < n_part; i++)
      ARENA_PUSH(k->arena, *names, *n, cap, part[i]);
  }
}

/* The parts of `parts` stand in this order between the slashes of a name, before its last one;
 * at_once: at its beginning. */
static bool has_parts(const char *name, const char *parts, bool at_once) {
  if (at_once && strncmp(name, parts, strlen(parts)) != 0) return false;
  for (const char *slash; *parts && (slash = strchr(name, '/')) != NULL; name = slash + 1) {
    size_t n = strcspn(parts, "/");
    if ((size_t)(slash - name) == n && memcmp(name, parts, n) == 0) parts += n + (parts[n] == '/');
  }
  return !*parts;
}

static const char *path_with(const KerasLayer *layer, const char *parts, bool at_once,
                             const char *side, const char *leaf, bool *ambiguous) {
  const Keras *k = layer->keras;
  const char **names, *found = NULL;
  int n;
  *ambiguous = false;
  leaf = leaf_of_version(k, leaf);
  if (!weight_names(k, layer->group, &names, &n)) return NULL;
  for (int i = 0; i < n; i++) {
    if (!leaf_is(k->arena, names[i], leaf) || !side_is(names[i], side) ||
        !has_parts(names[i], parts, at_once))
      continue;
    *ambiguous = found != NULL;
    found = names[i];
  }
  return found ? arena_printf(k->arena, "%s/%s", layer->group, found) : NULL;
}

/* The names of models in between stand in the names of weights, or a name begins with the layer's
 * own. */
static const char *path_by_name(const KerasLayer *layer, const char *side, const char *leaf,
                                bool *ambiguous) {
  const char *path = path_with(layer, layer->part, false, side, leaf, ambiguous);
  if (!path && strcmp(layer->part, layer->own) != 0)
    path = path_with(layer, layer->own, true, side, leaf, ambiguous);
  const char *name = *side ? json_string_value(keras_option(layer, "name")) : NULL;
  if (path || !name || *ambiguous) return path;
  const char *parts = /* a backward_layer, whose name does not say its side */
      *layer->part ? arena_printf(layer->keras->arena, "%s/%s", layer->part, name) : name;
  return path_with(layer, parts, false, "", leaf, ambiguous);
}

/* Keras 3: forward_layer/cell/vars/0 below the group. */
static const char *path_by_number(const KerasLayer *layer, const char *side, int number) {
  const char *wrapper = *side ? arena_printf(layer->keras->arena, "/%s_layer", side) : "";
  const char *inner = *layer->inner ? arena_printf(layer->keras->arena, "/%s", layer->inner) : "";
  return arena_printf(layer->keras->arena, "%s%s%s/vars/%d", layer->group, wrapper, inner, number);
}

bool keras_tensor(const KerasLayer *layer, const char *side, const char *leaf, int number,
                  Hdf5Tensor *out) {
  bool ambiguous = false;
  const Keras *k = layer->keras;
  const char *path = k->by_class ? path_by_number(layer, side, number)
                                 : path_by_name(layer, side, leaf, &ambiguous),
             *reason;
  if (ambiguous) {
    keras_lacks(layer, E903,
                "save the model again with a Keras that names its tensors apart: "
                "`model.save(\"model.keras\")`",
                "has more than one tensor `%s`", leaf);
    return false;
  }
  if (k->by_class) path = keras_stored_path(k, path);
  if (!path || (k->by_class && !hdf5_has_data(k->hdf5, path))) {
    Diag *d = keras_refuse(layer, E602, "has no tensor `%s%s%s` in the file", side,
                           *side ? " " : "", leaf);
    diag_note(d, path ? "looked for `%s`" : "looked in group `%s`", path ? path : layer->group);
    if (!keras_has_group(k, layer->group)) diag_note(d, "there is no group `%s`", layer->group);
    return false;
  }
  if (hdf5_read(k->hdf5, path, out, &reason)) return true;
  keras_refuse(layer, E901, "cannot be read: `%.200s`: %s", path, reason);
  return false;
}

bool keras_shape_is(const KerasLayer *layer, const Hdf5Tensor *t, const char *leaf, int rank,
                    const int64_t *dim) {
  bool same = t->rank == rank;
  for (int i = 0; i < rank && same; i++)
    same = t->dim[i] == dim[i];
  if (same) return true;
  keras_refuse(layer, E603, "needs `%s` %s, the file has %s", leaf,
               dims_str(layer->keras->arena, rank, dim),
               dims_str(layer->keras->arena, t->rank, t->dim));
  return false;
}
