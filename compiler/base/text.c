/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Text building, and the small string functions the renderers need. */
#include "base/text.h"

#include "base/safe.h"

#include <float.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *text_str(const Text *text) {
  return text->len ? text->s : "";
}

void text_add_n(Text *text, const char *s, size_t n) {
  if (!n) return;
  if (n > SIZE_MAX - text->len - 1) arena_out_of_memory(text->arena);
  text->s = arena_grow(text->arena, text->s, &text->cap, text->len + n + 1, 1);
  memcpy(text->s + text->len, s, n);
  text->len += n;
  text->s[text->len] = 0;
}

void text_add(Text *text, const char *s) {
  text_add_n(text, s, strlen(s));
}

void text_add_char(Text *text, char c) {
  text_add_n(text, &c, 1);
}

void text_reserve(Text *text, size_t n) {
  if (n > SIZE_MAX - text->len - 1) arena_out_of_memory(text->arena);
  size_t need = text->len + n + 1;
  if (need <= text->cap) return;
  char *s = arena_alloc(text->arena, need); /* as much as that: it may be as large as all weights */
  if (text->len) memcpy(s, text->s, text->len);
  text->s = s;
  text->cap = need;
}

void text_fill(Text *text, char c, size_t n) {
  while (n--)
    text_add_char(text, c);
}

void text_vprintf(Text *text, const char *format, va_list args) {
  va_list again;
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, format, args);
  if (n > 0) {
    text->s = arena_grow(text->arena, text->s, &text->cap, text->len + (size_t)n + 1, 1);
    vsnprintf(text->s + text->len, (size_t)n + 1, format, again);
    text->len += (size_t)n;
  }
  va_end(again);
}

void text_printf(Text *text, const char *format, ...) {
  va_list args;
  va_start(args, format);
  text_vprintf(text, format, args);
  va_end(args);
}

void text_add_thousands(Text *text, long long n) {
  char digits[32];
  int len = snprintf(digits, sizeof digits, "%lld", n);
  int first = digits[0] == '-';
  for (int i = 0; i < len; i++) {
    if (i > first && (len - i) % 3 == 0) text_add_char(text, ',');
    text_add_char(text, digits[i]);
  }
}

void text_add_json(Text *text, const char *s) {
  size_t n = strlen(s), len = 1;
  text_add_char(text, '"');
  for (; n; s += len, n -= len) {
    unsigned char c = (unsigned char)*s;
    unsigned code = text_decode(s, n, &len);
    if (c == '"' || c == '\\')
      text_printf(text, "\\%c", c);
    else if (c == '\n')
      text_add(text, "\\n");
    else if (c == '\t')
      text_add(text, "\\t");
    else if (c == '\r')
      text_add(text, "\\r");
    else if (c < 0x20 || c == 0x7F)
      text_printf(text, "\\u%04x", c);
    else if (!safe_character(code) &&
             code < 0x10000) /* the same text, and nothing that a terminal acts on */
      text_printf(text, "\\u%04x", code);
    else if (code == 0xFFFD)
      text_add(text, "\xEF\xBF\xBD"); /* JSON is UTF-8, file names may not be */
    else
      text_add_n(text, s, len);
  }
  text_add_char(text, '"');
}

/* The compiler never calls setlocale, so printf and strtod use the C locale's point. */
/* The digits `%g` gave for value; a whole number is written out: 50, not 5e+01. */
static void add_shortest(Text *text, const char *digits, double value) {
  char whole[64];
  snprintf(whole, sizeof whole, "%.0f", value);
  bool power = strchr(digits, 'e') != NULL, small = value < 1e15 && value > -1e15;
  text_add(text, power && small && strtod(whole, NULL) == value ? whole : digits);
}

/* Most weights need 8 digits: the search starts there, up if they are too few, else down. */
void text_add_float(Text *text, float value) {
  char s[64], fewer[64];
  int digits = FLT_DECIMAL_DIG - 1;
  snprintf(s, sizeof s, "%.*g", digits, (double)value);
  if (strtof(s, NULL) != value)
    snprintf(s, sizeof s, "%.*g", FLT_DECIMAL_DIG, (double)value);
  else
    while (--digits > 0) {
      snprintf(fewer, sizeof fewer, "%.*g", digits, (double)value);
      if (strtof(fewer, NULL) != value) break;
      memcpy(s, fewer, sizeof s);
    }
  add_shortest(text, s, (double)value);
}

void text_add_double(Text *text, double value) {
  char s[64];
  for (int digits = 1; digits <= DBL_DECIMAL_DIG; digits++) {
    snprintf(s, sizeof s, "%.*g", digits, value);
    if (strtod(s, NULL) == value) break;
  }
  add_shortest(text, s, value);
}

