/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Text: a growing string in an arena. What every printer and renderer writes into. */
#ifndef GRUS_BASE_TEXT_H
#define GRUS_BASE_TEXT_H

#include "base/arena.h"

#include <stdbool.h>

typedef struct Text {
  Arena *arena;
  char *s; /* always terminated once anything was added; see text_str */
  size_t len, cap;
} Text;

static inline Text text_new(Arena *arena) {
  return (Text){.arena = arena};
}
/* The content as a C string, "" when empty. Valid until the next addition. */
const char *text_str(const Text *text);

void text_add(Text *text, const char *s);
void text_add_n(Text *text, const char *s, size_t n);
void text_add_char(Text *text, char c);
/* Room for n more characters, so that many small additions move the text once at most. */
void text_reserve(Text *text, size_t n);
void text_fill(Text *text, char c, size_t n);
void text_printf(Text *text, const char *format, ...) GRUS_PRINTF(2, 3);
void text_vprintf(Text *text, const char *format, va_list args);
/* 15168 as "15,168". */
void text_add_thousands(Text *text, long long n);
/* s as a JSON string with its quotes. */
void text_add_json(Text *text, const char *s);
/* The shortest decimal that reads back as the same float (double); never locale dependent. */
void text_add_float(Text *text, float value);
void text_add_double(Text *text, double value);

/* A word of a list, in which blanks stand between words. */
typedef struct TextWord {
  const char *s;
  size_t len;
} TextWord;

/* Takes the next word off a list; NULL is an empty list. False: there is none left. */
bool words_next(const char **list, TextWord *word);
bool text_word_is(TextWord word, const char *s);
/* The place of a word in a list; -1: it is not there. */
int words_index(const char *list, const char *s);
/* "a, b or c" of "a b c". */
const char *words_listed(Arena *arena, const char *words);
int words_find(const char *list, const char *s, size_t len);
/* What stands before item i of a list of n in a sentence: nothing before the first one, `last`
 * (" and ", " or ") before the last one, and a comma before the others. */
const char *list_separator(int i, int n, const char *last);

/* Columns a terminal needs for the first n bytes of UTF-8 text: wide characters 2, combining 0. */
size_t text_width(const char *s, size_t n);
/* Decodes one code point at s (n bytes left); *len gets its length. U+FFFD, length 1 if
 * malformed. */
unsigned text_decode(const char *s, size_t n, size_t *len);
bool text_begins(const char *s, const char *with);
bool text_ends(const char *s, const char *with);
/* A copy in which letters of ASCII are capitals. */
char *text_upper(Arena *arena, const char *s);
/* "model" of "out/model.grus". */
const char *text_file_stem(Arena *arena, const char *path);
/* The folder of a path, with its slash; "" where it has none. */
const char *text_file_folder(Arena *arena, const char *path);
/* Damerau-Levenshtein distance; stops counting beyond limit (returns limit + 1). */
size_t text_distance(const char *a, const char *b, size_t limit);

#endif
