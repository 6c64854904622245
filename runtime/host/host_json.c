/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads JSON lines. Each line has one value: for a sequence one sample, for a stream one step. A
 * value is a number, or nested arrays of numbers with the shape of the port, or an object that has
 * such a value under the name of the port. Axes of size 1 may be missing. Each sequence of a
 * bounded length has its own length.
 *
 * Out: the numbers of every line in storage order, padded with zeros to the bound. row_steps has
 * the number of steps of each line. */
#include "host_posix.h"

#include "host_signal.h"
#include "host_source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_MAX_DEPTH = GRUS_HOST_MAX_RANK + 1, JSON_MAX_SKIP = 64 };

/* A line while it is read: the next character is text[at], and shape is that of the arrays so far.
 */
typedef struct JsonLine {
  HostSource *source;
  const char *text;
  size_t at;
  int rank; /* -1 until a number was met */
  uint64_t shape[JSON_MAX_DEPTH];
} JsonLine;

static bool json_fail(JsonLine *line, const char *what) {
  host_source_fail(line->source, GRUS_EXIT_DATA, "line %" PRIu64 ", column %zu: %s",
                   line->source->line, line->at + 1, what);
  return false;
}

static bool json_fail_memory(JsonLine *line) {
  host_source_fail(line->source, GRUS_EXIT_FILE, "not enough memory for line %" PRIu64,
                   line->source->line);
  return false;
}

static char json_peek(JsonLine *line) {
  while (line->text[line->at] && strchr(" \t\r", line->text[line->at]))
    line->at++;
  return line->text[line->at];
}

static bool json_take(JsonLine *line, char c) {
  if (json_peek(line) != c) return false;
  line->at++;
  return true;
}

static bool json_word(JsonLine *line, const char *word) {
  size_t n = strlen(word);
  if (strncmp(line->text + line->at, word, n) != 0) return false;
  line->at += n;
  return true;
}

/* Room for twice as many elements. NULL: there is none; then nothing changes. */
static void *json_grown(void *memory, size_t *capacity, size_t element) {
  size_t more = *capacity ? 2 * *capacity : 64;
  void *grown = more < SIZE_MAX / element ? realloc(memory, more * element) : NULL;
  if (grown) *capacity = more;
  return grown;
}

static bool json_add(JsonLine *line, double value) {
  HostSource *s = line->source;
  if (s->row_count == s->row_capacity) {
    double *grown = json_grown(s->row, &s->row_capacity, sizeof *grown);
    if (!grown) return json_fail_memory(line);
    s->row = grown;
  }
  s->row[s->row_count++] = value;
  return true;
}

static bool json_number(JsonLine *line) {
  const char *from = line->text + line->at;
  size_t n = strspn(from, "+-.0123456789eE");
  char *end;
  if (json_word(line, "true")) return json_add(line, 1);
  if (json_word(line, "false")) return json_add(line, 0);
  if (json_word(line, "NaN")) return json_add(line, strtod("nan", NULL));
  if (json_word(line, "Infinity")) return json_add(line, strtod("inf", NULL));
  if (json_word(line, "-Infinity")) return json_add(line, -strtod("inf", NULL));
  if (!n) return json_fail(line, "a number or an array is needed here");
  double value = strtod(from, &end);
  if (end != from + n) return json_fail(line, "this is not a number");
  line->at += n;
  return json_add(line, value);
}

/* Reads numbers inside of `depth` arrays. All arrays of one depth have the same size. */
static bool json_numbers(JsonLine *line, int depth) {
  uint64_t n = 0;
  if (json_peek(line) != '[') {
    if (line->rank >= 0 && line->rank != depth)
      return json_fail(line, "a number at another depth than those before");
    line->rank = depth;
    return json_number(line);
  }
  if (depth == JSON_MAX_DEPTH || depth == line->rank)
    return json_fail(line, "arrays deeper than those before, or than any input");
  bool is_first = line->rank < 0;
  line->at++;
  if (json_peek(line) == ']') return json_fail(line, "an empty array where numbers are needed");
  for (;;) {
    if (!json_numbers(line, depth + 1)) return false;
    n++;
    if (json_take(line, ']')) break;
    if (!json_take(line, ',')) return json_fail(line, "`,` or `]` is needed here");
  }
  if (!is_first && line->shape[depth] && line->shape[depth] != n)
    return json_fail(line, "this array has another size than those before it");
  line->shape[depth] = n;
  return true;
}

/* Reads a string in quotes: *begin and *length are its text, in which escapes are not decoded. */
static bool json_string(JsonLine *line, size_t *begin, size_t *length) {
  if (!json_take(line, '"')) return json_fail(line, "a name in quotes is needed here");
  *begin = line->at;
  while (line->text[line->at] && line->text[line->at] != '"')
    line->at += line->text[line->at] == '\\' && line->text[line->at + 1] ? 2 : 1;
  *length = line->at - *begin;
  return json_take(line, '"') || json_fail(line, "the line ends inside a text");
}

/* Skips a value that is not for this input. */
static bool json_skip(JsonLine *line, int depth) {
  size_t begin, length;
  char c = json_peek(line), close = c == '{' ? '}' : ']';
  if (c == '"') return json_string(line, &begin, &length);
  if (c != '{' && c != '[') {
    length = strcspn(line->text + line->at, ",]} \t");
    line->at += length;
    return length || json_fail(line, "a value is needed here");
  }
  if (depth == JSON_MAX_SKIP) return json_fail(line, "nested too deeply");
  line->at++;
  while (!json_take(line, close)) {
    if (c == '{' && !(json_string(line, &begin, &length) &&
                      (json_take(line, ':') || json_fail(line, "`:` is needed here"))))
      return false;
    if (!json_skip(line, depth + 1)) return false;
    if (!json_take(line, ',') && json_peek(line) != close)
      return json_fail(line, "`,` or the end is needed here");
  }
  return true;
}

