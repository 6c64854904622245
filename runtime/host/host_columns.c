/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tables with columns that are not for the model. --id names the column whose text tells samples
 * apart, and --skip names columns to leave out. In: the row of names, and every row as text. Out:
 * rows without these columns, and in row_steps how many rows each sample has. */
#include "host_posix.h"

#include "host_source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMN_KEPT, COLUMN_SKIPPED, COLUMN_ID };

/* Whether a name is in a list that is separated by commas. */
static bool columns_has(const char *names, const char *name, size_t length) {
  while (names && *names) {
    size_t n = strcspn(names, ",");
    if (n == length && memcmp(names, name, n) == 0) return true;
    names += n + (names[n] == ',');
  }
  return false;
}

bool host_columns_wanted(const HostSource *source) {
  return source->id_name || source->skip_names;
}

int host_columns_open(HostSource *source, const HostField *names, size_t count) {
  size_t ids = 0, kept = 0;
  HostText all = {{0}, 0};
  source->column_use = calloc(count + 1, 1);
  if (!source->column_use) return host_source_fail(source, GRUS_EXIT_FILE, "not enough memory");
  source->column_count = count;
  for (size_t i = 0; i < count; i++) {
    const char *name = source->text + names[i].at;
    bool is_id = source->id_name && strlen(source->id_name) == names[i].length &&
                 memcmp(name, source->id_name, names[i].length) == 0;
    bool numbers_rows = i == 0 && names[i].length == 0; /* the index of pandas */
    bool skipped =
        !is_id && (numbers_rows || columns_has(source->skip_names, name, names[i].length));
    source->column_use[i] = is_id ? COLUMN_ID : skipped ? COLUMN_SKIPPED : COLUMN_KEPT;
    ids += is_id;
    kept += !is_id && !skipped;
    host_text_add(&all, "%s%.*s", i ? " " : "", (int)names[i].length, name);
  }
  bool id_fits = ids == 1 || (ids == 0 && !(source->id_name && host_port_has_time(source->port)));
  if (id_fits && kept) return GRUS_EXIT_OK;
  if (id_fits)
    host_source_fail(source, GRUS_EXIT_USAGE, "no column is left for the model");
  else
    host_source_fail(source, GRUS_EXIT_USAGE, "%zu columns are named `%s`, which --id asks for",
                     ids, source->id_name);
  host_detail(source->log, "found", "%s", all.s);
  return source->status;
}

/* FNV-1a of an id, never 0. */
static uint64_t columns_hash(const char *text, size_t n) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < n; i++)
    hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
  return hash ? hash : 1;
}

/* Adds a hash to the table; false if it is there already. */
static bool columns_insert(uint64_t *table, size_t room, uint64_t hash) {
  size_t at = (size_t)hash & (room - 1);
  while (table[at] && table[at] != hash)
    at = (at + 1) & (room - 1);
  if (table[at]) return false;
  table[at] = hash;
  return true;
}

/* Doubles the table of ids and the memory of row_steps; false after reporting. */
static bool columns_grow(HostSource *source) {
  size_t room = source->ids_room ? 2 * source->ids_room : 256;
  uint64_t *table = calloc(room, sizeof *table);
  size_t *steps = realloc(source->row_steps, room * sizeof *steps);
  if (steps) source->row_steps = steps;
  if (!table || !steps) {
    free(table);
    host_source_fail(source, GRUS_EXIT_FILE, "not enough memory for so many samples");
    return false;
  }
  for (size_t i = 0; i < source->ids_room; i++)
    if (source->ids[i]) columns_insert(table, room, source->ids[i]);
  free(source->ids);
  source->ids = table;
  source->ids_room = room;
  return true;
}

/* Counts a row of the sample `id`: one more of the current sample, or the first of a new one. False
 * after reporting a sample whose rows are not together. */
static bool columns_count(HostSource *source, const char *id, size_t length) {
  uint64_t hash = columns_hash(id, length);
  if (!source->rows || hash != source->id_now) {
    if (2 * source->rows >= source->ids_room && !columns_grow(source)) return false;
    if (!columns_insert(source->ids, source->ids_room, hash)) {
      host_source_fail(source, GRUS_EXIT_DATA,
                       "line %" PRIu64 ": the rows of `%.*s` do not stand together", source->line,
                       (int)length, id);
      host_detail(source->log, "try", "sort the table by %s", source->id_name);
      return false;
    }
    source->id_now = hash;
    source->row_steps[source->rows++] = 0;
  }
  source->row_steps[source->rows - 1]++;
  return true;
}

bool host_columns_row(HostSource *source, const HostField *fields, size_t count) {
  size_t to = 0;
  bool is_first = true;
  if (count != source->column_count) {
    host_source_fail(source, GRUS_EXIT_DATA,
                     "line %" PRIu64 ": %zu column%s, the names above are %zu", source->line, count,
                     count == 1 ? "" : "s", source->column_count);
    return false;
  }
  for (size_t i = 0; i < count; i++) {
    if (source->column_use[i] == COLUMN_ID &&
        !columns_count(source, source->text + fields[i].at, fields[i].length))
      return false;
    if (source->column_use[i] != COLUMN_KEPT) continue;
    if (!is_first) source->text[to++] = source->separator;
    is_first = false;
    memmove(source->text + to, source->text + fields[i].at, fields[i].length);
    to += fields[i].length;
  }
  source->text[to] = 0;
  source->text_length = to;
  source->text_at = 0;
  source->text_has = true;
  return true;
}
