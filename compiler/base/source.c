/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Source files and positions in them. */
#include "base/source.h"

#include <string.h>

Source *sources_add(Sources *sources, const char *path, const char *text, size_t len) {
  Source *s = ARENA_NEW(sources->arena, Source);
  s->path = path;
  s->text = text;
  s->len = len;
  ARENA_PUSH(sources->arena, sources->item, sources->n, sources->cap, s);
  s->id = (uint32_t)sources->n;
  return s;
}

Source *sources_get(const Sources *sources, uint32_t id) {
  return id == 0 || id > sources->n ? NULL : sources->item[id - 1];
}

/* Fills line_start. A line ends after "\n"; text after the last one is a line of its own. */
static void source_index(const Sources *sources, const Source *source) {
  if (source->line_start) return;
  uint32_t n = 1;
  for (size_t i = 0; i < source->len; i++)
    n += source->text[i] == '\n';
  uint32_t *start = ARENA_ARRAY(sources->arena, uint32_t, n);
  n = 1;
  for (size_t i = 0; i < source->len; i++)
    if (source->text[i] == '\n') start[n++] = (uint32_t)i + 1;
  Source *made = sources->item[source->id - 1];
  made->line_start = start;
  made->n_lines = n;
}

uint32_t source_line_count(const Sources *sources, const Source *source) {
  source_index(sources, source);
  return source->n_lines;
}

uint32_t source_line_start(const Sources *sources, const Source *source, uint32_t line) {
  source_index(sources, source);
  return line - 1 < source->n_lines ? source->line_start[line - 1] : (uint32_t)source->len;
}

Place source_place(const Sources *sources, const Source *source, uint32_t offset) {
  source_index(sources, source);
  if (offset > source->len) offset = (uint32_t)source->len;
  uint32_t low = 0, high = source->n_lines; /* line_start[low] <= offset < line_start[high] */
  while (high - low > 1) {
    uint32_t mid = low + (high - low) / 2;
    if (source->line_start[mid] <= offset)
      low = mid;
    else
      high = mid;
  }
  Place p = {.line = low + 1, .column = 1};
  for (uint32_t i = source->line_start[low]; i < offset; i++)
    p.column += ((unsigned char)source->text[i] & 0xC0) != 0x80;
  return p;
}

const char *source_line(const Sources *sources, const Source *source, uint32_t line, size_t *len) {
  uint32_t begin = source_line_start(sources, source, line);
  uint32_t end = line < source->n_lines ? source->line_start[line] : (uint32_t)source->len;
  while (end > begin && (source->text[end - 1] == '\n' || source->text[end - 1] == '\r'))
    end--;
  *len = end - begin;
  return source->text + begin;
}

Span span_join(Span a, Span b) {
  if (!span_valid(a)) return b;
  if (!span_valid(b) || a.file != b.file) return a;
  return (Span){a.file, a.begin < b.begin ? a.begin : b.begin, a.end > b.end ? a.end : b.end};
}

char *span_text(Arena *arena, const Sources *sources, Span span) {
  const Source *s = sources_get(sources, span.file);
  if (!s || span.begin > span.end || span.end > s->len) return arena_strdup(arena, "");
  return arena_strndup(arena, s->text + span.begin, span.end - span.begin);
}

Span span_lines(const Sources *sources, Span span) {
  const Source *s = sources_get(sources, span.file);
  if (!s || span.begin > span.end || span.end > s->len) return span;
  Span lines = span;
  while (lines.begin > 0 && source_is_blank(s->text[lines.begin - 1]))
    lines.begin--;
  while (lines.end < s->len && (source_is_blank(s->text[lines.end]) || s->text[lines.end] == '\r'))
    lines.end++;
  bool alone = (lines.begin == 0 || s->text[lines.begin - 1] == '\n') &&
               (lines.end >= s->len || s->text[lines.end] == '\n' || s->text[lines.end] == '#');
  if (!alone) return span;
  while (lines.end < s->len && s->text[lines.end] != '\n')
    lines.end++;
  lines.end += lines.end < s->len;
  return lines;
}
