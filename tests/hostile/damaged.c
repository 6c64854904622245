/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Damaged copies of published models, each imported by a process of its own with limits of time and
 * memory, as far as `grus import` goes before it writes: read, printed, compiled from the print.
 *
 *     damaged MODELS SCRATCH COPIES LIMITED ENDING...
 *
 * COPIES of every file below MODELS with such an ending are made by mutate.c; LIMITED is 0 where a
 * sanitizer needs the address space. Checked of every copy: it is refused with a diagnostic, or is
 * a model whose weights are all there and finite, and whose text compiles; in seconds, in memory of
 * MEMORY_FREE and MEMORY_FILES times the file, and for ONNX, whose elements are followed one by one
 * through sequences of any declared length, of MEMORY_ONNX. And
 *
 *   - a copy that is cut off, or has more behind it, is refused or is the same model;
 *   - a copy of a zip archive, which has checksums, is refused or has the same values.
 *
 * The other formats carry no checksum for what they hold: a turned bit in a weight is another
 * weight, one in an address of HDF5 other weights. Such copies are counted as "other". */
#include "mutate.h"

#include "driver/imported.h"
#include "model/infer/infer.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  SKIPPED = 77,
  SECONDS = 5,
  MEMORY_FREE = 24 << 20,
  MEMORY_FILES = 16,
  MEMORY_ONNX = 160 << 20,
  PATH_BYTES = 4096,
  ENDED_WELL = 0,
  ENDED_NO_MEMORY = 3
};

/* What a file holds. */
typedef struct Content {
  const char *text; /* the model without its weights; names and shapes of a file of tensors */
  const float *value;
  int64_t n, cap;
} Content;

/* What came of a copy; shared with the process that imports it. */
typedef enum Outcome { NOTHING, REFUSED, SILENT, SAME, SAME_VALUES, OTHER, OUTCOMES } Outcome;
typedef struct Shared {
  Outcome outcome;
  char message[240];
} Shared;

typedef struct Test {
  const char *models, *scratch;
  unsigned copies;
  bool limited;
  Shared *shared;
  int files, plain, failures; /* plain: files that are refused as they are */
  int count[DAMAGES][OUTCOMES];
} Test;

/* ---- reading ---- */

static void add_values(Arena *arena, Content *out, const float *value, int64_t n) {
  size_t cap = (size_t)out->cap;
  out->value =
      arena_grow(arena, (float *)(uintptr_t)out->value, &cap, (size_t)(out->n + n), sizeof(float));
  out->cap = (int64_t)cap;
  memcpy((float *)(uintptr_t)out->value + out->n, value, sizeof(float) * (size_t)n);
  out->n += n;
}

static Content content_of_model(Session *s, const Imported *in) {
  Content out = {.text = in->source->text};
  for (int i = 0; i < in->model->n_layers; i++) {
    ParamShape params[LAYER_MAX_PARAMS];
    int n = layer_params(in->model->layer[i], params);
    for (int p = 0; p < n; p++)
      add_values(s->arena, &out, in->model->layer[i]->weights->role[params[p].role],
                 param_count(&params[p]));
  }
  return out;
}

static Content content_of_tensors(Arena *arena, const TensorFile *file) {
  Content out = {0};
  Text text = text_new(arena);
  for (int i = 0; i < file->n; i++) {
    const Tensor *t = &file->tensor[i];
    text_printf(&text, "%s %s\n", t->name, tensor_shape_str(arena, t));
    float *value = ARENA_ARRAY(arena, float, t->count);
    for (int64_t k = 0; k < t->count; k++)
      value[k] = (float)tensor_get(t, k);
    add_values(arena, &out, value, t->count);
  }
  out.text = text_str(&text);
  return out;
}

static bool ends_with(const char *s, const char *end) {
  size_t n = strlen(s), m = strlen(end);
  return n >= m && strcmp(s + n - m, end) == 0;
}

/* Files that are no models: arrays for `weights`, inputs and outputs. */
static TensorFile *tensors_of(Arena *arena, const ForeignFile *file, const char **reason) {
  if (ends_with(file->path, ".safetensors")) return safetensors_parse(arena, file->data, reason);
  if (ends_with(file->path, ".npz")) return npz_parse(arena, file->data, reason);
  TensorFile *one = ARENA_NEW(arena, TensorFile);
  one->tensor = ARENA_NEW(arena, Tensor);
  one->tensor->name = "";
  one->n = 1;
  return npy_parse(arena, file->data, one->tensor, reason) ? one : NULL;
}

static bool is_tensors(const char *path) {
  return ends_with(path, ".safetensors") || ends_with(path, ".npz") || ends_with(path, ".npy");
}

