/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which group of a Keras file holds the weights of a layer. Up to Keras 2, and in .h5 files, groups
 * are named by the layers of the whole model. In .keras files and .weights.h5 they are named by
 * class and order among the layers of their model, and models inside have groups inside:
 *
 *     layers/gru, layers/gru_1, layers/functional/layers/gru
 *
 * Keras 3 calls the outermost group `layers`; 2.13 to 2.15 may have a list of their own. On Windows
 * these versions join the names of groups by backslashes: a group `layers\gru\cell` of the root has
 * the array `vars/0`. */
#include "import/read/keras/keras.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char *const roots[] = {"layers", "_layer_checkpoint_dependencies"};

/* Some array is in a group whose name begins with root and a backslash. */
static bool has_backslashes(const Keras *k, const char *root) {
  const char **paths;
  int n = 0;
  size_t len = strlen(root);
  if (!hdf5_list(k->hdf5, &paths, &n)) return false;
  for (int i = 0; i < n; i++)
    if (strncmp(paths[i], root, len) == 0 && paths[i][len] == '\\') return true;
  return false;
}

bool keras_find_root(Keras *k) {
  for (size_t i = 0; i < 2 * (sizeof roots / sizeof *roots); i++) {
    const char *root = roots[i / 2];
    bool backslashes = i % 2 == 1;
    if (!(backslashes ? has_backslashes(k, root) : hdf5_has_group(k->hdf5, root))) continue;
    k->root = root;
    k->backslashes = backslashes;
    return true;
  }
  return false;
}

const char *keras_stored_path(const Keras *k, const char *path) {
  if (!k->backslashes) return path;
  char *stored = arena_strdup(k->arena, path);
  const char *vars = strstr(stored, "/vars");
  for (char *c = stored; *c && c != vars; c++)
    if (*c == '/') *c = '\\';
  return stored;
}

bool keras_has_group(const Keras *k, const char *path) {
  return hdf5_has_group(k->hdf5, keras_stored_path(k, path));
}

bool keras_is_model(const char *class_name) {
  return strcmp(class_name, "Sequential") == 0 || strcmp(class_name, "Functional") == 0 ||
         strcmp(class_name, "Model") == 0;
}

/* "BatchNormalization" to "batch_normalization", "Conv1D" to "conv1d", "LSTM" to "lstm": as Keras
 * does. */
const char *keras_snake_case(Arena *arena, const char *name) {
  Text text = text_new(arena);
  for (const char *s = name; *s; s++) {
    bool upper = isupper((unsigned char)*s),
         after_lower = s > name && (islower((unsigned char)s[-1]));
    bool word = s > name && islower((unsigned char)s[1]) && !isdigit((unsigned char)s[-1]);
    if (upper && s > name && (after_lower || (word && s[-1] != '_'))) text_add_char(&text, '_');
    text_add_char(&text, (char)tolower((unsigned char)*s));
  }
  return text_str(&text);
}

/* The group of a layer's weights. Where groups are named by layers, those of a model inside a model
 * have one group together. */
static const char *group_of(KerasGroups *g, const KerasLayer *layer) {
  Keras *k = g->keras;
  const char *slash = *g->root ? "/" : "";
  if (!k->by_class)
    return g->outer ? g->outer->group
                    : arena_printf(k->arena, "%s%s%s", g->root, slash, layer->name);
  const char *stem = strcmp(layer->class_name, "GroupQueryAttention") == 0
                         ? "grouped_query_attention" /* its group has another name than its class */
                         : keras_snake_case(k->arena, layer->class_name);
  int *uses = map_get(&g->uses, stem);
  if (!uses) {
    uses = ARENA_NEW(k->arena, int);
    map_put(k->arena, &g->uses, stem, uses);
  }
  int number = (*uses)++;
  return number ? arena_printf(k->arena, "%s%s%s_%d", g->root, slash, stem, number)
                : arena_printf(k->arena, "%s%s%s", g->root, slash, stem);
}

/* Copies a configuration without the numbers by which Keras distinguishes objects. */
static void drop_numbers(Arena *arena, json_t *object) {
  const char *key;
  json_t *value;
  if (json_is_object(object)) json_drop(arena, object, "shared_object_id");
  json_object_foreach(object, key, value) drop_numbers(arena, value);
  for (size_t i = 0; i < json_array_size(object); i++)
    drop_numbers(arena, json_array_get(object, i));
}

static const char *key_of(const KerasLayer *layer) {
  Arena *arena = layer->keras->arena;
  json_t *copy = json_copy_in(arena, layer->config);
  drop_numbers(arena, copy);
  const char *config = json_text(arena, copy, JSON_SORT_KEYS);
  const char *key = arena_printf(arena, "%s %s", layer->class_name, config ? config : "");
  return key;
}

/* A layer or model that is part of several models in one file has its weights with the first of
 * them. Finds the groups that are there, by name and configuration; "" where two layers share
 * those. */
static void scan_groups(Keras *k, json_t *layers, const char *root, int depth) {
  KerasGroups g = {.keras = k, .root = root};
  for (size_t i = 0; i < json_array_size(layers) && depth < KERAS_MAX_DEPTH; i++) {
    json_t *object = json_array_get(layers, i);
    const char *class_name = json_string_value(json_object_get(object, "class_name"));
    KerasLayer layer = {
        .keras = k, .class_name = class_name, .config = json_object_get(object, "config")};
    layer.group = class_name ? group_of(&g, &layer) : NULL;
    if (!class_name || !keras_has_group(k, layer.group)) continue;
    const char *key = key_of(&layer);
    map_put(k->arena, &k->groups, key,
            (void *)(uintptr_t)(map_get(&k->groups, key) ? "" : layer.group));
    if (keras_is_model(class_name))
      scan_groups(k, json_object_get(layer.config, "layers"),
                  arena_printf(k->arena, "%s/layers", layer.group), depth + 1);
  }
}

void keras_scan_groups(Keras *k, json_t *layers) {
  if (k->by_class) scan_groups(k, layers, k->root, 0);
}

/* The group of a layer's weights, which may stand with another model. */
const char *keras_group(KerasGroups *g, const KerasLayer *layer) {
  const Keras *k = g->keras;
  const char *group = group_of(g, layer);
  if (!k->by_class || !k->groups.n || keras_has_group(k, group)) return group;
  const char *elsewhere = map_get(&k->groups, key_of(layer));
  return elsewhere && *elsewhere ? elsewhere : group;
}
