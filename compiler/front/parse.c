/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Text to tree. What goes in: any bytes. What comes out: a tree whose parts with errors are N_BAD;
 * every error has been reported. Bytes that are not UTF-8 text are refused before the lexer. */
#include "front/front.h"
#include "front/parser.h"

#include "parser.tab.h"

#include <string.h>

/* Offset of the first byte that is NUL or not UTF-8; len if there is none. */
static size_t text_check(const char *s, size_t len) {
  size_t i = 0, n;
  while (i < len) {
    unsigned char c = (unsigned char)s[i];
    if (c - 1u < 0x7Fu) {
      i++;
      continue;
    }
    if (c == 0) return i;
    if (text_decode(s + i, len - i, &n) == 0xFFFD &&
        !(n == 3 && memcmp(s + i, "\xEF\xBF\xBD", 3) == 0))
      return i;
    i += n;
  }
  return len;
}

static bool looks_like_utf16(const Source *source) {
  return source->len >= 2 &&
         (memcmp(source->text, "\xFF\xFE", 2) == 0 || memcmp(source->text, "\xFE\xFF", 2) == 0);
}

bool source_readable(const Source *source, Diags *diags) {
  if (source->len > SOURCE_MAX_BYTES) {
    Diag *d = diag_new(diags, E115, span_none(), "this file has %zu bytes; the limit is %d",
                       source->len, SOURCE_MAX_BYTES);
    d->file = source->path;
    diag_note(d, "a model is small: store its weights in a file of their own (`weights \"file\"`)");
    return false;
  }
  size_t bad = text_check(source->text, source->len);
  if (bad == source->len) return true;
  Span at = {source->id, (uint32_t)bad, (uint32_t)bad + 1};
  unsigned char byte = (unsigned char)source->text[bad];
  Diag *d = byte ? diag_new(diags, E112, at,
                            "this file is not UTF-8 text: byte 0x%02X at offset %zu", byte, bad)
                 : diag_new(diags, E112, span_none(),
                            "this file is not text: NUL byte at offset %zu", bad);
  if (!byte) d->file = source->path; /* its lines say nothing to a reader */
  if (looks_like_utf16(source))
    diag_note(d, "the file looks like UTF-16: save it as UTF-8");
  else
    diag_note(d, "a model is UTF-8 text; `grus import` reads models of other tools");
  return false;
}

Node *parse_with_comments(Arena *arena, const Source *source, Diags *diags, Comment **comment,
                          size_t *n) {
  Parser *parser = ARENA_NEW(arena, Parser);
  parser->arena = arena;
  parser->source = source;
  parser->diags = diags;
  parser->line_start = true;
  Span top = {source->id, 0, 0};
  parser->file = node_new(parser, N_FILE, top);
  parser->file->at = top;
  parser->file->i = 1;
  if (source_readable(source, diags)) {
    lexer_start(parser);
    parser_parse(parser);
  }
  *comment = parser->comment;
  *n = parser->n_comments;
  return parser->file;
}

Node *parse(Arena *arena, const Source *source, Diags *diags) {
  Comment *comment;
  size_t n;
  return parse_with_comments(arena, source, diags, &comment, &n);
}