/* False with a message; "" where there should be one. */
static bool content_read(Arena *arena, Options *options, ForeignFile *file, Content *out,
                         const char **message) {
  Imported in;
  file->arena = arena;
  if (is_tensors(file->path)) {
    const char *reason = "";
    TensorFile *tensors = tensors_of(arena, file, &reason);
    if (tensors) *out = content_of_tensors(arena, tensors);
    *message = reason;
    return tensors != NULL;
  }
  Session s = {.arena = arena, .options = options, .sources = {.arena = arena}};
  session_reset_diags(&s);
  if (session_import_content(&s, file, "m.safetensors", "m.grus", &in)) {
    *out = content_of_model(&s, &in);
    return true;
  }
  *message = s.diags->n_errors && s.diags->first ? s.diags->first->message : "";
  return false;
}

/* ---- one copy ---- */

/* Bits, for a weight may be -0. */
static Outcome compare(const Content *was, const Content *is) {
  bool values = was->n == is->n &&
                (!is->n || memcmp(was->value, is->value, sizeof(float) * (size_t)is->n) == 0);
  if (!values) return OTHER;
  return strcmp(was->text, is->text) == 0 ? SAME : SAME_VALUES;
}

static void limit(int what, rlim_t most) {
  struct rlimit l = {most, most};
  setrlimit(what, &l);
}

static void limit_all(const Test *t, const char *path, size_t len) {
  rlim_t free = ends_with(path, ".onnx") ? MEMORY_ONNX : MEMORY_FREE;
  char text[64] = "";
  unsigned long pages = 0;
  int statm = open("/proc/self/statm", O_RDONLY);
  bool known =
      statm >= 0 && read(statm, text, sizeof text - 1) > 0 && sscanf(text, "%lu", &pages) == 1;
  if (statm >= 0) close(statm);
  if (known && t->limited)
    limit(RLIMIT_AS,
          (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + free + (rlim_t)len * MEMORY_FILES);
  limit(RLIMIT_CPU, SECONDS);
  limit(RLIMIT_CORE, 0);
}

/* In the child. */
static int import_copy(Shared *shared, Options *options, const ForeignFile *copy,
                       const Content *was) {
  jmp_buf oom;
  if (setjmp(oom)) return ENDED_NO_MEMORY;
  Arena *arena = arena_new(&oom);
  if (!arena) return ENDED_NO_MEMORY;
  ForeignFile *file = ARENA_NEW(arena, ForeignFile);
  *file = *copy;
  Content is = {0};
  const char *message = "";
  if (content_read(arena, options, file, &is, &message))
    shared->outcome = was ? compare(was, &is) : OTHER;
  else
    shared->outcome = *message ? REFUSED : SILENT;
  snprintf(shared->message, sizeof shared->message, "%s", message);
  arena_free(arena); /* what readers left to be closed is closed under the sanitizers' eyes, too */
  return ENDED_WELL;
}

/* Says what is wrong, and keeps the copy. */
static void fail(Test *t, const ForeignFile *copy, unsigned number, Damage damage,
                 const char *what) {
  char kept[PATH_BYTES];
  snprintf(kept, sizeof kept, "%s/failed_%d", t->scratch, t->failures++);
  printf("%s: copy %u (%s): %s; kept as %s\n", copy->path + strlen(t->models) + 1, number,
         damage_name[damage], what, kept);
  FILE *file = fopen(kept, "wb");
  if (!file) return;
  fwrite(copy->data.data, 1, copy->data.len, file);
  fclose(file);
}

static void copy_test(Test *t, Options *options, const ForeignFile *copy, const Content *was,
                      unsigned number, Damage damage) {
  const char *path = copy->path;
  int status = 0;
  *t->shared = (Shared){0};
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    limit_all(t, path, copy->data.len);
    _exit(import_copy(t->shared, options, copy, was));
  }
  if (child < 0 || waitpid(child, &status, 0) != child) {
    fail(t, copy, number, damage, "no process can be started");
    return;
  }
  Outcome outcome = t->shared->outcome;
  t->count[damage][outcome]++;
  bool zip = ends_with(path, ".keras") || ends_with(path, ".npz"),
       length = damage == CUT || damage == LONGER;
  if (WIFSIGNALED(status))
    fail(t, copy, number, damage, strsignal(WTERMSIG(status)));
  else if (WEXITSTATUS(status) == ENDED_NO_MEMORY)
    fail(t, copy, number, damage, "needs too much memory");
  else if (WEXITSTATUS(status) != ENDED_WELL)
    fail(t, copy, number, damage, "a sanitizer ended it");
  else if (outcome == SILENT)
    fail(t, copy, number, damage, "refused without a word");
  else if (strstr(t->shared->message, "a bug in grus"))
    fail(t, copy, number, damage, t->shared->message);
  else if (length && (outcome == OTHER || outcome == SAME_VALUES))
    fail(t, copy, number, damage, "taken for another model");
  else if (zip && outcome == OTHER)
    fail(t, copy, number, damage, "other values, past the checksums");
}

/* ---- all files ---- */

static const char *write_config(const Test *t, Arena *arena, const char *text) {
  const char *path = arena_printf(arena, "%s/damaged_config.json", t->scratch);
  FILE *file = fopen(path, "w");
  if (!file || fputs(text, file) < 0 || fclose(file) != 0) return NULL;
  return path;
}

