/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* .keras: a zip archive with config.json, metadata.json (the version) and model.weights.h5, whose
 * groups are named by class and order. All three are read into memory. */
#include "import/read/keras/keras.h"

#include <string.h>
#include <zip.h>

/* No member may inflate to more than this many times the archive, beyond a free allowance. */
enum { BOMB_RATIO = 64, BOMB_FREE = 1024 * 1024 };

static bool contains(Mapped file, const char *text) {
  size_t n = strlen(text);
  for (size_t i = 0; i + n <= file.len; i++) {
    const uint8_t *p = memchr(file.data + i, text[0], file.len - i - n + 1);
    if (!p) return false;
    if (memcmp(p, text, n) == 0) return true;
    i = (size_t)(p - file.data);
  }
  return false;
}

bool keras_zip_sniff(const ForeignFile *file) {
  return file->data.len > 4 && memcmp(file->data.data, "PK\003\004", 4) == 0 &&
         contains(file->data, "config.json") && contains(file->data, "model.weights.h5");
}

static void discard(void *arg) {
  zip_discard(arg);
}

static zip_t *archive_open(const ForeignFile *file, const char **reason) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t *source = zip_source_buffer_create(file->data.data, file->data.len, 0, &error);
  zip_t *zip = source ? zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error) : NULL;
  if (!zip) {
    *reason =
        arena_printf(file->arena, "it is a damaged zip archive: %s", zip_error_strerror(&error));
    if (source) zip_source_free(source);
  }
  zip_error_fini(&error);
  return zip;
}

/* False after reporting. */
static bool member_read(const Keras *k, zip_t *zip, const char *name, Mapped *out) {
  zip_stat_t st;
  const ForeignFile *file = k->file;
  if (zip_stat(zip, name, 0, &st) != 0 || !(st.valid & ZIP_STAT_SIZE)) {
    foreign_report(k->diags, file, E901, "`%s` has no `%s` in it", file->path, name);
    return false;
  }
  if (st.size > (uint64_t)file->data.len * BOMB_RATIO + BOMB_FREE) {
    foreign_report(k->diags, file, E901,
                   "`%s` of `%s` decompresses to %llu bytes, too many for an archive of this size",
                   name, file->path, (unsigned long long)st.size);
    return false;
  }
  uint8_t *data = arena_alloc(k->arena, (size_t)st.size + 1), more;
  zip_file_t *f = zip_fopen(zip, name, 0);
  zip_int64_t got = f ? zip_fread(f, data, st.size) : -1;
  bool whole = got >= 0 && (zip_uint64_t)got == st.size && zip_fread(f, &more, 1) == 0;
  if (f && zip_fclose(f) != 0) whole = false; /* this reports a wrong checksum */
  *out = (Mapped){data, (size_t)st.size};
  if (!whole) foreign_report(k->diags, file, E901, "`%s` of `%s` is damaged", name, file->path);
  return whole;
}

static Graph *read_opened(Keras *k) {
  if (keras_find_root(k)) return keras_walk(k, k->text, k->version, ".keras");
  foreign_report(k->diags, k->file, E901, "model.weights.h5 of `%s` has no group `layers`",
                 k->file->path);
  return NULL;
}

Graph *keras_zip_graph(Keras *k) {
  const ForeignFile *file = k->file;
  Diags *diags = k->diags;
  const char *reason;
  k->by_class = true;
  Mapped text, meta, weights;
  zip_t *zip = archive_open(file, &reason);
  if (!zip) {
    foreign_report(diags, file, E901, "cannot read `%s`: %s", file->path, reason);
    return NULL;
  }
  arena_defer(file->arena, discard, zip);
  if (!member_read(k, zip, "config.json", &text) || !member_read(k, zip, "metadata.json", &meta) ||
      !member_read(k, zip, "model.weights.h5", &weights))
    return NULL;
  k->text = keras_json(k, "config.json", (const char *)text.data, text.len);
  json_t *metadata =
      k->text ? keras_json(k, "metadata.json", (const char *)meta.data, meta.len) : NULL;
  if (!metadata) return NULL;
  k->version = json_string_value(json_object_get(metadata, "keras_version"));
  if (k->version) return keras_with_weights(k, weights, read_opened);
  foreign_report(diags, file, E901, "cannot read `%s`: metadata.json has no keras_version",
                 file->path);
  return NULL;
}
