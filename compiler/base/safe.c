/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Escapes for text of strangers; see safe.h. */
#include "base/safe.h"

#include <string.h>

enum { MALFORMED = 0xFFFD };

/* Controls of C0 and C1; marks, embeddings, overrides and isolates of bidirectional text;
 * separators of lines and paragraphs; what is invisible: joiners, byte-order marks, annotations,
 * tags. */
bool safe_character(unsigned u) {
  static const unsigned ranges[][2] = {{0x00, 0x1F},     {0x7F, 0x9F},      {0xAD, 0xAD},
                                       {0x61C, 0x61C},   {0x180E, 0x180E},  {0x200B, 0x200F},
                                       {0x2028, 0x202E}, {0x2060, 0x206F},  {0xFEFF, 0xFEFF},
                                       {0xFFF9, 0xFFFB}, {0xE0000, 0xE0FFF}};
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
    if (u >= ranges[i][0] && u <= ranges[i][1]) return false;
  return true;
}

static void add_safe(Text *text, const char *s, size_t n, bool lines) {
  for (size_t len; n; s += len, n -= len) {
    unsigned u = text_decode(s, n, &len);
    bool malformed = u == MALFORMED && len == 1, kept = lines && (u == '\n' || u == '\t');
    if (malformed || (u < 0x80 && !kept && !safe_character(u)))
      text_printf(text, "\\x%02x", (unsigned char)*s);
    else if (kept || safe_character(u))
      text_add_n(text, s, len);
    else
      text_printf(text, "\\u{%x}", u);
  }
}

void text_add_safe(Text *text, const char *s, size_t n) {
  add_safe(text, s, n, false);
}

static const char *made_safe(Arena *arena, const char *s, bool lines) {
  size_t n = s ? strlen(s) : 0, plain = 0;
  while (plain < n && ((s[plain] >= ' ' && s[plain] < 0x7F) ||
                       (lines && (s[plain] == '\n' || s[plain] == '\t'))))
    plain++;
  if (plain == n) return s;
  Text text = text_new(arena);
  text_add_n(&text, s, plain);
  add_safe(&text, s + plain, n - plain, lines);
  return text_str(&text);
}

const char *safe_line(Arena *arena, const char *s) {
  return made_safe(arena, s, false);
}
const char *safe_lines(Arena *arena, const char *s) {
  return made_safe(arena, s, true);
}

void text_add_string(Text *text, const char *s) {
  text_add_char(text, '"');
  for (s = safe_line(text->arena, s); *s; s++) {
    if (*s == '"' || *s == '\\') text_add_char(text, '\\');
    text_add_char(text, *s);
  }
  text_add_char(text, '"');
}

const char *safe_vprintf(Arena *arena, const char *format, va_list args) {
  const char *s = arena_vprintf(arena, format, args);
  return strchr(format, '\n') ? safe_lines(arena, s) : safe_line(arena, s);
}
