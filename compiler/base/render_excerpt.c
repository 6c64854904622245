/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Source excerpts: which lines, the underlines, and the labels under them.
 *
 *     7 |   let d  = x |> GRU(64, init=(h1, h2))
 *       |                     --  ^^^^^^^^^^^^^ gives `h1` [64], `h2` [32]
 *       |                     |
 *       |                     state: `h` [64]
 *
 * The rightmost label stands on the line of the underlines, the others hang below, rightmost first.
 * Columns are terminal columns: a tab goes to the next multiple of 4, wide characters count 2. */
#include "base/render_excerpt.h"

#include "base/safe.h"

#include <stdlib.h>
#include <string.h>

enum { TAB = 4, WINDOW = 160 };

typedef struct Mark {
  Span span;
  const char *label;
  bool primary;
  uint32_t line;
  size_t column, width; /* on screen, from 0 */
} Mark;

static const char *const escape[] = {"",           "\033[1;31m", "\033[1;33m",
                                     "\033[1;36m", "\033[1;32m", "\033[1;34m",
                                     "\033[1m",    "\033[31m",   "\033[32m"};

void paint(Canvas *canvas, Paint how, const char *s) {
  bool on = canvas->colour && how != PAINT_NONE && *s;
  if (on) text_add(canvas->out, escape[how]);
  text_add(canvas->out, s);
  if (on) text_add(canvas->out, "\033[0m");
}

void paint_gutter(Canvas *canvas, uint32_t line, char sign) {
  Text text = text_new(canvas->out->arena);
  if (line)
    text_printf(&text, "%*u ", canvas->gutter, line);
  else
    text_fill(&text, ' ', (size_t)canvas->gutter + 1);
  if (!sign) text_add_char(&text, '|');
  paint(canvas, PAINT_GUTTER, text_str(&text));
  char s[2] = {sign, 0};
  if (sign) paint(canvas, sign == '-' ? PAINT_DELETE : PAINT_INSERT, s);
}

/* Width on screen of one code point at s, given the column it starts in. */
static size_t step_width(const char *s, size_t n, size_t column, size_t *len) {
  unsigned u = text_decode(s, n, len);
  if (u == '\t') return TAB - column % TAB;
  if (!safe_character(u) || u == 0xFFFD) return 1;
  return text_width(s, *len);
}

static size_t screen_column(const char *line, size_t bytes, size_t len) {
  size_t column = 0;
  for (size_t i = 0, n; i < bytes && i < len; i += n)
    column += step_width(line + i, len - i, column, &n);
  return column;
}

size_t excerpt_from(const char *line, size_t len, size_t byte) {
  size_t column = screen_column(line, byte, len);
  bool longer = screen_column(line, len, len) > WINDOW;
  return longer && column > WINDOW / 4 ? column - WINDOW / 4 : 0;
}

void paint_source(Canvas *canvas, const char *line, size_t len, size_t from) {
  enum { CUT = 3 }; /* columns of "..." in the place of what is not shown */
  size_t column = 0, first = from ? from + CUT : 0, i = 0, n;
  bool longer = screen_column(line, len, len) > from + WINDOW;
  size_t stop = longer ? from + WINDOW - CUT : SIZE_MAX;
  for (; i < len && column < first; i += n)
    column += step_width(line + i, len - i, column, &n);
  if (from) text_add(canvas->out, "...");
  if (from && column > first) text_fill(canvas->out, ' ', column - first);
  for (; i < len && column < stop; i += n) {
    size_t width = step_width(line + i, len - i, column, &n);
    unsigned char c = (unsigned char)line[i];
    if (c == '\t')
      text_fill(canvas->out, ' ', width);
    else if ((n == 1 && c >= 0x80) || !safe_character(text_decode(line + i, n, &n)))
      text_add(canvas->out, "\xEF\xBF\xBD");
    else
      text_add_n(canvas->out, line + i, n);
    column += width;
  }
  if (longer) text_add(canvas->out, "...");
}

