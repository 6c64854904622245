/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Actions of the lexer: making tokens, keeping comments, reporting what characters alone show to
 * be wrong. Private to front/. */
#ifndef GRUS_FRONT_LEXICAL_H
#define GRUS_FRONT_LEXICAL_H

#include "front/parser.h"

Span lexical_span(const Parser *parser, uint32_t begin, uint32_t len);
void lexical_token(Parser *parser, Token *token, int kind, uint32_t begin, uint32_t len);
void lexical_comment(Parser *parser, Span at);
/* The token of a word: a keyword, the name of an element type, or any other name. */
int lexical_word(const char *s, size_t n);

void lexical_pipe(Parser *parser, Span at);           /* E102 */
void lexical_semicolon(Parser *parser, Span at);      /* E103 */
void lexical_slashes(Parser *parser, Span at);        /* E104 */
void lexical_block_comment(Parser *parser, Span at);  /* E104 */
void lexical_open_string(Parser *parser, Span at);    /* E105 */
void lexical_single_quotes(Parser *parser, Span at);  /* E105 */
void lexical_typeset_quotes(Parser *parser, Span at); /* E105 */
void lexical_escape(Parser *parser, Span at);         /* E105 */
void lexical_bad_unit(Parser *parser, Span at);       /* E106 */
void lexical_bare_point(Parser *parser, Span at);     /* E106 */
void lexical_less(Parser *parser, Span at);           /* E107 */
void lexical_stray(Parser *parser, Span at);          /* E107 */

#endif
