/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Small files that promise much, lead outside, or go in circles: HDF5, zip archives,
 * configurations of Keras, and the files in claims/. Each is imported with little memory, and must
 * be refused with its reason.
 *
 *     bombs LIMITED CLAIMS       0 where a sanitizer needs the address space */
#include "import/foreign.h"

#include <fcntl.h>
#include <hdf5.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zip.h>

enum { MEMORY = 192 << 20, SECONDS = 20, LARGE = 48 << 20 };

typedef struct Bytes {
  uint8_t *data;
  size_t len;
} Bytes;

static int failures, cases;

#define NEED(what)                                                                                 \
  do {                                                                                             \
    if (!(what)) {                                                                                 \
      fprintf(stderr, "line %d: the file cannot be made\n", __LINE__);                             \
      exit(2);                                                                                     \
    }                                                                                              \
  } while (0)

static Text text_begin(Arena *arena, const char *s) {
  Text out = text_new(arena);
  text_add(&out, s);
  return out;
}

/* ---- HDF5 as Keras 2 wrote it ---- */

static void put_text(hid_t at, const char *name, const char *text) {
  hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  NEED(H5Tset_size(type, strlen(text) + 1) >= 0);
  hid_t id = H5Acreate2(at, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  NEED(id >= 0 && H5Awrite(id, type, text) >= 0);
  H5Aclose(id);
  H5Sclose(space);
  H5Tclose(type);
}

static void put_texts(hid_t at, const char *name, hsize_t n, const char *const *texts) {
  hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, &n, NULL);
  NEED(H5Tset_size(type, H5T_VARIABLE) >= 0);
  hid_t id = H5Acreate2(at, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  NEED(id >= 0 && H5Awrite(id, type, texts) >= 0);
  H5Aclose(id);
  H5Sclose(space);
  H5Tclose(type);
}

/* The file as it is so far, read by its name in memory. */
static Bytes image_of(hid_t file) {
  NEED(H5Fflush(file, H5F_SCOPE_LOCAL) >= 0);
  ssize_t n = H5Fget_file_image(file, NULL, 0);
  Bytes out = {malloc(n > 0 ? (size_t)n : 1), n > 0 ? (size_t)n : 0};
  NEED(out.data && n > 0 && H5Fget_file_image(file, out.data, out.len) == n);
  NEED(H5Fclose(file) >= 0);
  return out;
}

static const char dense_config[] =
    "{\"class_name\": \"Sequential\", \"config\": {\"name\": \"s\", \"layers\": [{\"class_name\": "
    "\"Dense\", \"config\": {\"name\": \"d\", "
    "\"units\": %d, \"use_bias\": false, \"batch_input_shape\": [null, %d]}}]}}";

/* A file with one configuration, and the group of layer `d`, whose kernel is d/kernel. */
static hid_t keras_file(const char *config, hid_t *group) {
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  NEED(H5Pset_fapl_core(access, 1 << 16, 0) >= 0);
  hid_t file = H5Fcreate("bomb", H5F_ACC_TRUNC, H5P_DEFAULT, access);
  NEED(file >= 0);
  H5Pclose(access);
  put_text(file, "keras_version", "2.4.0");
  put_texts(file, "model_config", 1, &config);
  hid_t weights = H5Gcreate2(file, "model_weights", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  *group = H5Gcreate2(weights, "d", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  put_texts(weights, "layer_names", 1, (const char *[]){"d"});
  put_texts(*group, "weight_names", 1, (const char *[]){"kernel"});
  H5Gclose(weights);
  return file;
}

static void put_data(hid_t at, const char *name, int rank, const hsize_t *dim, hid_t type,
                     hid_t create) {
  hid_t space = H5Screate_simple(rank, dim, NULL),
        id = H5Dcreate2(at, name, type, space, H5P_DEFAULT, create, H5P_DEFAULT);
  NEED(id >= 0);
  H5Dclose(id);
  H5Sclose(space);
}

typedef enum Kernel {
  UNWRITTEN,
  PACKED,
  SOFT,
  OUTSIDE_LINK,
  OUTSIDE_DATA,
  VIRTUAL,
  WORDS,
  AXES,
  GROUP,
  CHUNK
} Kernel;

static void put_packed(hid_t at, const char *name, hsize_t n) {
  hsize_t dim[2] = {n, n}, chunk[2] = {n, n};
  hid_t create = H5Pcreate(H5P_DATASET_CREATE);
  NEED(H5Pset_chunk(create, 2, chunk) >= 0 && H5Pset_deflate(create, 9) >= 0);
  hid_t space = H5Screate_simple(2, dim, NULL),
        id = H5Dcreate2(at, name, H5T_NATIVE_FLOAT, space, H5P_DEFAULT, create, H5P_DEFAULT);
  float *zeros = calloc(n * n, sizeof *zeros);
  NEED(id >= 0 && zeros &&
       H5Dwrite(id, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, zeros) >= 0);
  free(zeros);
  H5Dclose(id);
  H5Sclose(space);
  H5Pclose(create);
}

static void put_kernel(hid_t file, hid_t group, Kernel kind) {
  hsize_t dim[9] = {3000, 3000, 1, 1, 1, 1, 1, 1, 1};
  hid_t create = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(2, dim, NULL);
  switch (kind) {
  case UNWRITTEN: put_data(group, "kernel", 2, dim, H5T_NATIVE_FLOAT, create); break;
  case PACKED: put_packed(group, "kernel", 3000); break;
  case SOFT:
    put_packed(file, "there", 3000);
    NEED(H5Lcreate_soft("/there", group, "kernel", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    break;
  case OUTSIDE_LINK:
    NEED(H5Lcreate_external("/etc/passwd", "/", group, "kernel", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    break;
  case OUTSIDE_DATA:
    NEED(H5Pset_external(create, "/etc/passwd", 0, 36000000) >= 0);
    put_data(group, "kernel", 2, dim, H5T_NATIVE_FLOAT, create);
    break;
  case VIRTUAL:
    NEED(H5Pset_virtual(create, space, "/etc/passwd", "/kernel", space) >= 0);
    put_data(group, "kernel", 2, dim, H5T_NATIVE_FLOAT, create);
    break;
  case WORDS: put_data(group, "kernel", 2, dim, H5T_C_S1, create); break;
  case AXES: put_data(group, "kernel", 9, dim, H5T_NATIVE_FLOAT, create); break;
  case GROUP:
    NEED(H5Lcreate_hard(file, "/", group, "kernel", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    break;
  case CHUNK:
    NEED(H5Pset_chunk(create, 2, dim) >= 0);
    put_data(group, "kernel", 2, dim, H5T_NATIVE_FLOAT, create);
    break;
  }
  H5Sclose(space);
  H5Pclose(create);
}

static Bytes dense_file(Kernel kind) {
  char config[sizeof dense_config + 32];
  snprintf(config, sizeof config, dense_config, 3000, 3000);
  hid_t group, file = keras_file(config, &group);
  put_kernel(file, group, kind);
  H5Gclose(group);
  return image_of(file);
}

/* n layers of 1500 x 1500, all of them the same packed array, which is small enough for the
 * file. */
static Bytes many_file(Arena *arena, int n) {
  Text config = text_begin(
      arena, "{\"class_name\": \"Sequential\", \"config\": {\"name\": \"s\", \"layers\": [");
  for (int i = 0; i < n; i++)
    text_printf(&config,
                "%s{\"class_name\": \"Dense\", \"config\": {\"name\": \"d%d\", \"units\": 1500, "
                "\"use_bias\": false, \"batch_input_shape\": "
                "[null, 1500], \"weights\": \"%0512d\"}}",
                i ? ", " : "", i, i);
  text_add(&config, "]}}");
  hid_t group, file = keras_file(text_str(&config), &group);
  put_packed(group, "kernel", 1500);
  for (int i = 0; i < n; i++)
    NEED(H5Lcreate_hard(group, ".", file, arena_printf(arena, "/model_weights/d%d", i), H5P_DEFAULT,
                        H5P_DEFAULT) >= 0);
  H5Gclose(group);
  return image_of(file);
}

/* A configuration beside no weights. */
static Bytes config_file(const char *config) {
  hid_t group, file = keras_file(config, &group);
  H5Gclose(group);
  return image_of(file);
}

/* A path of weights that goes through the file in a circle. */
static Bytes circle_file(Arena *arena) {
  char config[sizeof dense_config + 32];
  snprintf(config, sizeof config, dense_config, 2, 2);
  hid_t group, file = keras_file(config, &group);
  Text path = text_new(arena);
  for (int i = 0; i < 20000; i++)
    text_add(&path, "me/");
  text_add(&path, "kernel");
  const char *name = text_str(&path);
  NEED(H5Adelete(group, "weight_names") >= 0 &&
       H5Lcreate_hard(group, ".", group, "me", H5P_DEFAULT, H5P_DEFAULT) >= 0);
  put_texts(group, "weight_names", 1, &name);
  H5Gclose(group);
  return image_of(file);
}

/* ---- zip archives ---- */

static void zip_put(zip_t *zip, const char *name, const void *data, size_t len) {
  zip_source_t *source = zip_source_buffer(zip, data, len, 0);
  NEED(source && zip_file_add(zip, name, source, ZIP_FL_OVERWRITE) >= 0);
}

static Bytes zip_file_of(const char *name, const void *data, size_t len, bool keras) {
  zip_error_t error;
  zip_source_t *room = zip_source_buffer_create(NULL, 0, 0, &error);
  zip_t *zip = room ? zip_open_from_source(room, ZIP_TRUNCATE, &error) : NULL;
  NEED(zip);
  zip_source_keep(room);
  zip_put(zip, name, data, len);
  if (keras) {
    zip_put(zip, "metadata.json", "{}", 2);
    zip_put(zip, "model.weights.h5", "none", 4);
  }
  NEED(zip_close(zip) == 0 && zip_source_open(room) == 0 &&
       zip_source_seek(room, 0, SEEK_END) == 0);
  Bytes out = {NULL, (size_t)zip_source_tell(room)};
  out.data = malloc(out.len);
  NEED(out.data && zip_source_seek(room, 0, SEEK_SET) == 0 &&
       zip_source_read(room, out.data, out.len) == (zip_int64_t)out.len);
  zip_source_close(room);
  zip_source_free(room);
  return out;
}

static Bytes zip_bomb(const char *name, bool keras) {
  char *spaces = malloc(LARGE);
  NEED(spaces);
  memset(spaces, ' ', LARGE);
  Bytes out = zip_file_of(name, spaces, LARGE, keras);
  free(spaces);
  return out;
}

/* Says in both places that a member is shorter than it is. */
static Bytes zip_liar(void) {
  static char spaces[100000];
  memset(spaces, ' ', sizeof spaces);
  Bytes out = zip_file_of("config.json", spaces, sizeof spaces, true);
  const uint8_t size[4] = {sizeof spaces & 0xFF, sizeof spaces >> 8 & 0xFF,
                           sizeof spaces >> 16 & 0xFF, 0};
  for (size_t i = 0; i + 4 <= out.len; i++)
    if (memcmp(out.data + i, size, 4) == 0)
      memcpy(out.data + i, (const uint8_t[]){100, 0, 0, 0}, 4);
  return out;
}

/* ---- configurations ---- */

static const char *functional(Arena *arena, const char *layers, const char *out) {
  return arena_printf(arena,
                      "{\"class_name\": \"Model\", \"config\": {\"name\": \"m\", \"layers\": "
                      "[{\"class_name\": \"InputLayer\", \"name\": \"x\", "
                      "\"config\": {\"name\": \"x\", \"batch_input_shape\": [null, 4]}, "
                      "\"inbound_nodes\": []}, %s], \"input_layers\": [[\"x\", 0, 0]], "
                      "\"output_layers\": [[\"%s\", 0, 0]]}}",
                      layers, out);
}

/* Models in models, each of which calls the next `calls` times. */
static const char *matryoshka(Arena *arena, int depth, int calls) {
  const char *inner = "{\"class_name\": \"Activation\", \"name\": \"n\", \"config\": {\"name\": "
                      "\"n\", \"activation\": \"relu\"}, \"inbound_nodes\": ";
  for (int i = 0; i < depth; i++) {
    Text text = text_begin(arena, inner);
    text_add(&text, "[[[\"x\", 0, 0, {}]]");
    for (int k = 1; k < calls; k++)
      text_printf(&text, ", [[\"n\", %d, 0, {}]]", k - 1);
    text_add(&text, "]}");
    const char *body = functional(arena, text_str(&text), "n");
    inner = arena_printf(arena,
                         "{\"class_name\": \"Model\", \"name\": \"n\", %.*s, \"inbound_nodes\": ",
                         (int)strlen(body) - 1 - (int)strlen("{\"class_name\": \"Model\", "),
                         body + strlen("{\"class_name\": \"Model\", "));
  }
  return functional(arena, arena_printf(arena, "%s[[[\"x\", 0, 0, {}]]]}", inner), "n");
}

static const char *chain_of(Arena *arena, const char *layers) {
  return arena_printf(
      arena, "{\"class_name\": \"Sequential\", \"config\": {\"name\": \"s\", \"layers\": [%s]}}",
      layers);
}

/* ---- the cases ---- */

static void check(Bytes file, const char *name, DiagCode code, const char *needed) {
  jmp_buf oom;
  Arena *volatile arena = NULL;
  cases++;
  if (setjmp(oom)) {
    printf("%s: takes too much memory\n", name);
    failures++;
  } else {
    arena = arena_new(&oom);
    NEED(arena);
    Sources sources = {.arena = arena};
    Diags *diags = diags_new(arena, &sources);
    ForeignFile foreign = {.arena = arena, .path = name, .data = {file.data, file.len}};
    ImportOptions options = {0};
    bool taken = foreign_import(&foreign, &options, diags) != NULL;
    const Diag *first = diags->first;
    Text said = text_begin(arena, first ? first->message : "nothing");
    for (size_t i = 0; first && i < first->n_notes; i++)
      text_printf(&said, "; %s", first->notes[i]);
    bool right = !taken && first && first->code == code && strstr(text_str(&said), needed);
    printf("%-22s %8zu bytes: %s\n", name, file.len,
           taken ? "is taken for a model" : text_str(&said));
    if (!right) printf("  expected %s, `%s`\n", diag_info[code].code, needed);
    failures += !right;
  }
  arena_free(arena);
  free(file.data);
}

/* slow: a sanitizer makes the walk in a circle take about as long as the reading process may. */
static void hdf5_cases(Arena *arena, bool slow) {
  check(dense_file(UNWRITTEN), "unwritten.h5", E901, "larger than the file can hold");
  check(dense_file(CHUNK), "unwritten_chunk.h5", E901, "larger than the file can hold");
  check(dense_file(PACKED), "packed.h5", E901, "larger than the file can hold");
  check(dense_file(SOFT), "soft_link.h5", E901, "is not in the file");
  check(dense_file(OUTSIDE_LINK), "outside_link.h5", E901, "is not in the file");
  check(dense_file(OUTSIDE_DATA), "outside_data.h5", E901, "its data is in another file");
  check(dense_file(VIRTUAL), "virtual.h5", E901, "its data is in another file");
  check(dense_file(WORDS), "words.h5", E901, "does not hold numbers");
  check(dense_file(AXES), "axes.h5", E901, "more than 8 axes");
  check(dense_file(GROUP), "group.h5", E901, "not an array");
  check(many_file(arena, 400), "many.h5", E901, "too large for a file of its size");
  check(circle_file(arena), "circle.h5", E901, slow ? "" : "not in the file");
}

static void zip_cases(void) {
  check(zip_bomb("config.json", true), "config.keras", E901, "decompresses to");
  check(zip_bomb("model.weights.h5 config.json", false), "member.keras", E901, "no `config.json`");
  check(zip_bomb("a.npy", false), "zeros.npz", E901, "decompresses to");
  check(zip_liar(), "liar.keras", E901, "damaged");
}

static void config_cases(Arena *arena) {
  const char *relu = "{\"class_name\": \"Activation\", \"name\": \"%s\", \"config\": {\"name\": "
                     "\"%s\", \"activation\": \"relu\"}, "
                     "\"inbound_nodes\": [[[\"%s\", 0, 0, {}]]]}";
  const char *one = arena_printf(arena, relu, "a", "a", "b"),
             *two = arena_printf(arena, relu, "b", "b", "a");
  check(config_file(functional(arena, arena_printf(arena, "%s, %s", one, two), "a")), "circle",
        E901, "a layer that does not exist, or itself");
  check(config_file(functional(arena, arena_printf(arena, relu, "a", "a", "a"), "a")), "itself",
        E901, "a layer that does not exist, or itself");
  check(config_file(matryoshka(arena, 40, 1)), "matryoshka", E903, "too deep");
  check(config_file(matryoshka(arena, 7, 16)), "calls", E903, "layers");
  const char *first = "\"batch_input_shape\": [null, 2000000000, 2000000000, 2000000000]";
  check(config_file(chain_of(
            arena,
            arena_printf(arena, "{\"class_name\": \"Flatten\", \"config\": {\"name\": \"f\", %s}}",
                         first))),
        "huge_flatten", E903, "has a result that is too large");
  check(config_file(chain_of(arena, "{\"class_name\": \"LSTM\", \"config\": {\"name\": \"l\", "
                                    "\"units\": 2147483647, \"recurrent_activation\": \"sigmoid\", "
                                    "\"batch_input_shape\": [null, 5, 2147483647]}}")),
        "huge_lstm", E603, "is too large");
  check(config_file(chain_of(
            arena,
            "{\"class_name\": \"RepeatVector\", \"config\": {\"name\": \"r\", \"n\": 2147483647, "
            "\"batch_input_shape\": "
            "[null, 2147483647]}}, {\"class_name\": \"Flatten\", \"config\": {\"name\": \"f\"}}")),
        "huge_repeat", E902, "is too large");
  check(config_file(chain_of(arena, "{\"class_name\": \"BatchNormalization\", \"config\": "
                                    "{\"name\": \"b\", \"scale\": false, "
                                    "\"batch_input_shape\": [null, 2147483647]}}")),
        "huge_norm", E901, "an axis of 2147483647 elements");
  Text deep = text_new(arena);
  text_fill(&deep, '[', 100000);
  check(config_file(text_str(&deep)), "deep", E901, "is not JSON");
}

static Bytes file_in(Arena *arena, const char *folder, const char *name) {
  enum { MOST = 1 << 16 };
  int fd = open(arena_printf(arena, "%s/%s", folder, name), O_RDONLY);
  Bytes out = {malloc(MOST), 0};
  ssize_t n = fd >= 0 && out.data ? read(fd, out.data, MOST) : -1;
  NEED(n > 0 && close(fd) == 0);
  out.len = (size_t)n;
  return out;
}

static void claim_cases(Arena *arena, const char *folder) {
  static const char *const claim[][2] = {{"state.tflite", "keeps a state that is too large"},
                                         {"strides.pt2", "does not fit the 12 elements"},
                                         {"repeated.pb", "repeats a number too often"}};
  for (size_t i = 0; i < sizeof claim / sizeof *claim; i++)
    check(file_in(arena, folder, claim[i][0]), claim[i][0], E901, claim[i][1]);
}

static void limit_memory(void) {
  struct rlimit memory = {MEMORY, MEMORY}, seconds = {SECONDS, SECONDS};
  char text[64] = "";
  unsigned long pages = 0;
  int statm = open("/proc/self/statm", O_RDONLY);
  if (statm >= 0 && read(statm, text, sizeof text - 1) > 0) pages = strtoul(text, NULL, 10);
  if (statm >= 0) close(statm);
  memory.rlim_cur = memory.rlim_max = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + MEMORY;
  setrlimit(RLIMIT_AS, &memory);
  setrlimit(RLIMIT_CPU, &seconds);
}

int main(int argc, char **argv) {
  jmp_buf oom;
  if (argc != 3 || setjmp(oom)) return 2;
  Arena *arena = arena_new(&oom);
  NEED(arena && H5open() >= 0 && H5Eset_auto2(H5E_DEFAULT, NULL, NULL) >= 0);
  bool limited = atoi(argv[1]) != 0;
  if (limited) limit_memory();
  hdf5_cases(arena, !limited);
  zip_cases();
  config_cases(arena);
  claim_cases(arena, argv[2]);
  arena_free(arena);
  printf("%d files, %d failures\n", cases, failures);
  return failures != 0;
}
