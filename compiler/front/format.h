/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The formatter works on the tokens of a file without syntax errors, so that what it writes has the
 * same tokens in the same order (but for commas before a closing bracket), and no comment is lost.
 *
 *   format_lexemes.c    tokens and comments in one list, and which of them a blank parts
 *   format_statement.c  the lines of one statement
 *   format_align.c      pipes below each other
 *   format.c            statements, blank lines, columns that are aligned
 *
 * Private to front/. */
#ifndef GRUS_FRONT_FORMAT_H
#define GRUS_FRONT_FORMAT_H

#include "front/parser.h"

enum { FORMAT_WIDTH = 88, FORMAT_INDENT = 2 };

typedef struct Lexeme {
  int kind;      /* as in the grammar; LEXEME_COMMENT */
  const char *s; /* in the source */
  size_t len;
  uint32_t line;   /* in the source, from 0 */
  uint32_t column; /* columns before it in the source */
  int pad;         /* blanks more than usual before it */
  int depth;       /* round and square brackets around it; a bracket is outside itself */
  char open;       /* the innermost of them, 0: none */
  bool blank;      /* parted from the token before */
  bool may_break;  /* a line may begin here if it would be too long otherwise */
  bool own_line;   /* comments */
} Lexeme;

enum { LEXEME_COMMENT = -1 };

typedef struct Lexemes {
  Lexeme *item;
  size_t n, cap;
} Lexemes;

/* The tokens and comments of a source that parses. */
Lexemes lexemes_read(Arena *arena, const Source *source, Diags *diags);

/* One statement, or the head of a block or model up to its `{`. */
typedef struct Statement {
  Lexeme *item;
  size_t n;
  int indent;
  size_t sign;            /* index of `:` or `=` after the name; 0: none */
  size_t equals;          /* index of the `=` after a type; 0: none */
  bool chained;           /* its pipeline, or the whole, takes more than one line */
  bool all;               /* every stage begins a line */
  int name_end, type_end; /* columns where name and type end without alignment */
} Statement;

/* Finds the signs and decides about lines; independent of any alignment. */
Statement statement_measure(Lexeme *item, size_t n, int indent);
/* The column of item[i] of a statement on one line. */
int statement_column(const Statement *s, size_t i, int sign_column, int equals_column);
/* Writes it; sign and equals begin at these columns or later. Ends with a line end. */
void statement_write(Text *out, const Statement *s, int sign_column, int equals_column);

/* A run of adjacent statements, n of them, of which all but the last are on one line: pipes that
 * stand below each other in the source stay so. */
void statements_align_pipes(Statement *const *s, size_t n, int sign_column, int equals_column);

#endif