/* Reads an object, of which the value under the name of the port counts. */
static bool json_object(JsonLine *line) {
  const char *name = line->source->port->name;
  bool found = false;
  line->at++;
  while (!json_take(line, '}')) {
    size_t begin, length;
    if (!json_string(line, &begin, &length)) return false;
    if (!json_take(line, ':')) return json_fail(line, "`:` is needed here");
    bool ours = strlen(name) == length && memcmp(line->text + begin, name, length) == 0;
    if (ours && found) return json_fail(line, "the same name twice");
    if (!(ours ? json_numbers(line, 0) : json_skip(line, 0))) return false;
    found |= ours;
    if (!json_take(line, ',') && json_peek(line) != '}')
      return json_fail(line, "`,` or `}` is needed here");
  }
  if (found) return true;
  host_source_fail(line->source, GRUS_EXIT_DATA, "line %" PRIu64 ": no `%s` among its names",
                   line->source->line, name);
  return false;
}

static bool json_is_step(const GrusPort *port) {
  return port->time == GRUS_TIME_STREAM || port->time == GRUS_TIME_WINDOW;
}

/* Whether the line has the shape of the port. *steps: the steps of a sequence of bounded length. */
static bool json_fits(const JsonLine *line, uint64_t *steps) {
  const GrusPort *port = line->source->port;
  int at = 0;
  for (int i = 0; i < port->rank; i++) {
    bool is_time = i == port->time_axis, bounded = is_time && port->time == GRUS_TIME_BOUNDED;
    uint64_t need = port->axes[i].size;
    if (is_time && json_is_step(port)) continue;
    bool fits = at < line->rank && (bounded ? line->shape[at] <= need : line->shape[at] == need);
    if (fits && bounded) *steps = line->shape[at];
    if (fits)
      at++;
    else if (need != 1 || is_time)
      return false;
  }
  return at == line->rank;
}

static bool json_fail_shape(JsonLine *line) {
  HostSource *source = line->source;
  HostText shape = {{0}, 0};
  host_text_shape(&shape, line->rank, line->shape);
  host_source_fail(source, GRUS_EXIT_DATA,
                   "line %" PRIu64 ": shape %s does not fit %s of input `%s`", source->line,
                   shape.s, json_is_step(source->port) ? "one step" : "one sample",
                   source->port->name);
  host_source_needs(source);
  return false;
}

/* [outer, steps, inner] becomes [outer, bound, inner]. */
static bool json_pad(JsonLine *line, uint64_t steps) {
  HostSource *s = line->source;
  HostSizes sizes = host_port_sizes(s->port);
  size_t have = (size_t)steps * sizes.inner, need = sizes.steps * sizes.inner;
  for (size_t missing = sizes.outer * (need - have); missing; missing--)
    if (!json_add(line, 0)) return false;
  for (size_t o = sizes.outer; o-- > 0;) {
    memmove(s->row + o * need, s->row + o * have, have * sizeof *s->row);
    memset(s->row + o * need + have, 0, (need - have) * sizeof *s->row);
  }
  return true;
}

static bool json_note_steps(JsonLine *line, uint64_t steps) {
  HostSource *s = line->source;
  if (s->rows == s->rows_capacity) {
    size_t *grown = json_grown(s->row_steps, &s->rows_capacity, sizeof *grown);
    if (!grown) return json_fail_memory(line);
    s->row_steps = grown;
  }
  s->row_steps[s->rows++] = (size_t)steps;
  return true;
}

/* Reads the next line that is not empty into source->row. False at the end or after an error. */
static bool json_row(HostSource *source) {
  JsonLine line = {source, NULL, 0, -1, {0}};
  uint64_t steps = 1;
  do {
    if (!host_source_line(source)) return false;
    line.text = source->text;
    line.at = source->text_at;
  } while (source->text_length == 0 || !json_peek(&line));
  source->row_count = source->row_at = 0;
  if (!(json_peek(&line) == '{' ? json_object(&line) : json_numbers(&line, 0))) return false;
  if (json_peek(&line) || line.at < source->text_length)
    return json_fail(&line, "nothing more is expected on this line");
  if (!json_fits(&line, &steps)) return json_fail_shape(&line);
  bool bounded = source->port->time == GRUS_TIME_BOUNDED;
  if (bounded && !(json_note_steps(&line, steps) && json_pad(&line, steps))) return false;
  if (!bounded && !json_is_step(source->port) && !json_note_steps(&line, steps)) return false;
  return true;
}

int host_json_open(HostSource *source) {
  if (json_row(source)) return GRUS_EXIT_OK;
  if (source->status || host_signal_seen() || source->bytes.failure) return source->status;
  host_source_fail(source, GRUS_EXIT_DATA, "holds no numbers");
  host_source_needs(source);
  return source->status;
}

size_t host_json_read(HostSource *source, double *values, size_t max) {
  size_t n = 0;
  while (n < max) {
    if (source->row_at == source->row_count) {
      /* Deliver the rows that were read before waiting for more. */
      if (n && source->bytes.position == source->bytes.length) break;
      if (!json_row(source)) break;
    }
    size_t some = source->row_count - source->row_at;
    if (some > max - n) some = max - n;
    source->column = source->row_at;
    if (!host_source_accept(source, source->row + source->row_at, some, false)) return 0;
    memcpy(values + n, source->row + source->row_at, some * sizeof *values);
    source->row_at += some;
    n += some;
  }
  return source->status ? 0 : n;
}
