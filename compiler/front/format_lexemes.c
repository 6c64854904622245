/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tokens and comments of a file in one list, with the rule for blanks between them. */
#include "front/format.h"

#include "parser.tab.h"

#include <string.h>

static bool is_operand_end(int kind) {
  return kind == TOK_IDENT || kind == TOK_INT || kind == TOK_FLOAT || kind == TOK_QTY ||
         kind == TOK_STRING || kind == TOK_DTYPE || kind == ')' || kind == ']' ||
         kind == TOK_DOTDOT || kind == TOK_TIME;
}

static bool is_sign(int kind) {
  return kind == '+' || kind == '-' || kind == '*' || kind == '/';
}

/* Whether a blank parts a from b, which follows it; before_a precedes a. */
static bool parted(const Lexeme *before_a, const Lexeme *a, const Lexeme *b) {
  if (a->kind == '(' || a->kind == '[' || a->kind == '.') return false;
  if (b->kind == ')' || b->kind == ']' || b->kind == ',' || b->kind == '.') return false;
  if ((a->kind == '=' || b->kind == '=') && b->open == '(' && (a->kind != '=' || a->open == '('))
    return false;
  if (a->kind == '-' && !(before_a && is_operand_end(before_a->kind)))
    return false; /* a minus sign */
  if (b->kind == '(') return !(a->kind == TOK_INDEX || (a->kind == TOK_IDENT && a->open != '['));
  if (b->kind == '[') return a->kind != TOK_DTYPE && a->kind != ')';
  return true;
}

/* Nested pipes and operators begin a line rather than end one; arguments follow their comma. */
static bool breakable(const Lexeme *before_a, const Lexeme *a, const Lexeme *b) {
  if (a->kind == ',') return a->depth > 0;
  if (b->kind == TOK_PIPE) return b->depth > 0;
  return is_sign(b->kind) && b->open != '[' && is_operand_end(a->kind) && before_a;
}

static void brackets(Lexeme *x, char *stack, int *depth) {
  bool opens = x->kind == '(' || x->kind == '[', closes = x->kind == ')' || x->kind == ']';
  if (closes && *depth) --*depth;
  x->depth = *depth;
  x->open = *depth ? stack[*depth - 1] : 0;
  if (opens && *depth < NESTING_MAX) stack[(*depth)++] = (char)x->kind;
}

static void lexeme_add(Parser *parser, Lexemes *list, int kind, Span span) {
  const char *text = parser->source->text;
  Lexeme x = {.kind = kind, .s = text + span.begin, .len = span.end - span.begin};
  ARENA_PUSH(parser->arena, list->item, list->n, list->cap, x);
}

static void lexemes_place(Lexemes *list, const char *text) {
  const char *at = text;
  uint32_t line = 0, column = 0;
  for (size_t i = 0; i < list->n; i++) {
    Lexeme *x = &list->item[i];
    const char *line_start = at;
    for (const char *s = at; s < x->s; s++) {
      if (*s != '\n') continue;
      line++;
      column = 0;
      line_start = s + 1;
    }
    column += (uint32_t)text_width(line_start, (size_t)(x->s - line_start));
    at = x->s;
    x->line = line;
    x->column = column;
  }
}

/* A comma before a closing bracket says nothing. */
static void drop_last_commas(Lexemes *list) {
  size_t n = 0;
  for (size_t i = 0; i < list->n; i++) {
    size_t next = i + 1;
    while (next < list->n && list->item[next].kind == LEXEME_COMMENT)
      next++;
    bool closes = next < list->n && (list->item[next].kind == ')' || list->item[next].kind == ']');
    if (!(list->item[i].kind == ',' && closes)) list->item[n++] = list->item[i];
  }
  list->n = n;
}

/* The brace that opens a body stands on the line of its head, before a comment there. */
static void braces_before_comments(Lexemes *list) {
  for (size_t i = 1; i < list->n; i++) {
    Lexeme *x = &list->item[i];
    if (x->kind != '{' || x[-1].kind != LEXEME_COMMENT || x[-1].own_line) continue;
    if (i + 1 < list->n && x[1].kind == LEXEME_COMMENT && !x[1].own_line)
      continue; /* has its own */
    Lexeme brace = *x;
    brace.line = x[-1].line;
    *x = x[-1];
    x[-1] = brace;
  }
}

static void lexemes_spacing(Lexemes *list) {
  char stack[NESTING_MAX];
  int depth = 0;
  const Lexeme *a = NULL, *before_a = NULL;
  for (size_t i = 0; i < list->n; i++) {
    Lexeme *b = &list->item[i];
    brackets(b, stack, &depth);
    if (b->kind == LEXEME_COMMENT) continue;
    b->blank = a && parted(before_a, a, b);
    b->may_break = a && breakable(before_a, a, b);
    before_a = a;
    a = b;
  }
}

Lexemes lexemes_read(Arena *arena, const Source *source, Diags *diags) {
  Parser *parser = ARENA_NEW(arena, Parser);
  *parser = (Parser){.arena = arena, .source = source, .diags = diags, .line_start = true};
  lexer_start(parser);
  Lexemes list = {0};
  Token token;
  size_t comments = 0;
  do {
    lexer_next(parser, &token, parser->scanner);
    for (; comments < parser->n_comments; comments++) {
      lexeme_add(parser, &list, LEXEME_COMMENT, parser->comment[comments].span);
      list.item[list.n - 1].own_line = parser->comment[comments].own_line;
    }
    if (token.kind != TOK_END) lexeme_add(parser, &list, token.kind, token.span);
  } while (token.kind != TOK_END);
  drop_last_commas(&list);
  lexemes_place(&list, source->text);
  braces_before_comments(&list);
  lexemes_spacing(&list);
  return list;
}
