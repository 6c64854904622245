/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Messages to the person who runs the program, and short texts built piece by piece. */
#ifndef GRUS_HOST_LOG_H
#define GRUS_HOST_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#if defined(__GNUC__)
#ifdef __USE_MINGW_ANSI_STDIO /* the printf of mingw-w64, not Microsoft's */
#define HOST_PRINTF(text, first) __attribute__((format(gnu_printf, text, first)))
#else
#define HOST_PRINTF(text, first) __attribute__((format(printf, text, first)))
#endif
#else
#define HOST_PRINTF(text, first)
#endif

typedef struct HostLog {
  FILE *err;
  const char *program; /* base name of argv[0] */
  bool colour;
  bool quiet; /* drops notes and progress, never errors */
} HostLog;

/* A text of limited length; what does not fit is cut off and ends in "...". */
typedef struct HostText {
  char s[768];
  size_t length;
} HostText;

void host_text_add(HostText *text, const char *format, ...) HOST_PRINTF(2, 3);

/* `shape` as "[49, 13]". */
void host_text_shape(HostText *text, int rank, const uint64_t *shape);

/* Prints "program: error: ...", returns status, so that a caller can `return host_error(...)`. */
int host_error(const HostLog *log, int status, const char *format, ...) HOST_PRINTF(3, 4);

/* An indented line under the error above: what was found, what is needed, what to try. */
void host_detail(const HostLog *log, const char *label, const char *format, ...) HOST_PRINTF(3, 4);

/* "program: note: ..." unless quiet. */
void host_note(const HostLog *log, const char *format, ...) HOST_PRINTF(2, 3);

#endif