unsigned text_decode(const char *s, size_t n, size_t *len) {
  static const unsigned least[5] = {0, 0, 0x80, 0x800, 0x10000};
  unsigned char c = n ? (unsigned char)*s : 0;
  size_t size = c < 0x80             ? 1
                : (c & 0xE0) == 0xC0 ? 2
                : (c & 0xF0) == 0xE0 ? 3
                : (c & 0xF8) == 0xF0 ? 4
                                     : 0;
  *len = 1;
  if (size == 1) return c;
  if (size == 0 || size > n) return 0xFFFD;
  unsigned u = c & (0xFFu >> (size + 1));
  for (size_t i = 1; i < size; i++) {
    if (((unsigned char)s[i] & 0xC0) != 0x80) return 0xFFFD;
    u = u << 6 | ((unsigned char)s[i] & 0x3F);
  }
  if (u < least[size] || u > 0x10FFFF || (u >= 0xD800 && u <= 0xDFFF)) return 0xFFFD;
  *len = size;
  return u;
}

/* Ranges of zero and of double width, from the East Asian Width and combining properties of
 * Unicode, reduced to the blocks a model's comments are likely to hold. */
static size_t code_point_width(unsigned u) {
  if (u < 0x300) return 1;
  if (u <= 0x36F || (u >= 0x200B && u <= 0x200F) || (u >= 0x20D0 && u <= 0x20FF) ||
      (u >= 0xFE00 && u <= 0xFE0F) || u == 0xFEFF)
    return 0;
  if ((u >= 0x1100 && u <= 0x115F) || (u >= 0x2E80 && u <= 0xA4CF) ||
      (u >= 0xAC00 && u <= 0xD7A3) || (u >= 0xF900 && u <= 0xFAFF) ||
      (u >= 0xFE30 && u <= 0xFE6F) || (u >= 0xFF00 && u <= 0xFF60) ||
      (u >= 0xFFE0 && u <= 0xFFE6) || (u >= 0x1F300 && u <= 0x1F64F) ||
      (u >= 0x1F900 && u <= 0x1F9FF) || (u >= 0x20000 && u <= 0x3FFFD))
    return 2;
  return 1;
}

size_t text_width(const char *s, size_t n) {
  size_t width = 0;
  for (size_t i = 0, len; i < n; i += len)
    width += code_point_width(text_decode(s + i, n - i, &len));
  return width;
}

static size_t least_of(size_t a, size_t b, size_t c) {
  size_t m = a < b ? a : b;
  return m < c ? m : c;
}

bool words_next(const char **list, TextWord *word) {
  if (!*list) return false;
  const char *s = *list + strspn(*list, " ");
  *word = (TextWord){s, strcspn(s, " ")};
  *list = s + word->len;
  return word->len > 0;
}

bool text_word_is(TextWord word, const char *s) {
  return strncmp(word.s, s, word.len) == 0 && s[word.len] == 0;
}

int words_find(const char *list, const char *s, size_t len) {
  TextWord word;
  for (int i = 0; words_next(&list, &word); i++)
    if (word.len == len && memcmp(word.s, s, len) == 0) return i;
  return -1;
}

int words_index(const char *list, const char *s) {
  return words_find(list, s, strlen(s));
}

/* Optimal string alignment: insert, delete, replace, swap two neighbours, each costs 1. */
size_t text_distance(const char *a, const char *b, size_t limit) {
  enum { MAX = 64 };
  size_t n = strlen(a), m = strlen(b);
  if (n > MAX || m > MAX || (n > m ? n - m : m - n) > limit) return limit + 1;
  size_t row[3][MAX + 1];
  for (size_t j = 0; j <= m; j++)
    row[0][j] = j;
  for (size_t i = 1; i <= n; i++) {
    size_t *cur = row[i % 3], *up = row[(i + 2) % 3], *upper = row[(i + 1) % 3];
    cur[0] = i;
    for (size_t j = 1; j <= m; j++) {
      cur[j] = least_of(up[j] + 1, cur[j - 1] + 1, up[j - 1] + (a[i - 1] != b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
          upper[j - 2] + 1 < cur[j])
        cur[j] = upper[j - 2] + 1;
    }
  }
  return row[n % 3][m] <= limit ? row[n % 3][m] : limit + 1;
}

const char *words_listed(Arena *arena, const char *words) {
  Text text = text_new(arena);
  TextWord word;
  while (words_next(&words, &word)) {
    if (text.len) text_add(&text, words[strspn(words, " ")] ? ", " : " or ");
    text_add_n(&text, word.s, word.len);
  }
  return text_str(&text);
}

const char *list_separator(int i, int n, const char *last) {
  if (i == 0) return "";
  return i + 1 < n ? ", " : last;
}

char *text_upper(Arena *arena, const char *s) {
  char *upper = arena_strdup(arena, s);
  for (char *c = upper; *c; c++)
    if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 'a' + 'A');
  return upper;
}

bool text_begins(const char *s, const char *with) {
  return strncmp(s, with, strlen(with)) == 0;
}

bool text_ends(const char *s, const char *with) {
  size_t n = strlen(s), m = strlen(with);
  return n >= m && strcmp(s + n - m, with) == 0;
}

const char *text_file_folder(Arena *arena, const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? arena_strndup(arena, path, (size_t)(slash - path) + 1) : "";
}

const char *text_file_stem(Arena *arena, const char *path) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  const char *dot = strrchr(name, '.');
  return dot && dot != name ? arena_strndup(arena, name, (size_t)(dot - name)) : name;
}
