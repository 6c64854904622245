/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any text as the code of a TorchScript archive, whose module is the same always; bytes that begin
 * as an archive do, as the archive itself. With SCRIPT_IMPORT the whole import runs: a model that
 * does not agree with the code is a crash. */
#include "../evaluate.h"
#include "../import.h"

#include <stdlib.h>
#include <string.h>
#include <zip.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A module `M` with the tensors weight [12, 4] and bias [12], numbers, and a module of the class
 * `C` in it. */
static const char object[] =
    "\x80\x02"
    "c__torch__\nM\n)\x81}("
    "X\x06\0\0\0weightctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n"
    "X\x01\0\0\0"
    "0X\x03\0\0\0cpuK\x30tQK\0K\x0cK\x04\x86K\x04K\x01\x86\x89"
    "ccollections\nOrderedDict"
    "\n)RtR"
    "X\x04\0\0\0biasctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n"
    "X\x01\0\0\0"
    "0X\x03\0\0\0cpuK\x30tQK\0K\x0c\x85K\x01\x85\x89"
    "ccollections\nOrderedDict\n)RtR"
    "X\x04\0\0\0gainG?\xe0\0\0\0\0\0\0X\x01\0\0\0nK\x03X\x05\0\0\0childc__torch__\nC\n)\x81}"
    "X\x01\0\0\0nK"
    "\x02"
    "sbub.";

static void add(zip_t *zip, const char *name, const void *data, size_t size) {
  zip_source_t *source = zip_source_buffer(zip, data, size, 0);
  zip_int64_t at = source ? zip_file_add(zip, name, source, ZIP_FL_OVERWRITE) : -1;
  if (at >= 0) zip_set_file_compression(zip, (zip_uint64_t)at, ZIP_CM_STORE, 0);
}

/* The archive in memory; NULL where libzip cannot make it. */
static uint8_t *archive_of(const uint8_t *data, size_t size, size_t *len) {
  static const float weights[48] = {0.5f, -0.25f, 1.0f};
  zip_error_t error;
  zip_stat_t st;
  zip_source_t *to = zip_source_buffer_create(NULL, 0, 0, &error);
  if (!to) return NULL;
  zip_source_keep(to);
  zip_t *zip = zip_open_from_source(to, ZIP_CREATE | ZIP_TRUNCATE, &error);
  if (!zip) return NULL;
  add(zip, "m/code/__torch__.py", data, size);
  add(zip, "m/data.pkl", object, sizeof object - 1);
  add(zip, "m/constants.pkl", "\x80\x02).", 4);
  add(zip, "m/data/0", weights, sizeof weights);
  uint8_t *out = NULL;
  if (zip_close(zip) == 0 && zip_source_open(to) == 0) {
    if (zip_source_stat(to, &st) == 0) {
      out = malloc(st.size + 1);
      *len = (size_t)st.size;
      if (out && zip_source_read(to, out, st.size) != (zip_int64_t)st.size) *len = 0;
    }
    zip_source_close(to);
  }
  zip_source_free(to);
  return out;
}

/* The sizes of the inputs of a text, so that the reader tries fewer of those of the weights. */
static const char *const set[] = {"x.0=2", "x.1=4", "hc_0.0=2", "hc_0.1=3", "hc_1.0=2", "hc_1.1=3"};

static int n_sets;

#ifdef SCRIPT_IMPORT
static void import(Arena *arena, const uint8_t *data, size_t size) {
  Sources sources = {.arena = arena};
  Diags *diags = diags_new(arena, &sources);
  ForeignFile file = {.arena = arena, .path = "fuzz", .data = {data, size}};
  ImportOptions options = {.set = set, .n_sets = n_sets};
  Foreign *foreign = foreign_import(&file, &options, diags);
  if (fuzz_is_wrong(diags) || (!foreign && !diags->n_errors)) __builtin_trap();
  fuzz_print(arena, foreign);
}

static void read_archive(const uint8_t *data, size_t size) {
  fuzz_in_arena(import, data, size);
}
#else
static void read_archive(const uint8_t *data, size_t size) {
  const ImportOptions options = {.set = set, .n_sets = n_sets};
  fuzz_read_at("fuzz", data, size, &options, script_graph);
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  size_t len = 0;
  bool is_archive = size > 2 && memcmp(data, "PK", 2) == 0;
  uint8_t *made = is_archive ? NULL : archive_of(data, size, &len);
  n_sets = is_archive ? 0 : (int)(sizeof set / sizeof *set);
  read_archive(made ? made : data, made ? len : size);
  free(made);
  return 0;
}
