/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Whether the fixtures reach what the Keras reader knows. For each class of its tables, and each
 * key that the reader knows or that Keras writes for it, the configurations in the fixtures must
 * have two different values: one of them is not the default. What has not is listed in
 * coverage.reasons, "CLASS KEY REASON" a line ("*" for any class), with the reason; lines that are
 * not needed are wrong.
 *
 *     coverage FIXTURES REASONS */
#include "import/read/keras/keras.h"

#include "base/map.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

typedef struct Seen {
  const char *first;
  bool two;
} Seen;

typedef struct Reason {
  const char *key, *text;
  bool used;
} Reason;

typedef struct Coverage {
  Arena *arena;
  Map seen; /* "LSTM units" -> Seen */
  Map classes;
  Map reasons; /* "LSTM units" -> Reason */
  Reason **reason;
  int n_reasons;
  size_t cap_reasons;
  int failures, files, n_keys;
  const char **key; /* "LSTM units", in the order found */
  size_t cap_keys;
} Coverage;

static bool ends_with(const char *s, const char *end) {
  size_t n = strlen(s), m = strlen(end);
  return n >= m && strcmp(s + n - m, end) == 0;
}

static Seen *seen_of(Coverage *c, const char *class_name, const char *key) {
  const char *both = arena_printf(c->arena, "%s %s", class_name, key);
  Seen *seen = map_get(&c->seen, both);
  if (seen) return seen;
  seen = ARENA_NEW(c->arena, Seen);
  map_put(c->arena, &c->seen, both, seen);
  ARENA_PUSH(c->arena, c->key, c->n_keys, c->cap_keys, both);
  return seen;
}

static bool is_known(const char *class_name) {
  for (int t = 0; keras_tables[t]; t++)
    for (const KerasClass *k = keras_tables[t]; k->name; k++)
      if (strcmp(k->name, class_name) == 0) return true;
  return false;
}

/* Nothing of what a layer computes. */
static bool is_general(const char *key) {
  return strcmp(key, "name") == 0 || ends_with(key, "_initializer") ||
         ends_with(key, "_regularizer") || ends_with(key, "_constraint");
}

static void note_layer(Coverage *c, const char *class_name, json_t *config) {
  const char *key;
  json_t *value;
  if (ends_with(class_name, "Cell"))
    class_name = arena_strndup(c->arena, class_name, strlen(class_name) - 4);
  if (!is_known(class_name)) return;
  map_put(c->arena, &c->classes, arena_strdup(c->arena, class_name), c);
  json_object_foreach(config, key, value) {
    if (is_general(key)) continue;
    Seen *seen = seen_of(c, class_name, key);
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    if (!text) exit(2);
    if (!seen->first)
      seen->first = arena_strdup(c->arena, text);
    else
      seen->two |= strcmp(seen->first, text) != 0;
    free(text);
  }
}

static void walk(Coverage *c, json_t *object) {
  const char *class_name = json_string_value(json_object_get(object, "class_name")), *key;
  json_t *config = json_object_get(object, "config"), *value;
  if (class_name && json_is_object(config)) note_layer(c, class_name, config);
  json_object_foreach(object, key, value) walk(c, value);
  for (size_t i = 0; i < json_array_size(object); i++)
    walk(c, json_array_get(object, i));
}

static const char *config_of_zip(Coverage *c, const char *path) {
  int error;
  zip_t *zip = zip_open(path, ZIP_RDONLY, &error);
  zip_stat_t st;
  if (!zip || zip_stat(zip, "config.json", 0, &st) != 0) exit(2);
  char *text = arena_alloc(c->arena, (size_t)st.size + 1);
  zip_file_t *file = zip_fopen(zip, "config.json", 0);
  if (!file || zip_fread(file, text, st.size) != (zip_int64_t)st.size) exit(2);
  zip_fclose(file);
  zip_discard(zip);
  return text;
}

static const char *config_of_hdf5(Coverage *c, const char *path) {
  Mapped data;
  const char *reason;
  Hdf5 *file = file_map(c->arena, path, &data, &reason) ? hdf5_open(c->arena, data, &reason) : NULL;
  return file ? hdf5_text(file, "", "model_config") : NULL;
}

