/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What stands before the cursor. In: a text in the middle of being typed, which seldom parses. Out:
 * the bracket, the stage and the key that the cursor is in, by reading the statement's letters
 * forward. A statement begins at a keyword at the start of a line. */
#include "lsp/server.h"

#include "model/graph/identifier.h"

#include <ctype.h>
#include <string.h>

enum { LOOK_BACK = 16384, DEPTH_MAX = 64 };

static const char *const statement_words[] = {
#define STATEMENT(word, token) #word,
#include "model/graph/keywords.def"
    NULL};

/* The statement keyword at s; NULL if there is none. */
static const char *keyword_at(const char *s, size_t n) {
  size_t len = 0;
  while (len < n && identifier_has(s[len]))
    len++;
  for (int i = 0; statement_words[i]; i++)
    if (strlen(statement_words[i]) == len && memcmp(s, statement_words[i], len) == 0)
      return statement_words[i];
  return NULL;
}

/* Where the statement that holds `at` begins. */
static uint32_t statement_begin(const char *text, uint32_t at, const char **keyword) {
  uint32_t least = at > LOOK_BACK ? at - LOOK_BACK : 0;
  for (uint32_t line = at;; line--) {
    while (line > least && text[line - 1] != '\n')
      line--;
    uint32_t word = line;
    while (word < at && (text[word] == ' ' || text[word] == '\t'))
      word++;
    *keyword = keyword_at(text + word, at - word);
    /* the word being typed is none yet */
    if (*keyword && word + strlen(*keyword) < at) return word;
    if (line <= least) return line;
  }
}

typedef struct Level {
  char open;
  const char *callee, *key;
  uint32_t callee_at;
  int argument;
  bool piped;
} Level;

typedef struct CursorReading {
  Arena *arena;
  const char *text;
  Level level[DEPTH_MAX];
  int depth; /* level[depth] is the innermost; level[0] has no bracket */
  Cursor c;
  int before_name; /* what stood before the last name */
  uint32_t name_at;
} CursorReading;

static void read_word(CursorReading *r, uint32_t begin, uint32_t end) {
  bool number = isdigit((unsigned char)r->text[begin]);
  r->before_name = r->c.before;
  r->c.before = number ? '0' : 'n';
  r->c.name = arena_strndup(r->arena, r->text + begin, end - begin);
  r->name_at = begin;
}

static void read_sign(CursorReading *r, char sign) {
  Level *top = &r->level[r->depth];
  if (sign == '(' || sign == '[' || sign == '{') {
    Level inner = {.open = sign};
    if (r->c.before == 'n') {
      inner.callee = r->c.name;
      inner.callee_at = r->name_at;
      inner.piped = r->before_name == '|';
    }
    if (r->depth + 1 < DEPTH_MAX) r->level[++r->depth] = inner;
  } else if ((sign == ')' || sign == ']' || sign == '}') && r->depth > 0) {
    r->depth--;
  } else if (sign == ',') {
    top->argument++;
    top->key = NULL;
  } else if (sign == '=') {
    if (top->open == '(' && r->c.before == 'n') top->key = r->c.name;
    if (!r->depth) r->c.typed = false;
  } else if (sign == ':' && !r->depth)
    r->c.typed = true;
  r->c.before = sign;
}

/* The end of a string or comment that begins at `at`, or the cursor if it is inside. */
static uint32_t pass(const char *text, uint32_t at, uint32_t end, char closer, bool *inside) {
  for (uint32_t i = at + 1; i < end; i++) {
    if (text[i] == '\n') {
      *inside = false;
      return i;
    }
    if (closer == '"' && text[i] == '\\' && i + 1 < end)
      i++;
    else if (text[i] == closer)
      return i + 1;
  }
  *inside = true;
  return end;
}

Cursor cursor_at(Arena *arena, const char *text, size_t len, uint32_t at) {
  if (at > len) at = (uint32_t)len;
  CursorReading r = {.arena = arena, .text = text};
  uint32_t i = statement_begin(text, at, &r.c.keyword);
  r.c.word = at;
  while (r.c.word > i && identifier_has(text[r.c.word - 1]))
    r.c.word--;
  i += r.c.keyword ? (uint32_t)strlen(r.c.keyword) : 0;
  while (i < r.c.word) {
    uint32_t end = i + 1;
    if (text[i] == '#') {
      i = pass(text, i, r.c.word, '\n', &r.c.comment);
    } else if (text[i] == '"') {
      i = pass(text, i, r.c.word, '"', &r.c.string);
      if (!r.c.string)
        r.c.before = '"';
      else
        r.c.word = at;
    } else if (identifier_has(text[i])) {
      while (end < r.c.word && identifier_has(text[end]))
        end++;
      read_word(&r, i, end);
      i = end;
    } else {
      bool pipe = text[i] == '|' && end < r.c.word && text[end] == '>';
      if (!isspace((unsigned char)text[i])) read_sign(&r, text[i]);
      i = pipe ? end + 1 : end;
    }
  }
  const Level *top = &r.level[r.depth];
  r.c.open = top->open;
  r.c.callee = top->callee;
  r.c.callee_at = top->callee_at;
  r.c.argument = top->argument;
  r.c.key = top->key;
  r.c.piped = top->piped;
  return r.c;
}