static bool mark_place(const Sources *sources, Mark *m) {
  const Source *source = sources_get(sources, m->span.file);
  if (!source) return false;
  m->line = source_place(sources, source, m->span.begin).line;
  size_t len;
  const char *line = source_line(sources, source, m->line, &len);
  size_t begin = m->span.begin - source_line_start(sources, source, m->line);
  size_t end = begin + (m->span.end - m->span.begin);
  if (end > len) end = len > begin ? len : begin + 1; /* a span over lines ends with its first */
  m->column = screen_column(line, begin, len) + (begin > len ? begin - len : 0);
  size_t stop = screen_column(line, end, len) + (end > len ? end - len : 0);
  m->width = stop > m->column ? stop - m->column : 1;
  return true;
}

static int mark_order(const void *a, const void *b) {
  const Mark *x = a, *y = b;
  if (x->span.file != y->span.file) return x->span.file < y->span.file ? -1 : 1;
  if (x->line != y->line) return x->line < y->line ? -1 : 1;
  if (x->column != y->column) return x->column < y->column ? -1 : 1;
  return (int)y->primary - (int)x->primary;
}

/* Primary and labels, in order of place. */
static size_t diag_marks(const Diag *diag, Mark **out) {
  Mark *marks = ARENA_ARRAY(diag->diags->arena, Mark, diag->n_labels + 1);
  size_t n = 0;
  marks[n] = (Mark){.span = diag->span, .label = diag->label, .primary = true};
  n += mark_place(diag->diags->sources, &marks[n]);
  for (size_t i = 0; i < diag->n_labels; i++) {
    marks[n] = (Mark){.span = diag->labels[i].span, .label = diag->labels[i].text};
    n += mark_place(diag->diags->sources, &marks[n]);
  }
  if (n) qsort(marks, n, sizeof *marks, mark_order);
  *out = marks;
  return n;
}

uint32_t excerpt_last_line(const Diag *diag) {
  const Sources *sources = diag->diags->sources;
  Mark *marks;
  size_t n = diag_marks(diag, &marks);
  uint32_t last = 1;
  for (size_t i = 0; i < n; i++)
    if (marks[i].line > last) last = marks[i].line;
  for (size_t i = 0; i < diag->n_trace; i++) {
    const Source *s = sources_get(sources, diag->trace[i].span.file);
    uint32_t line = s ? source_place(sources, s, diag->trace[i].span.begin).line : 0;
    if (line > last) last = line;
  }
  for (size_t i = 0; i < diag->n_fixes; i++)
    for (size_t j = 0; j < diag->fixes[i]->n_edits; j++) {
      const Source *s = sources_get(sources, diag->fixes[i]->edits[j].span.file);
      uint32_t line = s ? source_place(sources, s, diag->fixes[i]->edits[j].span.end).line : 0;
      if (line > last) last = line;
    }
  return last;
}

static Paint mark_paint(const Diag *diag, const Mark *m) {
  if (!m->primary) return PAINT_GUTTER;
  return diag->level == LEVEL_ERROR     ? PAINT_ERROR
         : diag->level == LEVEL_WARNING ? PAINT_WARNING
                                        : PAINT_NOTE;
}

/* Goes to a screen column on the current line, given where it is; returns the new column. */
static size_t go(Canvas *canvas, size_t at, size_t to) {
  if (to > at) text_fill(canvas->out, ' ', to - at);
  return to > at ? to : at;
}

static void paint_underlines(Canvas *canvas, const Diag *diag, const Mark *m, size_t n,
                             size_t from) {
  size_t at = from;
  paint_gutter(canvas, 0, 0);
  text_add_char(canvas->out, ' ');
  for (size_t i = 0; i < n; i++) {
    size_t end = m[i].column + m[i].width;
    if (end > from + WINDOW) end = from + WINDOW;
    if (m[i].column < at && i) continue; /* inside the previous mark */
    at = go(canvas, at, m[i].column);
    Text line = text_new(canvas->out->arena);
    text_fill(&line, m[i].primary ? '^' : '-', end > at ? end - at : 1);
    paint(canvas, mark_paint(diag, &m[i]), text_str(&line));
    at = end > at ? end : at + 1;
  }
  if (m[n - 1].label) {
    text_add_char(canvas->out, ' ');
    paint(canvas, mark_paint(diag, &m[n - 1]), m[n - 1].label);
  }
  text_add_char(canvas->out, '\n');
}

