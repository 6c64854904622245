/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Archives: a member is changed, renamed, left out or doubled, and all are packed again, so that
 * the checksums are right. `code`, if there is one, changes the members that end in .py. */
#include "mutators.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <zip.h>

enum { MOST_MEMBERS = 64, LONGEST_NAME = 200 };

typedef struct Member {
  char name[LONGEST_NAME + 64];
  uint8_t *bytes;
  size_t n;
} Member;

static int open_archive(const uint8_t *data, size_t size, zip_t **zip) {
  zip_error_t error;
  zip_source_t *source = zip_source_buffer_create(data, size, 0, &error);
  *zip = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
  if (source && !*zip) zip_source_free(source);
  return *zip != NULL;
}

static size_t read_members(zip_t *zip, Member *member) {
  size_t n = 0;
  zip_int64_t entries = zip_get_num_entries(zip, 0);
  for (zip_int64_t i = 0; i < entries && n < MOST_MEMBERS; i++) {
    zip_stat_t stat;
    if (zip_stat_index(zip, (zip_uint64_t)i, 0, &stat) || stat.size > MUTATOR_ROOM / 2) continue;
    zip_file_t *file = zip_fopen_index(zip, (zip_uint64_t)i, 0);
    member[n].bytes = malloc(MUTATOR_ROOM);
    zip_int64_t got = file && member[n].bytes ? zip_fread(file, member[n].bytes, stat.size) : -1;
    if (file) zip_fclose(file);
    if (got < 0) {
      free(member[n].bytes);
      continue;
    }
    snprintf(member[n].name, LONGEST_NAME, "%s", stat.name);
    member[n++].n = (size_t)got;
  }
  return n;
}

/* The members as an archive in `out`; 0 if there is no room. */
static size_t pack(const Member *member, size_t n, uint8_t *out, size_t room) {
  zip_error_t error;
  zip_source_t *target = zip_source_buffer_create(NULL, 0, 0, &error);
  zip_t *zip = target ? zip_open_from_source(target, ZIP_TRUNCATE, &error) : NULL;
  size_t size = 0;
  if (!zip) {
    if (target) zip_source_free(target);
    return 0;
  }
  zip_source_keep(target);
  for (size_t i = 0; i < n; i++) {
    zip_source_t *content = zip_source_buffer(zip, member[i].bytes, member[i].n, 0);
    zip_int64_t at = content ? zip_file_add(zip, member[i].name, content, ZIP_FL_OVERWRITE) : -1;
    if (at < 0)
      zip_source_free(content);
    else
      zip_set_file_compression(zip, (zip_uint64_t)at, ZIP_CM_STORE, 0);
  }
  if (zip_close(zip))
    zip_discard(zip);
  else if (zip_source_open(target) == 0) {
    zip_int64_t got = zip_source_read(target, out, room);
    uint8_t more;
    size = got > 0 && zip_source_read(target, &more, 1) == 0 ? (size_t)got : 0;
    zip_source_close(target);
  }
  zip_source_free(target);
  return size;
}

static bool is_code(const char *name) {
  size_t n = strlen(name);
  return n > 3 && strcmp(name + n - 3, ".py") == 0;
}

static size_t change(Member *member, size_t n, MutateCode *code, uint64_t *state) {
  size_t i = mutator_below(state, n);
  Member *m = &member[i];
  switch (mutator_below(state, 12)) {
  case 0: m->n = 0; return n;
  case 1: memmove(m->name, member[mutator_below(state, n)].name, sizeof m->name); return n;
  case 2:
    snprintf(m->name + strlen(m->name), 8, "%c", (char)('a' + mutator_below(state, 26)));
    return n;
  case 3: {
    Member last = member[n - 1];
    member[n - 1] = *m;
    *m = last;
    free(member[n - 1].bytes);
    return n - 1;
  }
  default: {
    size_t most = m->n + 256 < MUTATOR_ROOM ? m->n + 256 : MUTATOR_ROOM;
    m->n = code && is_code(m->name) ? code(m->bytes, m->n, most, state)
                                    : LLVMFuzzerMutate(m->bytes, m->n, most);
    return n;
  }
  }
}

size_t mutator_archive(uint8_t *data, size_t size, size_t max_size, MutateCode *code,
                       unsigned seed) {
  static Member member[MOST_MEMBERS];
  static uint8_t room[MUTATOR_ROOM];
  uint64_t state = seed;
  zip_t *zip;
  if (size < 4 || memcmp(data, "PK", 2) != 0 || mutator_below(&state, 3) == 0 ||
      !open_archive(data, size, &zip))
    return LLVMFuzzerMutate(data, size, max_size);
  size_t n = read_members(zip, member), packed = 0;
  zip_discard(zip);
  if (n) n = change(member, n, code, &state);
  if (n) packed = pack(member, n, room, max_size < sizeof room ? max_size : sizeof room);
  for (size_t i = 0; i < n; i++)
    free(member[i].bytes);
  if (!packed) return LLVMFuzzerMutate(data, size, max_size);
  memcpy(data, room, packed);
  return packed;
}
