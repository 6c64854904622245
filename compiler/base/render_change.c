/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The lines a fix changes, before and after:
 *
 *     5 -   in  h0 : f32[32, 64]          6 |     |> GRU(64)
 *     5 +   in  h0 : f32[64]              7 +     |> last
 *                                         8 |     |> Dense(10)
 *
 * A changed line is shown twice, a deleted one once; an inserted line stands between its
 * neighbours. */
#include "base/render.h"
#include "base/render_excerpt.h"

#include <string.h>

typedef struct ChangeLines {
  const char **s;
  size_t *len;
  size_t n;
} ChangeLines;

static ChangeLines split(Arena *arena, const char *s, size_t len) {
  size_t n = 1;
  for (size_t i = 0; i < len; i++)
    n += s[i] == '\n';
  ChangeLines lines = {ARENA_ARRAY(arena, const char *, n), ARENA_ARRAY(arena, size_t, n), 0};
  for (size_t begin = 0, i = 0; i <= len; i++)
    if (i == len || s[i] == '\n') {
      size_t end = i > begin && s[i - 1] == '\r' ? i - 1 : i;
      lines.s[lines.n] = s + begin;
      lines.len[lines.n++] = end - begin;
      begin = i + 1;
    }
  if (len && s[len - 1] == '\n') lines.n--;
  return lines;
}

static bool same(const ChangeLines *a, size_t i, const ChangeLines *b, size_t j) {
  return a->len[i] == b->len[j] && memcmp(a->s[i], b->s[j], a->len[i]) == 0;
}

/* focus: the byte that is shown in any case. */
static void paint_line(Canvas *canvas, uint32_t line, char sign, const char *s, size_t len,
                       size_t focus) {
  paint_gutter(canvas, line, sign);
  if (len) text_add_char(canvas->out, ' ');
  paint_source(canvas, s, len, excerpt_from(s, len, focus));
  text_add_char(canvas->out, '\n');
}

/* The first byte in which two lines differ; 0 where there is no other line. */
static size_t difference(const ChangeLines *a, size_t i, size_t i_end, const ChangeLines *b,
                         size_t j, size_t j_end) {
  size_t k = 0;
  if (i >= i_end || j >= j_end) return 0;
  while (k < a->len[i] && k < b->len[j] && a->s[i][k] == b->s[j][k])
    k++;
  while (k > 0 && ((unsigned char)a->s[i][k] & 0xC0) == 0x80) /* not inside of a character */
    k--;
  return k;
}

/* Lines [i, i_end) of a became [j, j_end) of b; both windows begin after line `base`. */
static void paint_hunk(Canvas *canvas, const ChangeLines *a, size_t i, size_t i_end,
                       const ChangeLines *b, size_t j, size_t j_end, uint32_t base) {
  bool insertion = i == i_end;
  if (insertion && j > 0) paint_line(canvas, base + (uint32_t)j, 0, b->s[j - 1], b->len[j - 1], 0);
  for (size_t k = i; k < i_end; k++)
    paint_line(canvas, base + (uint32_t)k + 1, '-', a->s[k], a->len[k],
               difference(a, k, i_end, b, j + k - i, j_end));
  for (size_t k = j; k < j_end; k++)
    paint_line(canvas, base + (uint32_t)k + 1, '+', b->s[k], b->len[k],
               difference(b, k, j_end, a, i + k - j, i_end));
  if (insertion && j_end < b->n)
    paint_line(canvas, base + (uint32_t)j_end + 1, 0, b->s[j_end], b->len[j_end], 0);
}

/* Edits are few and local: hunks are found by the nearest line that is equal again. Of two such
 * lines equally near, the one of the longer text: a deletion is not shown as a line that moved. */
static void paint_hunks(Canvas *canvas, const ChangeLines *a, const ChangeLines *b, uint32_t base) {
  enum { REACH = 64 };
  size_t i = 0, j = 0;
  bool shrinks = b->n < a->n;
  while (i < a->n || j < b->n) {
    if (i < a->n && j < b->n && same(a, i, b, j)) {
      i++;
      j++;
      continue;
    }
    size_t di = a->n - i, dj = b->n - j;
    bool found = false;
    for (size_t sum = 1; sum < REACH && !found; sum++)
      for (size_t k = 0; k <= sum && !found; k++) {
        size_t x = shrinks ? sum - k : k, y = sum - x;
        bool ends = i + x == a->n && j + y == b->n;
        if (i + x > a->n || j + y > b->n) continue;
        if (!ends && (i + x == a->n || j + y == b->n || !same(a, i + x, b, j + y))) continue;
        if (!ends && a->len[i + x] == 0) continue; /* an empty line proves nothing */
        di = x;
        dj = y;
        found = true;
      }
    while (di && dj && same(a, i + di - 1, b, j + dj - 1)) {
      di--;
      dj--;
    }
    paint_hunk(canvas, a, i, i + di, b, j, j + dj, base);
    i += di;
    j += dj;
  }
}

void paint_fix(Canvas *canvas, const Fix *fix) {
  if (!fix->n_edits) return;
  Arena *arena = canvas->out->arena;
  const Source *source = sources_get(canvas->sources, fix->edits[0].span.file);
  if (!source) return;
  /* Only the lines around the edits are compared, so that a large file costs nothing. */
  uint32_t low = UINT32_MAX, high = 0;
  for (size_t i = 0; i < fix->n_edits; i++) {
    if (fix->edits[i].span.begin < low) low = fix->edits[i].span.begin;
    if (fix->edits[i].span.end > high) high = fix->edits[i].span.end;
  }
  uint32_t first = source_place(canvas->sources, source, low).line;
  uint32_t last = source_place(canvas->sources, source, high).line;
  first = first > 2 ? first - 2 : 1;
  uint32_t begin = source_line_start(canvas->sources, source, first);
  uint32_t end = source_line_start(canvas->sources, source, last + 3);
  size_t new_len;
  const char *whole = fix_apply(arena, source, fix, &new_len);
  size_t tail = source->len - end;
  ChangeLines before = split(arena, source->text + begin, end - begin);
  ChangeLines after = split(arena, whole + begin, new_len - begin - tail);
  paint_gutter(canvas, 0, 0);
  text_add_char(canvas->out, '\n');
  paint_hunks(canvas, &before, &after, first - 1);
  paint_gutter(canvas, 0, 0);
  text_add_char(canvas->out, '\n');
}
