/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Source files and positions in them. A Span is a byte range of one file; lines and columns are
 * computed when they are first asked for. */
#ifndef GRUS_BASE_SOURCE_H
#define GRUS_BASE_SOURCE_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Span {
  uint32_t file; /* Source.id; 0: no place in any file */
  uint32_t begin, end;
} Span;

typedef struct Source {
  uint32_t id;
  const char *path; /* as the user wrote it; "<stdin>" for standard input */
  const char *text; /* terminated; may contain NUL bytes before len */
  size_t len;
  uint32_t *line_start; /* byte offset of each line, made on first use */
  uint32_t n_lines;
} Source;

/* All files of a compilation, by id. */
typedef struct Sources {
  Arena *arena;
  Source **item; /* item[id - 1] */
  size_t n, cap;
} Sources;

typedef struct Place {
  uint32_t line, column; /* from 1; columns count code points */
} Place;

enum { SOURCE_MAX_BYTES = 64 * 1024 * 1024 };

/* text is kept, not copied. */
Source *sources_add(Sources *sources, const char *path, const char *text, size_t len);
Source *sources_get(const Sources *sources, uint32_t id); /* NULL for id 0 */
Place source_place(const Sources *sources, const Source *source, uint32_t offset);
/* Text of line (from 1) without its line end. */
const char *source_line(const Sources *sources, const Source *source, uint32_t line, size_t *len);
uint32_t source_line_start(const Sources *sources, const Source *source, uint32_t line);
uint32_t source_line_count(const Sources *sources, const Source *source);

static inline bool span_valid(Span s) {
  return s.file != 0;
}
static inline Span span_none(void) {
  return (Span){0, 0, 0};
}
static inline bool span_within(Span inner, Span outer) {
  return inner.file == outer.file && inner.begin >= outer.begin && inner.end <= outer.end;
}
/* The place after a span. */
static inline Span span_after(Span s) {
  return (Span){s.file, s.end, s.end};
}
/* Whether a byte of a line is a blank or a tab. */
static inline bool source_is_blank(char c) {
  return c == ' ' || c == '\t';
}
/* The smallest span that covers both; the other one if one is none. */
Span span_join(Span a, Span b);
/* The span grown to whole lines with their ends, and a comment after it, when nothing else stands
 * on them; else as it is. */
Span span_lines(const Sources *sources, Span span);
/* The text a span covers, copied. */
char *span_text(Arena *arena, const Sources *sources, Span span);

#endif
