/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* .npz: a zip archive of .npy files. A stored member is used where it lies in the mapping; a
 * compressed one is inflated into the arena, up to a bound. */
#include "import/import.h"

#include <stdio.h>
#include <string.h>
#include <zip.h>

/* No archive may inflate to more than this many times its size, beyond a free allowance. */
enum { BOMB_RATIO = 200, BOMB_FREE = 16 * 1024 * 1024, MAX_MEMBERS = 65536 };

static void discard(void *arg) {
  zip_t *zip = *(zip_t **)arg;
  if (zip) zip_discard(zip);
}

/* The archive, closed with the arena: what closes it is there before it is. */
static zip_t *archive_open(Arena *arena, Mapped map, const char **reason) {
  zip_t **zip = ARENA_NEW(arena, zip_t *);
  arena_defer(arena, discard, zip);
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t *source = zip_source_buffer_create(map.data, map.len, 0, &error);
  *zip = source ? zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error) : NULL;
  if (source && !*zip) zip_source_free(source);
  char why[128];
  snprintf(why, sizeof why, "%s", *zip ? "" : zip_error_strerror(&error));
  bool no_memory = zip_error_code_zip(&error) == ZIP_ER_MEMORY;
  zip_error_fini(&error);
  if (!*zip && no_memory) arena_out_of_memory(arena);
  if (!*zip) *reason = arena_printf(arena, "it is a damaged zip archive: %s", why);
  return *zip;
}

static bool read_member(Arena *arena, zip_t *zip, zip_uint64_t index, uint64_t *budget, Mapped *out,
                        const char **name, const char **reason) {
  zip_stat_t st;
  *reason = "a member of the archive cannot be read";
  if (zip_stat_index(zip, index, 0, &st) != 0 || !(st.valid & ZIP_STAT_SIZE) || !st.name) return false;
  *name = arena_strdup(arena, st.name);
  if (st.size > *budget) {
    *reason = arena_printf(arena, "`%s` inflates to %llu bytes, too many for an archive of this size", *name,
                           (unsigned long long)st.size);
    return false;
  }
  *budget -= st.size;
  uint8_t *data = arena_alloc(arena, (size_t)st.size + 1);
  zip_file_t *f = zip_fopen_index(zip, index, 0);
  zip_int64_t got = f ? zip_fread(f, data, st.size) : -1;
  uint8_t more;
  bool whole = got >= 0 && (zip_uint64_t)got == st.size && zip_fread(f, &more, 1) == 0;
  if (f && zip_fclose(f) != 0) whole = false; /* a wrong checksum shows here */
  *out = (Mapped){data, (size_t)st.size};
  *reason = arena_printf(arena, "`%s` is damaged", *name);
  return whole;
}

TensorFile *npz_parse(Arena *arena, Mapped map, const char **reason) {
  zip_t *zip = archive_open(arena, map, reason);
  if (!zip) return NULL;
  zip_int64_t n = zip_get_num_entries(zip, 0);
  uint64_t budget = (uint64_t)map.len * BOMB_RATIO + BOMB_FREE;
  *reason = "it has too many members";
  if (n > MAX_MEMBERS) return NULL;
  TensorFile *file = ARENA_NEW(arena, TensorFile);
  file->tensor = ARENA_ARRAY(arena, Tensor, n + 1);
  for (zip_int64_t i = 0; i < n; i++) {
    Mapped member;
    const char *name = NULL, *why = NULL;
    if (!read_member(arena, zip, (zip_uint64_t)i, &budget, &member, &name, reason)) return NULL;
    size_t len = strlen(name);
    if (len < 5 || strcmp(name + len - 4, ".npy") != 0) continue; /* not an array: another tool's note */
    Tensor *t = &file->tensor[file->n++];
    t->name = arena_strndup(arena, name, len - 4);
    if (!npy_parse(arena, member, t, &why)) {
      *reason = arena_printf(arena, "`%s`: %s", name, why);
      return NULL;
    }
  }
  *reason = "it holds no arrays";
  return file->n && tensor_file_sort(arena, file, reason) ? file : NULL;
}