/* One line below the underlines: bars for the labels still to come, then `last`'s bar or label. */
static void paint_hanging(Canvas *canvas, const Diag *diag, const Mark *m, size_t last, bool label,
                          size_t from) {
  size_t at = from;
  paint_gutter(canvas, 0, 0);
  text_add_char(canvas->out, ' ');
  for (size_t i = 0; i <= last; i++) {
    if (!m[i].label || (i < last && m[i].column == m[last].column && label)) continue;
    if (i < last && i + 1 <= last && m[i].column == m[i + 1].column && m[i + 1].label) continue;
    at = go(canvas, at, m[i].column);
    bool text = i == last && label;
    paint(canvas, mark_paint(diag, &m[i]), text ? m[i].label : "|");
    at += text ? 0 : 1;
  }
  text_add_char(canvas->out, '\n');
}

static void paint_marked_line(Canvas *canvas, const Diag *diag, const Source *source, const Mark *m,
                              size_t n) {
  size_t len, right = 0;
  const char *line = source_line(canvas->sources, source, m->line, &len);
  for (size_t i = 0; i < n; i++)
    if (m[i].column + m[i].width > right) right = m[i].column + m[i].width;
  size_t from = right > WINDOW && m[0].column > WINDOW / 4 ? m[0].column - WINDOW / 4 : 0;
  paint_gutter(canvas, m->line, 0);
  if (len) text_add_char(canvas->out, ' ');
  paint_source(canvas, line, len, from);
  text_add_char(canvas->out, '\n');
  paint_underlines(canvas, diag, m, n, from);
  bool bars = false;
  for (size_t i = n - 1; i-- > 0;) {
    if (!m[i].label) continue;
    if (!bars) paint_hanging(canvas, diag, m, i, false, from);
    bars = true;
    paint_hanging(canvas, diag, m, i, true, from);
  }
}

static void paint_file_head(Canvas *canvas, const Source *source, const Mark *m,
                            const char *arrow) {
  Place p = source_place(canvas->sources, source, m->span.begin);
  text_fill(canvas->out, ' ', (size_t)canvas->gutter);
  paint(canvas, PAINT_GUTTER, arrow);
  text_printf(canvas->out, " %s:%u:%u\n", safe_line(canvas->out->arena, source->path), p.line,
              p.column);
  paint_gutter(canvas, 0, 0);
  text_add_char(canvas->out, '\n');
}

/* The marks of one file. */
static void paint_file(Canvas *canvas, const Diag *diag, const Mark *m, size_t n, bool first) {
  const Source *source = sources_get(canvas->sources, m->span.file);
  const Mark *head = m;
  for (size_t i = 0; i < n; i++)
    if (m[i].primary) head = &m[i];
  paint_file_head(canvas, source, head, first ? "-->" : ":::");
  uint32_t shown = 0;
  for (size_t i = 0, k; i < n; i += k) {
    for (k = 1; i + k < n && m[i + k].line == m[i].line; k++) {
    }
    if (shown && m[i].line == shown + 2) { /* one line between: show it */
      size_t len;
      const char *line = source_line(canvas->sources, source, shown + 1, &len);
      paint_gutter(canvas, shown + 1, 0);
      if (len) text_add_char(canvas->out, ' ');
      paint_source(canvas, line, len, 0);
      text_add_char(canvas->out, '\n');
    } else if (shown && m[i].line > shown + 1) {
      paint(canvas, PAINT_GUTTER, "...");
      text_add_char(canvas->out, '\n');
    }
    paint_marked_line(canvas, diag, source, &m[i], k);
    shown = m[i].line;
  }
}

void paint_excerpt(Canvas *canvas, const Diag *diag) {
  Mark *marks;
  size_t n = diag_marks(diag, &marks);
  bool first = true;
  for (int pass = 0; pass < 2; pass++) /* the primary span's file first */
    for (size_t i = 0, k; i < n; i += k) {
      for (k = 1; i + k < n && marks[i + k].span.file == marks[i].span.file; k++) {
      }
      if ((marks[i].span.file == diag->span.file) != (pass == 0)) continue;
      paint_file(canvas, diag, &marks[i], k, first);
      first = false;
    }
  if (n) {
    paint_gutter(canvas, 0, 0);
    text_add_char(canvas->out, '\n');
  }
}
