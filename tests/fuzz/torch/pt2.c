/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any text as the program of a .pt2 archive, whose weights are the same always; bytes that begin as
 * an archive do, as the archive itself. */
#include "../evaluate.h"

#include <stdlib.h>
#include <string.h>
#include <zip.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char config[] =
    "{\"config\": {\"w\": {\"path_name\": \"w\", \"tensor_meta\": {\"dtype\": 7, \"sizes\": "
    "[{\"as_int\": 12}, {\"as_int\": 4}], "
    "\"strides\": [{\"as_int\": 4}, {\"as_int\": 1}], \"storage_offset\": {\"as_int\": 0}}}}}";

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
  add(zip, "models/model.json", data, size);
  add(zip, "data/weights/model_weights_config.json", config, sizeof config - 1);
  add(zip, "data/weights/w", weights, sizeof weights);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  size_t len = 0;
  bool is_archive = size > 2 && memcmp(data, "PK", 2) == 0;
  uint8_t *made = is_archive ? NULL : archive_of(data, size, &len);
  fuzz_read(made ? made : data, made ? len : size, pt2_graph);
  free(made);
  return 0;
}
