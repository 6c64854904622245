/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What lexer, token stream and grammar share while one file is parsed. Private to front/. */
#ifndef GRUS_FRONT_PARSER_H
#define GRUS_FRONT_PARSER_H

#include "base/diag.h"
#include "front/ast.h"

/* Brackets, and minus signs in a row, may be this deep (E111). */
enum { NESTING_MAX = 256 };

/* The `##` lines of one item or statement; grows until the statement is complete. */
typedef struct Doc {
  const char *text; /* NULL: none */
} Doc;

typedef struct Token {
  int kind; /* TOK_* of the grammar, or a character */
  Span span;
  const char *text; /* names, keywords, numbers as written, string contents; else NULL */
  Doc *doc;         /* keywords that begin something documented */
  bool line_start;  /* the first token of its line */
  bool made_up;     /* not in the source: supplied by the token stream */
  bool seen;        /* brackets left open before it have been reported */
} Token;

typedef struct Comment {
  Span span;
  bool own_line; /* nothing but blanks before it on its line */
} Comment;

typedef struct Opener {
  char bracket;
  Span span;
  int minuses; /* in a row before it */
} Opener;

typedef struct Parser {
  Arena *arena;
  const Source *source;
  Diags *diags;
  /* lexer */
  void *scanner;
  const char *buffer;
  bool line_start; /* a line end was read since the last token */
  Comment *comment;
  size_t n_comments, cap_comments;
  Doc *doc;            /* of the statement begun last */
  const char *pending; /* `##` lines waiting for the statement they stand above */
  /* token stream */
  Token ahead[2]; /* read but not handed out */
  int n_ahead;
  Token latest;   /* the last token handed to the grammar */
  Token previous; /* the last one that is in the source, and the one before it */
  Token previous_but_one;
  int before; /* kind of previous_but_one; 0 once a colon has been supplied */
  int header; /* tokens of the header handed out */
  bool header_missing;
  Opener opener[NESTING_MAX];
  int depth;
  int minuses;          /* in a row, now */
  int nesting;          /* open brackets and the minuses before them */
  const char *defining; /* the name after the last `in`, `out`, `let`, `param`, `block` */
  bool quiet;           /* what went wrong in this statement has been reported */
  bool stop;            /* nothing further is read */
  unsigned renamed;     /* keywords reported as names, a bit each */
  /* grammar */
  Node *file;
} Parser;

/* Text of a size and an encoding that the lexer takes; else false after reporting. */
bool source_readable(const Source *source, Diags *diags);

void lexer_start(Parser *parser);
void lexer_next(Parser *parser, Token *token, void *scanner);

/* The next token for the grammar: brackets balanced, header supplied, keywords used as names and
 * foreign signs already reported and replaced. */
Token token_next(Parser *parser);
/* "an integer", "`out`", "`,`": how messages speak of a token. */
const char *token_describe(Arena *arena, const Token *token);
/* A token that is not a keyword, as messages call it; NULL: it goes by its character. */
const char *token_name(int kind);
bool token_is_keyword(int kind);
bool token_begins_statement(int kind);

/* What the grammar could go on with where a syntax error was found. */
typedef struct SyntaxPlace {
  bool value;     /* an operator: a value or a stage ends before this */
  bool statement; /* a statement */
  bool type;      /* a type */
  bool equals;    /* `=` */
  bool body;      /* `{` */
} SyntaxPlace;

/* syntax_hint.c: a note or an edit for d, from the source around the token; false for neither. */
bool syntax_hint(Diag *d, Parser *parser, const Token *found, Span before, SyntaxPlace place);
bool syntax_hint_in_list(Diag *d, const Parser *parser, const Token *found, Span before);

/* Reports E101 at the token read last. expected holds token kinds. */
void syntax_error(Parser *parser, const int *expected, int n);

/* Parses, and keeps the comments, for the formatter. */
Node *parse_with_comments(Arena *arena, const Source *source, Diags *diags, Comment **comment,
                          size_t *n);

/* Building the tree. */
Node *node_new(Parser *parser, NodeKind kind, Span span);
Node *node_named(Parser *parser, NodeKind kind, Span span, const char *text, Span at);
Node *node_add(Parser *parser, Node *parent, Node *kid); /* returns parent */
/* N_INT, N_FLOAT, N_QTY; N_BAD after reporting E113 if the number does not fit. */
Node *node_number(Parser *parser, NodeKind kind, Span span, const char *text);
/* A sum or product of two operands, and one more of them. */
Node *node_chain(Parser *parser, NodeKind kind, Node *first, const char *op, Span at, Node *second);
Node *node_chain_add(Parser *parser, Node *chain, const char *op, Span at, Node *operand);

#endif
