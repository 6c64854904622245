/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads .csv: rows of numbers with commas, semicolons, tabs or blanks between them, whichever the
 * first row has. It skips a first line of names, empty lines, and lines that begin with #. Numbers
 * on the command line are one such row. */
#include "host_posix.h"

#include "host_signal.h"
#include "host_source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CSV_FIELD_MAX = 64 };

static bool csv_blank(char c) {
  return c == ' ' || c == '\t';
}

/* Reads the next line with fields; text_at is at the first. False at the end. */
static bool csv_row(HostSource *source) {
  while (host_source_line(source)) {
    while (source->text_at < source->text_length && csv_blank(source->text[source->text_at]))
      source->text_at++;
    if (source->text_at == source->text_length || source->text[source->text_at] == '#') continue;
    source->column = 0;
    source->text_has = true;
    return true;
  }
  return false;
}

static char csv_separator(const char *text) {
  static const char by_rank[] = ";\t,";
  for (const char *c = by_rank; *c; c++)
    if (strchr(text, *c)) return *c;
  return ' ';
}

/* Takes the next field of the line. *at is where it begins, without blanks and quotes; returns its
 * length. */
static size_t csv_field(HostSource *source, size_t *at) {
  const char *text = source->text;
  size_t from = source->text_at, to;
  while (from < source->text_length && text[from] == ' ')
    from++;
  if (source->separator == ' ')
    for (to = from; to < source->text_length && !csv_blank(text[to]);)
      to++;
  else
    for (to = from; to < source->text_length && text[to] != source->separator;)
      to++;
  source->text_has = to < source->text_length;
  source->text_at = to + 1;
  if (source->separator == ' ')
    while (source->text_at < source->text_length && csv_blank(text[source->text_at]))
      source->text_at++;
  while (to > from && csv_blank(text[to - 1]))
    to--;
  if (to - from >= 2 && text[from] == '"' && text[to - 1] == '"') from++, to--;
  *at = from;
  return to - from;
}

/* Reads a decimal number, nan or inf. False for anything else, also if strtod would take it. */
static bool csv_number(const char *text, size_t length, double *value) {
  char field[CSV_FIELD_MAX];
  if (length == 0 || length >= sizeof field) return false;
  memcpy(field, text, length);
  field[length] = 0;
  const char *first = field + (field[0] == '-' || field[0] == '+');
  bool word = *first == 'n' || *first == 'N' || *first == 'i' || *first == 'I';
  if (!word && strspn(field, "+-.0123456789eE") != length) return false;
  if (word && strspn(field, "+-naNAiftyIFTY") != length) return false;
  char *end;
  errno = 0;
  *value = strtod(field, &end);
  return end == field + length;
}

static void csv_fail_field(HostSource *source, size_t at, size_t length) {
  const char *where = source->style.format == HOST_FORMAT_NUMBERS ? "number" : "column";
  uint64_t column = source->column + 1 + source->has_index;
  HostText place = {{0}, 0};
  if (source->style.format != HOST_FORMAT_NUMBERS)
    host_text_add(&place, "line %" PRIu64 ", ", source->line);
  host_text_add(&place, "%s %" PRIu64, where, column);
  HostText found = {{0}, 0};
  for (size_t i = 0; i < length && i < 40; i++) {
    unsigned char c = (unsigned char)source->text[at + i];
    if (c < ' ' || c == 127)
      host_text_add(&found, "\\x%02x", c);
    else
      host_text_add(&found, "%c", c);
  }
  if (length == 0)
    host_source_fail(source, GRUS_EXIT_DATA, "%s: an empty field where a number is needed",
                     place.s);
  else
    host_source_fail(source, GRUS_EXIT_DATA, "%s: `%s%s` is not a number", place.s, found.s,
                     length > 40 ? "..." : "");
  if (source->separator == ';' && memchr(source->text + at, ',', length))
    host_detail(source->log, "try", "a point for the decimal comma");
}

/* How many fields the current line still has; it stays as it is. */
static uint64_t csv_count(HostSource *source) {
  size_t saved = source->text_at, at;
  uint64_t n = 0;
  while (source->text_has) {
    csv_field(source, &at);
    n++;
  }
  source->text_at = saved;
  source->text_has = true;
  return n;
}

/* Takes the fields of the current line, at most `room` of them; returns how many. */
static size_t csv_fields(HostSource *source, HostField *fields, size_t room) {
  size_t n = 0;
  while (source->text_has && n < room) {
    fields[n].length = csv_field(source, &fields[n].at);
    n++;
  }
  return n;
}

