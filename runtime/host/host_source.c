/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Finds the format of a source, opens it, and holds the functions that all readers share. */
#include "host_posix.h"

#include "host_signal.h"
#include "host_source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
  const char *name;
  HostStyle style;
} styles[] = {
    {"npy", {HOST_FORMAT_NPY, {0, 0, false}}},    {"csv", {HOST_FORMAT_CSV, {0, 0, false}}},
    {"wav", {HOST_FORMAT_WAV, {0, 0, false}}},    {"raw", {HOST_FORMAT_RAW, {0, 0, false}}},
    {"f32", {HOST_FORMAT_RAW, {'f', 4, false}}},  {"f16", {HOST_FORMAT_RAW, {'f', 2, false}}},
    {"f64", {HOST_FORMAT_RAW, {'f', 8, false}}},  {"s8", {HOST_FORMAT_RAW, {'i', 1, false}}},
    {"s16", {HOST_FORMAT_RAW, {'i', 2, false}}},  {"s24", {HOST_FORMAT_RAW, {'i', 3, false}}},
    {"s32", {HOST_FORMAT_RAW, {'i', 4, false}}},  {"txt", {HOST_FORMAT_CSV, {0, 0, false}}},
    {"tsv", {HOST_FORMAT_CSV, {0, 0, false}}},    {"npz", {HOST_FORMAT_NPZ, {0, 0, false}}},
    {"jsonl", {HOST_FORMAT_JSON, {0, 0, false}}}, {"ndjson", {HOST_FORMAT_JSON, {0, 0, false}}},
};

const char *host_style_list(void) {
  return "npy npz csv jsonl wav raw f32 f16 f64 s8 s16 s24 s32";
}

HostStyle host_style_named(const char *name) {
  for (size_t i = 0; i < sizeof styles / sizeof *styles; i++)
    if (strcmp(styles[i].name, name) == 0) return styles[i].style;
  HostStyle none = {HOST_FORMAT_NONE, {0, 0, false}};
  return none;
}

HostStyle host_style_of_path(const char *path) {
  const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
  return host_style_named(dot && (!slash || dot > slash) ? dot + 1 : "");
}

int host_source_fail(HostSource *source, int status, const char *format, ...) {
  char message[512];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  if (source->bytes.failure) { /* a failed read is the reason, whatever is missing now */
    status = GRUS_EXIT_FILE;
    snprintf(message, sizeof message, "cannot read: %s", strerror(source->bytes.failure));
  }
  source->status = host_error(source->log, status, "%s: %s", source->name, message);
  return status;
}

void host_source_needs(const HostSource *source) {
  HostText type = {{0}, 0};
  host_port_type(source->program, source->port, &type);
  host_detail(source->log, "needs", "%s `%s`: %s", host_port_role(source->port), source->port->name,
              type.s);
}

/* Adds the place of a number to a text: "value at [3, 17]", "sample 12, channel 1", "value 40". */
static void source_place(const HostSource *source, uint64_t index, HostText *text) {
  uint64_t at[GRUS_HOST_MAX_RANK + 1] = {0};
  switch (source->style.format) {
  case HOST_FORMAT_NPY:
    for (int i = source->rank; i-- > 0; index /= source->shape[i])
      at[i] = index % source->shape[i];
    host_text_add(text, "value at ");
    host_text_shape(text, source->rank, at);
    break;
  case HOST_FORMAT_WAV:
    host_text_add(text, "sample %" PRIu64, index / source->columns);
    if (source->columns > 1) host_text_add(text, ", channel %" PRIu64, index % source->columns);
    break;
  case HOST_FORMAT_CSV:
    host_text_add(text, "line %" PRIu64 ", column %" PRIu64, source->line, source->column + 1);
    break;
  case HOST_FORMAT_JSON:
    host_text_add(text, "line %" PRIu64 ", value %" PRIu64, source->line,
                  source->column + index - source->done + 1);
    break;
  case HOST_FORMAT_NUMBERS: host_text_add(text, "number %" PRIu64, source->column + 1); break;
  case HOST_FORMAT_NONE:
  case HOST_FORMAT_NPZ:
  case HOST_FORMAT_RAW: host_text_add(text, "value %" PRIu64, index); break;
  }
}

bool host_source_accept(HostSource *source, const double *values, size_t n, bool integral) {
  HostText why = {{0}, 0}, place = {{0}, 0};
  for (size_t i = 0; i < n; i++) {
    if (host_port_takes(source->port, values[i], integral, source->nan, &why)) continue;
    source_place(source, source->done + i, &place);
    host_source_fail(source, GRUS_EXIT_DATA, "%s: %s", place.s, why.s);
    host_source_needs(source);
    return false;
  }
  return true;
}

enum { SOURCE_LINE_MAX = 1 << 24 };