/* What has to be said for a file to be read. */
static const char *config_of(const Test *t, Arena *arena, const char *path) {
  if (ends_with(path, "lstm_th_keras_2_weights.h5"))
    return arena_printf(arena, "%s/dl4j_keras/fullconfig_lstm/lstm_th_keras_2_config.json",
                        t->models);
  if (ends_with(path, "reactionrnn_weights.hdf5"))
    return arena_printf(arena, "%s/tests/conformance/keras/reactionrnn.json", GRUS_PROJECT);
  if (ends_with(path, "charrnn_shakespeare/model/manifest.json"))
    return write_config(t, arena, "{\"cell\": \"BasicLSTMCell\", \"forget_bias\": 1}");
  return NULL;
}

/* The options with which the file is read; NULL if it is refused with all of them. */
static Options *options_for(const Test *t, Arena *arena, ForeignFile *file, Content *was) {
  const char *times[] = {NULL, NULL, "6", "n <= 6"}, *message;
  for (int i = 0; i < 4; i++) {
    Options *options = ARENA_NEW(arena, Options);
    *options = (Options){.max_errors = 5,
                         .stream = i == 1,
                         .time = times[i],
                         .config = config_of(t, arena, file->path)};
    if (content_read(arena, options, file, was, &message)) return options;
  }
  return NULL;
}

static uint64_t seed_of(const char *name) { /* FNV-1a */
  uint64_t hash = UINT64_C(14695981039346656037);
  for (; *name; name++)
    hash = (hash ^ (uint8_t)*name) * UINT64_C(1099511628211);
  return hash;
}

static void file_test(Test *t, const char *path) {
  jmp_buf oom;
  Arena *volatile arena = NULL;
  uint8_t *volatile bytes = NULL;
  if (setjmp(oom) == 0) {
    arena = arena_new(&oom);
    ForeignFile file = {.arena = arena, .path = path}, copy = file;
    const char *reason;
    Content was = {0};
    if (!arena || !file_map(arena, path, &file.data, &reason)) exit(2);
    Options *options = options_for(t, arena, &file, &was), none = {.max_errors = 5};
    t->files++;
    t->plain += options == NULL;
    for (unsigned i = 0; i < t->copies; i++) {
      Damage damage;
      uint8_t *room = malloc(file.data.len + MUTATE_MORE);
      if (!room) exit(2);
      size_t len = mutate(file.data.data, file.data.len, seed_of(path + strlen(t->models)), i, room,
                          &damage);
      bytes = malloc(len ? len : 1); /* of exactly the size: a sanitizer sees a read beyond it */
      if (!bytes) exit(2);
      memcpy(bytes, room, len);
      free(room);
      copy.data = (Mapped){bytes, len};
      copy_test(t, options ? options : &none, &copy, options ? &was : NULL, i, damage);
      free(bytes);
      bytes = NULL;
    }
  } else
    t->failures++;
  free(bytes);
  arena_free(arena);
}

static int by_name(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

static void folder_test(Test *t, const char *folder, char **endings) {
  struct dirent **entry;
  int n = scandir(folder, &entry, NULL, by_name);
  for (int i = 0; i < n; i++) {
    char path[PATH_BYTES];
    struct stat st;
    const char *name = entry[i]->d_name;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    bool there = name[0] != '.' && stat(path, &st) == 0;
    if (there && S_ISDIR(st.st_mode)) folder_test(t, path, endings);
    for (char **ending = endings; there && S_ISREG(st.st_mode) && *ending; ending++)
      if (ends_with(name, *ending)) file_test(t, path);
    free(entry[i]);
  }
  if (n >= 0) free(entry);
}

static void print_counts(const Test *t) {
  static const char *const names[OUTCOMES] = {"ended", "refused", "silent",
                                              "same",  "names",   "other"};
  printf("%-8s", "");
  for (int o = 0; o < OUTCOMES; o++)
    printf(" %8s", names[o]);
  for (int d = 0; d < DAMAGES; d++) {
    printf("\n%-8s", damage_name[d]);
    for (int o = 0; o < OUTCOMES; o++)
      printf(" %8d", t->count[d][o]);
  }
  printf("\n%d files, %d of them refused as they are; %u copies of each; %d failures\n", t->files,
         t->plain, t->copies, t->failures);
}

int main(int argc, char **argv) {
  if (argc < 6) return 2;
  Test t = {.models = argv[1],
            .scratch = argv[2],
            .copies = (unsigned)atoi(argv[3]),
            .limited = atoi(argv[4]) != 0};
  if (access(t.models, R_OK) != 0) {
    printf("SKIPPED: the published models are not in %s\n", t.models);
    return SKIPPED;
  }
  t.shared =
      mmap(NULL, sizeof *t.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (t.shared == MAP_FAILED) return 2;
  folder_test(&t, t.models, argv + 5);
  print_counts(&t);
  return t.failures != 0 || t.files == 0;
}
