/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The lexer's tokens and comments as classes for colours. */
#include "front/front.h"
#include "front/parser.h"

#include "parser.tab.h"

static WordClass token_class(int kind) {
  if (kind == TOK_DTYPE) return WORD_TYPE;
  if (token_is_keyword(kind)) return WORD_KEYWORD;
  if (kind == TOK_IDENT) return WORD_NAME;
  if (kind == TOK_INT || kind == TOK_FLOAT || kind == TOK_QTY || kind == TOK_BAD_NUMBER)
    return WORD_NUMBER;
  return kind == TOK_STRING ? WORD_STRING : WORD_SIGN;
}

Word *classify(Arena *arena, Sources *sources, const Source *source, size_t *n) {
  Word *list = NULL;
  size_t cap = 0, comments = 0;
  *n = 0;
  Diags *silent = diags_new(arena, sources);
  if (!source_readable(source, silent)) return NULL;
  Parser *parser = ARENA_NEW(arena, Parser);
  *parser = (Parser){.arena = arena, .source = source, .diags = silent, .line_start = true};
  lexer_start(parser);
  Token token;
  do {
    lexer_next(parser, &token, parser->scanner);
    for (; comments < parser->n_comments; comments++) {
      Word word = {WORD_COMMENT, parser->comment[comments].span};
      ARENA_PUSH(arena, list, *n, cap, word);
    }
    Word word = {token_class(token.kind), token.span};
    if (token.kind != TOK_END) ARENA_PUSH(arena, list, *n, cap, word);
  } while (token.kind != TOK_END);
  return list;
}