static void read_folder(Coverage *c, const char *folder) {
  DIR *dir = opendir(folder);
  for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
    const char *path = arena_printf(c->arena, "%s/%s", folder, entry->d_name);
    bool zip = ends_with(path, ".keras");
    if (!zip && !ends_with(path, ".h5")) continue;
    const char *text = zip ? config_of_zip(c, path) : config_of_hdf5(c, path);
    json_t *root = text ? json_loads(text, 0, NULL) : NULL;
    c->files += root != NULL;
    walk(c, root);
    json_decref(root);
  }
  if (dir) closedir(dir);
}

static void read_reasons(Coverage *c, const char *path) {
  char line[400], class_name[80], key[80];
  FILE *file = fopen(path, "r");
  if (!file) exit(2);
  while (fgets(line, sizeof line, file)) {
    int at = 0;
    if (*line == '#' || *line == '\n') continue;
    if (sscanf(line, "%79s %79s %n", class_name, key, &at) != 2 || !line[at]) exit(2);
    Reason *reason = ARENA_NEW(c->arena, Reason);
    reason->key = arena_printf(c->arena, "%s %s", class_name, key);
    reason->text = arena_strdup(c->arena, line + at);
    map_put(c->arena, &c->reasons, reason->key, reason);
    ARENA_PUSH(c->arena, c->reason, c->n_reasons, c->cap_reasons, reason);
  }
  fclose(file);
}

/* Whether there is a reason for "LSTM units", or for "* units". */
static bool excused(Coverage *c, const char *both) {
  Reason *own = map_get(&c->reasons, both),
         *any = map_get(&c->reasons, arena_printf(c->arena, "* %s", strchr(both, ' ') + 1));
  if (own) own->used = true;
  if (any) any->used = true;
  return own || any;
}

/* Keys that the reader knows, whether Keras writes them or not; those of one value only are refused
 * otherwise. */
static void add_known(Coverage *c) {
  for (int t = 0; keras_tables[t]; t++)
    for (const KerasClass *k = keras_tables[t]; k->name; k++) {
      if (!map_get(&c->classes, k->name) && !excused(c, arena_printf(c->arena, "%s -", k->name))) {
        printf("%s is in no fixture\n", k->name);
        c->failures++;
      }
      for (const char *s = k->options; *s; s += strcspn(s, " "), s += *s == ' ') {
        size_t n = strcspn(s, " =");
        if (n && s[n] != '=' && map_get(&c->classes, k->name))
          seen_of(c, k->name, arena_strndup(c->arena, s, n));
      }
    }
}

static void check_keys(Coverage *c) {
  for (int i = 0; i < c->n_keys; i++) {
    const Seen *seen = map_get(&c->seen, c->key[i]);
    if (seen->two || excused(c, c->key[i])) continue;
    printf("%s: %s%s\n", c->key[i], seen->first ? "only ever " : "in no fixture",
           seen->first ? seen->first : "");
    c->failures++;
  }
  for (int i = 0; i < c->n_reasons; i++)
    if (!c->reason[i]->used) {
      printf("no reason is needed for: %s\n", c->reason[i]->key);
      c->failures++;
    }
}

int main(int argc, char **argv) {
  jmp_buf oom;
  if (argc != 3 || setjmp(oom)) return 2;
  Arena *arena = arena_new(&oom);
  Coverage c = {.arena = arena};
  read_folder(&c, argv[1]);
  read_folder(&c, arena_printf(arena, "%s/refused", argv[1]));
  read_folder(&c, arena_printf(arena, "%s/compared", argv[1]));
  read_folder(&c, arena_printf(arena, "%s/padded", argv[1]));
  read_reasons(&c, argv[2]);
  add_known(&c);
  check_keys(&c);
  printf("%d files, %d keys of layers, %d failures\n", c.files, c.n_keys, c.failures);
  int failures = c.failures;
  arena_free(arena);
  return failures != 0;
}
