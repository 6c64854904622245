/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The text of a file of code as tokens. Lines end only outside of brackets, and indentation is a
 * token, as in Python. */
#include "import/read/script/script.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TOKENS = 4000000, MAX_INDENTS = 100, MAX_NUMBER = 60 };

typedef struct Lexer {
  Arena *arena;
  const char *s;
  size_t n, at;
  int line, brackets;
  int indent[MAX_INDENTS], n_indents;
  ScriptToken *token;
  size_t n_tokens, cap;
  const char *reason;
} Lexer;

static bool fail(Lexer *l, const char *reason) {
  l->reason = reason;
  return false;
}

static bool add(Lexer *l, ScriptToken token) {
  token.line = l->line;
  if (l->n_tokens >= MAX_TOKENS) return fail(l, "it is too long");
  ARENA_PUSH(l->arena, l->token, l->n_tokens, l->cap, token);
  return true;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 128;
}

static char peek(const Lexer *l, size_t k) {
  return l->at + k < l->n ? l->s[l->at + k] : 0;
}

static bool number(Lexer *l) {
  char text[MAX_NUMBER + 1];
  size_t from = l->at, n;
  bool is_float = false;
  while (is_digit(peek(l, 0)) || peek(l, 0) == '.' || peek(l, 0) == 'e' || peek(l, 0) == 'E' ||
         ((peek(l, 0) == '-' || peek(l, 0) == '+') && l->at > from &&
          (l->s[l->at - 1] == 'e' || l->s[l->at - 1] == 'E'))) {
    is_float = is_float || !is_digit(peek(l, 0));
    l->at++;
  }
  n = l->at - from;
  if (n > MAX_NUMBER) return fail(l, "a number is too long");
  if (peek(l, 0) == 'j') return fail(l, "a number is complex");
  memcpy(text, l->s + from, n);
  text[n] = 0;
  if (is_float) return add(l, (ScriptToken){.kind = SCRIPT_FLOAT, .f = strtod(text, NULL)});
  errno = 0;
  int64_t i = strtoll(text, NULL, 10);
  return errno ? fail(l, "a number is too large")
               : add(l, (ScriptToken){.kind = SCRIPT_INT, .i = i});
}

/* A text in quotes. What escape sequences stand for makes no difference but for quotes. */
static bool quoted(Lexer *l) {
  char quote = l->s[l->at++];
  size_t from = l->at, n = 0;
  while (l->at < l->n && l->s[l->at] != quote && l->s[l->at] != '\n')
    l->at += l->s[l->at] == '\\' && l->at + 1 < l->n ? 2 : 1;
  if (l->at >= l->n || l->s[l->at] != quote) return fail(l, "a text does not end");
  char *text = arena_strndup(l->arena, l->s + from, l->at - from);
  for (size_t i = 0; text[i]; i++) {
    if (text[i] == '\\' && text[i + 1]) i++;
    text[n++] = text[i];
  }
  text[n] = 0;
  l->at++;
  return add(l, (ScriptToken){.kind = SCRIPT_TEXT, .text = text});
}

static bool mark(Lexer *l) {
  char c = l->s[l->at];
  size_t n = c == '-' && peek(l, 1) == '>' ? 2 : 1;
  if (c == '(' || c == '[' || c == '{') l->brackets++;
  if (c == ')' || c == ']' || c == '}') l->brackets--;
  if (l->brackets < 0) return fail(l, "a bracket closes that was not opened");
  l->at += n;
  return add(
      l, (ScriptToken){.kind = SCRIPT_MARK, .text = arena_strndup(l->arena, l->s + l->at - n, n)});
}

static bool name(Lexer *l) {
  size_t from = l->at;
  while (is_letter(peek(l, 0)) || is_digit(peek(l, 0)))
    l->at++;
  return add(l, (ScriptToken){.kind = SCRIPT_NAME,
                              .text = arena_strndup(l->arena, l->s + from, l->at - from)});
}

/* The indentation of a line that has something on it. */
static bool indentation(Lexer *l, int columns) {
  bool back = columns < l->indent[l->n_indents - 1];
  while (l->n_indents > 1 && columns < l->indent[l->n_indents - 1]) {
    l->n_indents--;
    if (!add(l, (ScriptToken){.kind = SCRIPT_DEDENT})) return false;
  }
  if (columns == l->indent[l->n_indents - 1]) return true;
  if (back || l->n_indents == MAX_INDENTS) return fail(l, "the indentation does not fit");
  l->indent[l->n_indents++] = columns;
  return add(l, (ScriptToken){.kind = SCRIPT_INDENT});
}

/* Blanks at the begin of a line, and its indentation unless it is empty. */
static bool line_begins(Lexer *l) {
  int columns = 0;
  while (peek(l, 0) == ' ') {
    columns++;
    l->at++;
  }
  bool empty = l->at >= l->n || peek(l, 0) == '\n' || peek(l, 0) == '\r' || peek(l, 0) == '#';
  return empty || indentation(l, columns);
}

static bool line_ends(Lexer *l) {
  bool something = l->n_tokens && l->token[l->n_tokens - 1].kind != SCRIPT_NEWLINE &&
                   l->token[l->n_tokens - 1].kind != SCRIPT_DEDENT;
  l->at++;
  if (l->brackets) {
    l->line++;
    return true;
  }
  if (something && !add(l, (ScriptToken){.kind = SCRIPT_NEWLINE})) return false;
  l->line++;
  return line_begins(l);
}

static bool next(Lexer *l) {
  char c = l->s[l->at];
  if (c == '\n') return line_ends(l);
  if (c == ' ' || c == '\r' || c == '\t' || c == '#') {
    if (c == '#')
      while (l->at < l->n && l->s[l->at] != '\n')
        l->at++;
    else
      l->at++;
    return true;
  }
  if (is_digit(c) || (c == '.' && is_digit(peek(l, 1)))) return number(l);
  if (is_letter(c)) return name(l);
  if (c == '"' || c == '\'') return quoted(l);
  if (c > ' ' && c < 127) return mark(l);
  return fail(l, "a character is unknown");
}

ScriptToken *script_lex(Arena *arena, Mapped text, int *line, const char **reason) {
  Lexer l = {.arena = arena, .s = (const char *)text.data, .n = text.len, .line = 1};
  l.n_indents = 1;
  bool good = line_begins(&l);
  while (good && l.at < l.n)
    good = next(&l);
  if (good && l.brackets) good = fail(&l, "a bracket does not close");
  bool open = l.n_tokens && l.token[l.n_tokens - 1].kind != SCRIPT_NEWLINE;
  if (good && open) good = add(&l, (ScriptToken){.kind = SCRIPT_NEWLINE});
  if (good) good = indentation(&l, 0);
  if (good) good = add(&l, (ScriptToken){.kind = SCRIPT_END});
  *line = l.line;
  *reason = l.reason;
  return good ? l.token : NULL;
}
