/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Zip archives with libzip; see archive.h. */
#include "import/tensors/archive.h"

#include <stdio.h>
#include <string.h>
#include <zip.h>

/* An archive may decompress to this many times its size, and BOMB_FREE bytes more. */
enum { BOMB_RATIO = 200, BOMB_FREE = 16 * 1024 * 1024, MAX_MEMBERS = 65536 };

struct Archive {
  Arena *arena;
  zip_t *zip;
  uint64_t budget; /* bytes that members may still decompress to */
  Mapped *read;    /* for each member its bytes; data is NULL until it is read */
};

bool archive_sniff(Mapped file) {
  return file.len >= 4 && memcmp(file.data, "PK\003\004", 4) == 0;
}

static uint32_t four_bytes(const uint8_t *p) {
  return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The list of the members of an archive, with their names. The whole file if its end, which says
 * where the list is, is not there: the archive is damaged or has more than 4 GB. */
static Mapped list_of(Mapped file) {
  enum { END = 22, MOST = 65535, LENGTH = 12, PLACE = 16 };
  for (size_t after = END; after <= file.len && after <= END + MOST; after++) {
    size_t at = file.len - after;
    const uint8_t *end = file.data + at;
    if (memcmp(end, "PK\005\006", 4) != 0) continue;
    size_t place = four_bytes(end + PLACE), length = four_bytes(end + LENGTH);
    if (place <= at && length <= at - place) return (Mapped){file.data + place, at - place};
  }
  return file;
}

bool archive_lists(Mapped file, const char *word) {
  return archive_sniff(file) && input_holds(list_of(file), word);
}

static void discard(void *arg) {
  Archive *archive = arg;
  if (archive->zip) zip_discard(archive->zip);
}

/* The arena knows how to close the archive before libzip opens it, so that no error leaves it open.
 */
Archive *archive_open(Arena *arena, Mapped map, const char **reason) {
  Archive *archive = ARENA_NEW(arena, Archive);
  archive->arena = arena;
  archive->budget = (uint64_t)map.len * BOMB_RATIO + BOMB_FREE;
  arena_defer(arena, discard, archive);
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t *source = zip_source_buffer_create(map.data, map.len, 0, &error);
  archive->zip = source ? zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error) : NULL;
  if (source && !archive->zip) zip_source_free(source);
  char why[128];
  snprintf(why, sizeof why, "%s", archive->zip ? "" : zip_error_strerror(&error));
  bool no_memory = zip_error_code_zip(&error) == ZIP_ER_MEMORY;
  zip_error_fini(&error);
  if (!archive->zip && no_memory) arena_out_of_memory(arena);
  *reason = archive->zip ? "it has too many members"
                         : arena_printf(arena, "it is a damaged zip archive: %s", why);
  if (!archive->zip || archive_count(archive) > MAX_MEMBERS) return NULL;
  archive->read = ARENA_ARRAY(arena, Mapped, archive_count(archive) + 1);
  return archive;
}

int64_t archive_count(const Archive *archive) {
  return zip_get_num_entries(archive->zip, 0);
}

const char *archive_name(const Archive *archive, int64_t index) {
  const char *name = zip_get_name(archive->zip, (zip_uint64_t)index, 0);
  return name ? arena_strdup(archive->arena, name) : "";
}

int64_t archive_find(const Archive *archive, const char *name) {
  return zip_name_locate(archive->zip, name, 0);
}

const char *archive_folder(const Archive *archive, const char *member) {
  const char *found = NULL;
  size_t m = strlen(member);
  for (int64_t i = 0, count = archive_count(archive); i < count; i++) {
    const char *name = zip_get_name(archive->zip, (zip_uint64_t)i, 0);
    size_t n = name ? strlen(name) : 0;
    if (n < m || strcmp(name + n - m, member) != 0 || (n > m && name[n - m - 1] != '/')) continue;
    if (!found || n - m < strlen(found)) found = arena_strndup(archive->arena, name, n - m);
  }
  return found;
}

bool archive_read(Archive *archive, int64_t index, Mapped *out, const char **reason) {
  zip_stat_t st;
  zip_uint64_t at = (zip_uint64_t)index;
  Arena *arena = archive->arena;
  *out = archive->read[index];
  if (out->data) return true;
  *reason = "a member of the archive cannot be read";
  if (zip_stat_index(archive->zip, at, 0, &st) != 0 || !(st.valid & ZIP_STAT_SIZE) || !st.name)
    return false;
  const char *name = arena_strdup(arena, st.name);
  if (st.size > archive->budget) {
    *reason =
        arena_printf(arena, "`%s` decompresses to %llu bytes, too many for an archive of this size",
                     name, (unsigned long long)st.size);
    return false;
  }
  archive->budget -= st.size;
  uint8_t *data = arena_alloc(arena, (size_t)st.size + 1);
  zip_file_t *f = zip_fopen_index(archive->zip, at, 0);
  zip_int64_t got = f ? zip_fread(f, data, st.size) : -1;
  uint8_t more;
  bool whole = got >= 0 && (zip_uint64_t)got == st.size && zip_fread(f, &more, 1) == 0;
  if (f && zip_fclose(f) != 0) whole = false; /* libzip reports a wrong checksum here */
  *reason = arena_printf(arena, "`%s` is damaged", name);
  if (whole) *out = archive->read[index] = (Mapped){data, (size_t)st.size};
  return whole;
}