bool host_source_line(HostSource *source) {
  source->text_length = source->text_at = 0;
  int c = host_bytes_next(&source->bytes);
  if (c < 0) return false;
  source->line++;
  for (; c >= 0 && c != '\n'; c = host_bytes_next(&source->bytes)) {
    if (source->text_length + 2 > source->text_capacity) {
      size_t capacity = source->text_capacity ? 2 * source->text_capacity : 256;
      bool possible = capacity <= SOURCE_LINE_MAX;
      char *grown = possible ? realloc(source->text, capacity) : NULL;
      if (!possible)
        host_source_fail(source, GRUS_EXIT_DATA, "line %" PRIu64 " is longer than %zu bytes",
                         source->line, source->text_capacity);
      else if (!grown)
        host_source_fail(source, GRUS_EXIT_FILE, "not enough memory for line %" PRIu64,
                         source->line);
      if (!grown) return false;
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

size_t host_source_stored(HostSource *source, double *values, size_t max) {
  size_t size = (size_t)source->number.size;
  if (source->total != HOST_SIZE_UNKNOWN && max > source->total - source->done)
    max = (size_t)(source->total - source->done);
  if (max > 65536 / size) max = 65536 / size;
  if (!max) return 0;
  size_t have = host_bytes_want(&source->bytes, size);
  size_t n = have / size < max ? have / size : max;
  if (n) {
    host_number_decode(source->number, host_bytes_take(&source->bytes, n * size), values, n);
    return n;
  }
  if (source->bytes.failure || host_signal_seen()) return 0;
  if (have)
    host_source_fail(source, GRUS_EXIT_DATA,
                     "ends in the middle of a number: %zu bytes after %" PRIu64
                     " numbers of %zu bytes",
                     have, source->done, size);
  else if (source->total != HOST_SIZE_UNKNOWN)
    host_source_fail(source, GRUS_EXIT_DATA,
                     "truncated: the header promises %" PRIu64 " numbers, the file holds %" PRIu64,
                     source->total, source->done);
  return 0;
}

static bool port_is_integer(const GrusPort *port) {
  return port->bound || !host_elem_is_float(port->elem);
}

static int raw_open(HostSource *source) {
  HostNumber type = source->style.raw;
  source->number = type.size ? type : host_number_of_elem(source->port->elem);
  if (type.kind == 'i' && !port_is_integer(source->port))
    source->scale = 1.0 / (double)(1ULL << (8 * source->number.size - 1));
  uint64_t size = (uint64_t)source->number.size;
  if (source->bytes.size != HOST_SIZE_UNKNOWN && source->bytes.size % size == 0)
    source->total = source->bytes.size / size;
  return GRUS_EXIT_OK;
}

static size_t raw_read(HostSource *source, double *values, size_t max) {
  size_t n = host_source_stored(source, values, max);
  for (size_t i = 0; i < n; i++)
    values[i] *= source->scale;
  return host_source_accept(source, values, n, false) ? n : 0;
}

/* The format of standard input for a port of f32, by its first four bytes: text, or raw numbers.
 * About one in ten thousand floats looks like text. */
static HostFormat format_of_text(HostBytes *bytes) {
  static const char numbers[] = "0123456789+-.eE,; \t\r\n", json[] = "0123456789+-.eE, \t[";
  size_t n = host_bytes_want(bytes, 4), text = 0, nested = 0;
  const char *head = (const char *)bytes->buffer + bytes->position;
  if (n > 4) n = 4;
  while (text < n && head[text] && strchr(numbers, head[text]))
    text++;
  while (nested < n && head[nested] && strchr(json, head[nested]))
    nested++;
  if (n && text == n) return HOST_FORMAT_CSV;
  if (n && head[0] == '[' && nested == n) return HOST_FORMAT_JSON;
  return n > 2 && head[0] == '{' && (head[1] == '"' || head[1] == ' ') ? HOST_FORMAT_JSON
                                                                       : HOST_FORMAT_RAW;
}

enum { LOOKED_AT = 6 }; /* the largest u16 has 5 digits; then comes a comma or a newline */

/* The text that standard input for a port of another type than f32 seems to be, by what its first
 * read gave: a step of a stream may be one byte, so nothing waits for more. NULL: raw numbers. */
static const char *text_instead(const HostBytes *bytes) {
  static const char nested[] = "0123456789+-.eE, \t[";
  const char *head = (const char *)bytes->buffer + bytes->position;
  size_t n = bytes->length - bytes->position, digits = 0, inside = 1;
  if (n > LOOKED_AT) n = LOOKED_AT;
  if (n < 2) return NULL;
  if (head[0] == '{' && (head[1] == '"' || head[1] == ' ')) return "jsonl";
  while (inside < n && head[inside] && strchr(nested, head[inside]))
    inside++;
  bool closed = inside > 1 && inside < n && head[inside] == ']';
  if (head[0] == '[' && (inside == n || closed)) return "jsonl";
  while (digits < n && head[digits] >= '0' && head[digits] <= '9')
    digits++;
  bool ends = digits && digits < n && head[digits] && strchr(",;\t\r\n", head[digits]);
  for (size_t i = digits; i < n && ends; i++)
    ends = head[i] && strchr("0123456789+-,; \t\r\n", head[i]);
  return ends ? "csv" : NULL;
}

/* Reports text where raw numbers would be read. */
static int text_fail(HostSource *source, const char *format) {
  host_source_fail(source, GRUS_EXIT_DATA,
                   "begins like %s, and only inputs of f32 recognise text by themselves",
                   *format == 'j' ? "JSON lines" : "CSV");
  host_source_needs(source);
  host_detail(source->log, "try",
              "--in-format %s, or --in-format raw if these bytes are the numbers", format);
  return GRUS_EXIT_DATA;
}

/* The format of a file by its first bytes. .npy and .wav have marks of their own. Anything else on
 * standard input is raw numbers or, for a port of f32, perhaps text. A pipe need not send more than
 * its first number for this. */
static HostFormat format_of_content(HostBytes *bytes, const GrusPort *port) {
  HostFormat other = bytes->fd == STDIN_FILENO ? HOST_FORMAT_RAW : HOST_FORMAT_NONE;
  size_t n = host_bytes_want(bytes, 1);
  const unsigned char *head = bytes->buffer + bytes->position;
  if (n && other == HOST_FORMAT_RAW && port->elem == GRUS_ELEM_F32 && head[0] < 0x7f &&
      head[0] != 'R')
    other = format_of_text(bytes);
  if (n == 0 || (head[0] != 0x93 && head[0] != 'R')) return other;
  n = host_bytes_want(bytes, 12);
  head = bytes->buffer + bytes->position;
  if (n >= 6 && memcmp(head, "\x93NUMPY", 6) == 0) return HOST_FORMAT_NPY;
  if (n >= 12 && (memcmp(head, "RIFF", 4) == 0 || memcmp(head, "RF64", 4) == 0) &&
      memcmp(head + 8, "WAVE", 4) == 0)
    return HOST_FORMAT_WAV;
  return other;
}

static int source_start(HostSource *source, HostStyle style) {
  source->style = style;
  source->scale = 1;
  source->total = HOST_SIZE_UNKNOWN;
  if (style.format == HOST_FORMAT_NONE)
    source->style.format = format_of_content(&source->bytes, source->port);
  const char *text = NULL;
  if (style.format == HOST_FORMAT_NONE && source->style.format == HOST_FORMAT_RAW &&
      source->port->elem != GRUS_ELEM_F32)
    text = text_instead(&source->bytes);
  if (text) return text_fail(source, text);
  switch (source->style.format) {
  case HOST_FORMAT_NPY: return host_npy_open(source);
  case HOST_FORMAT_NPZ: return host_npz_open(source);
  case HOST_FORMAT_JSON: return host_json_open(source);
  case HOST_FORMAT_WAV: return host_wav_open(source);
  case HOST_FORMAT_RAW: return raw_open(source);
  case HOST_FORMAT_CSV:
  case HOST_FORMAT_NUMBERS: return host_csv_open(source);
  case HOST_FORMAT_NONE: break;
  }
  host_source_fail(source, GRUS_EXIT_USAGE, "cannot tell the format of this file");
  host_detail(source->log, "try", "--in-format with one of: %s", host_style_list());
  return GRUS_EXIT_USAGE;
}

int host_source_open(HostSource *source, const char *path, HostStyle style) {
  source->name = strcmp(path, "-") == 0 ? "standard input" : path;
  if (!host_bytes_open(&source->bytes, path)) {
    int failure = errno;
    host_source_fail(source, GRUS_EXIT_FILE, "cannot read: %s", strerror(failure));
    host_source_needs(source);
    return GRUS_EXIT_FILE;
  }
  return source_start(source, style);
}

int host_source_memory(HostSource *source, const void *memory, size_t size, HostStyle style) {
  host_bytes_memory(&source->bytes, memory, size);
  return source_start(source, style);
}

void host_source_close(HostSource *source) {
  host_bytes_close(&source->bytes);
  free(source->fortran);
  free(source->text);
  free(source->inflated);
  free(source->row);
  free(source->row_steps);
  free(source->column_use);
  free(source->ids);
  source->column_use = NULL;
  source->ids = NULL;
  source->inflated = NULL;
  source->row = NULL;
  source->row_steps = NULL;
  source->fortran = NULL;
  source->text = NULL;
}

size_t host_source_read(HostSource *source, double *values, size_t max) {
  if (source->status || !max) return 0;
  size_t n = 0;
  switch (source->style.format) {
  case HOST_FORMAT_NPZ:
  case HOST_FORMAT_NPY: n = host_npy_read(source, values, max); break;
  case HOST_FORMAT_JSON: n = host_json_read(source, values, max); break;
  case HOST_FORMAT_WAV: n = host_wav_read(source, values, max); break;
  case HOST_FORMAT_RAW: n = raw_read(source, values, max); break;
  case HOST_FORMAT_NONE:
  case HOST_FORMAT_CSV:
  case HOST_FORMAT_NUMBERS: n = host_csv_read(source, values, max); break;
  }
  source->done += n;
  if (!n && !source->status && source->bytes.failure)
    host_source_fail(source, GRUS_EXIT_FILE, "cannot read: %s", strerror(source->bytes.failure));
  return n;
}
