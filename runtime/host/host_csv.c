/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* .csv: rows of numbers parted by comma, semicolon, tab or blanks, whichever the first row uses. A
 * first line that holds names is skipped; so are empty lines and lines that start with #. Numbers
 * given on the command line are one such row. */
#include "host_posix.h"

#include "host_signal.h"
#include "host_source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CSV_LINE_MAX = 1 << 24, CSV_FIELD_MAX = 64 };

/* The next line without its end into source->text; false at the end of the file or on an error. */
static bool csv_line(HostSource *source) {
  source->text_length = source->text_at = 0;
  int c = host_bytes_next(&source->bytes);
  if (c < 0) return false;
  source->line++;
  for (; c >= 0 && c != '\n'; c = host_bytes_next(&source->bytes)) {
    if (source->text_length + 2 > source->text_capacity) {
      size_t capacity = source->text_capacity ? 2 * source->text_capacity : 256;
      char *grown = capacity <= CSV_LINE_MAX ? realloc(source->text, capacity) : NULL;
      if (!grown) {
        host_source_fail(source, GRUS_EXIT_DATA, "line %" PRIu64 " is longer than %zu bytes",
                         source->line, source->text_capacity);
        return false;
      }
      source->text = grown;
      source->text_capacity = capacity;
    }
    source->text[source->text_length++] = (char)c;
  }
  if (host_signal_seen()) return false;
  while (source->text_length && (source->text[source->text_length - 1] == '\r' ||
                                 source->text[source->text_length - 1] == ' '))
    source->text_length--;
  if (source->text_length == 0) return true;
  source->text[source->text_length] = 0;
  if (source->line == 1 && source->text_length >= 3 && memcmp(source->text, "\xef\xbb\xbf", 3) == 0)
    source->text_at = 3;
  return true;
}

static bool csv_blank(char c) {
  return c == ' ' || c == '\t';
}

/* The next line that holds fields; text_at stands at the first. */
static bool csv_row(HostSource *source) {
  while (csv_line(source)) {
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

/* Cuts the next field out of the line. `at` is where it starts, without blanks and quotes. */
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

/* A decimal number, nan or inf; nothing else that strtod would take. */
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

/* Number of fields in the row in source->text, which stays as it was. */
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

/* The next row without its number. */
static bool csv_next(HostSource *source) {
  size_t at;
  if (!csv_row(source)) return false;
  if (source->has_index) csv_field(source, &at);
  return true;
}

static bool csv_is_name(const HostSource *source, size_t at, size_t length) {
  double value;
  return length && !csv_number(source->text + at, length, &value) &&
         (strchr("_\"", source->text[at]) || (source->text[at] | 32) >= 'a');
}

/* Finds the separator and the number of columns; skips a line of names. Where the first column has
 * none, as pandas writes its index, that column is skipped as well. */
int host_csv_open(HostSource *source) {
  size_t at, length;
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
      /* Hand over what is there before waiting for more. */
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