/* Removes from the row the columns that are not for the model. */
static bool csv_pick(HostSource *source, bool is_names) {
  size_t count = (size_t)csv_count(source);
  HostField *fields = malloc((count + 1) * sizeof *fields);
  if (!fields) {
    host_source_fail(source, GRUS_EXIT_FILE, "not enough memory");
    return false;
  }
  csv_fields(source, fields, count);
  bool ok = is_names ? host_columns_open(source, fields, count) == GRUS_EXIT_OK
                     : host_columns_row(source, fields, count);
  free(fields);
  return ok;
}

/* Reads the next row, without the number of the row and without columns that are left out. */
static bool csv_next(HostSource *source) {
  size_t at;
  if (!csv_row(source)) return false;
  if (source->column_use) return csv_pick(source, false);
  if (source->has_index) csv_field(source, &at);
  return true;
}

static bool csv_is_name(const HostSource *source, size_t at, size_t length) {
  double value;
  return length && !csv_number(source->text + at, length, &value) &&
         (strchr("_\"", source->text[at]) || (source->text[at] | 32) >= 'a');
}

/* Opens a table with --id or --skip, whose first line has the names of all columns. */
static int csv_open_named(HostSource *source) {
  size_t at;
  if (csv_row(source)) {
    source->separator = csv_separator(source->text + source->text_at);
    size_t start = source->text_at, length = csv_field(source, &at);
    bool has_names = length == 0 || csv_is_name(source, at, length);
    source->text_at = start;
    source->text_has = true;
    if (!has_names)
      return host_source_fail(source, GRUS_EXIT_DATA,
                              "--id and --skip need a first line with the names of the columns");
    if (csv_pick(source, true) && csv_next(source)) source->columns = csv_count(source);
  }
  if (source->columns || source->status || host_signal_seen() || source->bytes.failure)
    return source->status;
  host_source_fail(source, GRUS_EXIT_DATA, "holds no numbers");
  host_source_needs(source);
  return source->status;
}

/* Finds the separator and the number of columns, and skips a line of names. If the first column has
 * no name, as pandas writes its index, it skips that column. */
int host_csv_open(HostSource *source) {
  size_t at, length;
  if (source->style.format == HOST_FORMAT_CSV && host_columns_wanted(source))
    return csv_open_named(source);
  if (!csv_row(source)) goto empty;
  source->separator = csv_separator(source->text + source->text_at);
  size_t start = source->text_at;
  length = csv_field(source, &at);
  if (source->style.format == HOST_FORMAT_CSV && length == 0 && source->text_has) {
    length = csv_field(source, &at);
    source->has_index = csv_is_name(source, at, length);
  }
  if (source->style.format == HOST_FORMAT_CSV && csv_is_name(source, at, length)) {
    if (!csv_row(source)) goto empty;
    source->separator = csv_separator(source->text + source->text_at);
    if (source->has_index) csv_field(source, &at);
    start = source->text_at;
  }
  source->text_at = start;
  source->text_has = true;
  source->columns = csv_count(source);
  return GRUS_EXIT_OK;
empty:
  if (source->status || host_signal_seen() || source->bytes.failure) return source->status;
  host_source_fail(source, GRUS_EXIT_DATA, "holds no numbers");
  host_source_needs(source);
  return source->status;
}

static void csv_fail_row(HostSource *source, uint64_t found) {
  host_source_fail(source, GRUS_EXIT_DATA,
                   "line %" PRIu64 ": %" PRIu64 " column%s, the lines above have %" PRIu64,
                   source->line, found, found == 1 ? "" : "s", source->columns);
}

size_t host_csv_read(HostSource *source, double *values, size_t max) {
  size_t n = 0, at;
  while (n < max) {
    if (!source->text_has) {
      /* Deliver the rows that were read before waiting for more. */
      if (n && source->bytes.position == source->bytes.length) break;
      if (!csv_next(source)) break;
      uint64_t found = csv_count(source);
      if (found != source->columns) {
        csv_fail_row(source, found);
        return 0;
      }
    }
    size_t length = csv_field(source, &at);
    if (!csv_number(source->text + at, length, &values[n])) {
      csv_fail_field(source, at, length);
      return 0;
    }
    if (!host_source_accept(source, &values[n], 1, false)) return 0;
    source->column++;
    n++;
  }
  return n;
}
