/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Prints messages: "program: error: text", with indented details after it; see host_log.h. */
#include "host_posix.h"

#include "host_log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

void host_text_add(HostText *text, const char *format, ...) {
  size_t room = sizeof text->s - text->length;
  if (room <= 1) return;
  va_list args;
  va_start(args, format);
  int n = vsnprintf(text->s + text->length, room, format, args);
  va_end(args);
  if (n < 0) return;
  if ((size_t)n < room) {
    text->length += (size_t)n;
    return;
  }
  text->length = sizeof text->s - 1;
  memcpy(text->s + text->length - 3, "...", 4);
}

void host_text_shape(HostText *text, int rank, const uint64_t *shape) {
  host_text_add(text, "[");
  for (int i = 0; i < rank; i++)
    host_text_add(text, "%s%" PRIu64, i ? ", " : "", shape[i]);
  host_text_add(text, "]");
}

static void log_head(const HostLog *log, const char *colour, const char *word) {
  if (log->colour)
    fprintf(log->err, "\033[1m%s: \033[%sm%s:\033[0m ", log->program, colour, word);
  else
    fprintf(log->err, "%s: %s: ", log->program, word);
}

static void log_line(const HostLog *log, const char *format, va_list args) {
  vfprintf(log->err, format, args);
  fputc('\n', log->err);
}

int host_error(const HostLog *log, int status, const char *format, ...) {
  log_head(log, "1;31", "error");
  va_list args;
  va_start(args, format);
  log_line(log, format, args);
  va_end(args);
  return status;
}

void host_detail(const HostLog *log, const char *label, const char *format, ...) {
  fprintf(log->err, "  %-6s ", label);
  va_list args;
  va_start(args, format);
  log_line(log, format, args);
  va_end(args);
}

void host_note(const HostLog *log, const char *format, ...) {
  if (log->quiet) return;
  log_head(log, "1;36", "note");
  va_list args;
  va_start(args, format);
  log_line(log, format, args);
  va_end(args);
}
