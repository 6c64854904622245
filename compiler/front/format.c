/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* `grus fmt`: text to text in the one style. Statements on lines of their own, two blanks a level;
 * at most one empty line between them and exactly one around models and blocks; `:` and `=` aligned
 * in runs of adjacent statements; comments stay on their lines. */
#include "front/format.h"

#include "front/front.h"
#include "parser.tab.h"

typedef enum PieceKind {
  PIECE_START,
  PIECE_HEADER,
  PIECE_STATEMENT,
  PIECE_OPEN,
  PIECE_CLOSE,
  PIECE_COMMENT
} PieceKind;

/* A piece that begins on a line of its own. */
typedef struct FormatPiece {
  PieceKind kind;
  Statement statement;
  uint32_t first_line, last_line; /* in the source */
} FormatPiece;

typedef struct FormatPieces {
  FormatPiece *item;
  size_t n, cap;
} FormatPieces;

static bool begins_piece(const Lexeme *x) {
  if (x->depth > 0) return false;
  return x->kind == TOK_GRUS || token_begins_statement(x->kind) || x->kind == '}';
}

/* The end of the piece that begins at item[i]: before the next one, without the comments above
 * it. */
static size_t piece_end(const Lexemes *list, size_t i) {
  const Lexeme *x = list->item;
  size_t end = i + 1;
  if (x[i].kind == LEXEME_COMMENT && x[i].own_line) return end;
  while (end < list->n && !begins_piece(&x[end]) && (end == i + 1 || x[end - 1].kind != '{')) {
    if (x[i].kind == '}' && x[end].kind != LEXEME_COMMENT) break;
    end++;
  }
  while (end > i + 1 && x[end - 1].kind == LEXEME_COMMENT && x[end - 1].own_line)
    end--;
  bool brace = x[end - 1].kind == '{' || x[end - 1].kind == '}';
  if (brace && end < list->n && x[end].kind == LEXEME_COMMENT && !x[end].own_line) end++;
  return end;
}

static PieceKind piece_kind(const Lexeme *x) {
  if (x->kind == LEXEME_COMMENT) return PIECE_COMMENT;
  if (x->kind == TOK_GRUS) return PIECE_HEADER;
  if (x->kind == '}') return PIECE_CLOSE;
  return x->kind == TOK_BLOCK || x->kind == TOK_MODEL ? PIECE_OPEN : PIECE_STATEMENT;
}

static FormatPieces pieces_read(Arena *arena, const Lexemes *list) {
  FormatPieces pieces = {0};
  int indent = 0;
  for (size_t i = 0, end; i < list->n; i = end) {
    end = piece_end(list, i);
    FormatPiece p = {.kind = piece_kind(&list->item[i])};
    if (p.kind == PIECE_CLOSE) indent = 0;
    p.statement = statement_measure(&list->item[i], end - i, indent);
    p.first_line = list->item[i].line;
    p.last_line = list->item[end - 1].line;
    if (p.kind == PIECE_OPEN) indent = FORMAT_INDENT;
    ARENA_PUSH(arena, pieces.item, pieces.n, pieces.cap, p);
  }
  return pieces;
}

static bool empty_line_before(const FormatPiece *last, const FormatPiece *p) {
  if (last->kind == PIECE_START || last->kind == PIECE_OPEN || p->kind == PIECE_CLOSE) return false;
  if (last->kind == PIECE_HEADER || last->kind == PIECE_CLOSE) return true;
  if (p->kind == PIECE_OPEN && last->kind != PIECE_COMMENT) return true;
  return p->first_line > last->last_line + 1;
}

static bool aligns(const FormatPiece *p) {
  int kind = p->statement.item[0].kind;
  return p->kind == PIECE_STATEMENT &&
         (kind == TOK_IN || kind == TOK_OUT || kind == TOK_LET || kind == TOK_PARAM);
}

/* Whether p continues the run of statements that last belongs to. */
static bool same_run(const FormatPiece *last, const FormatPiece *p) {
  return aligns(last) && aligns(p) && !last->statement.chained && !empty_line_before(last, p);
}

static void run_write(Text *out, FormatPiece *piece, size_t n) {
  int sign = 0, equals = 0;
  for (size_t i = 0; i < n; i++) {
    const Statement *s = &piece[i].statement;
    if (s->sign && s->name_end + 1 > sign) sign = s->name_end + 1;
  }
  for (size_t i = 0; i < n; i++) {
    const Statement *s = &piece[i].statement;
    int end = sign + s->type_end - s->name_end; /* type_end counts one blank before the `:` */
    if (s->equals && end > equals) equals = end;
  }
  Statement **run = ARENA_ARRAY(out->arena, Statement *, n);
  for (size_t i = 0; i < n; i++)
    run[i] = &piece[i].statement;
  statements_align_pipes(run, piece[n - 1].statement.chained ? n - 1 : n, sign, equals);
  for (size_t i = 0; i < n; i++)
    statement_write(out, &piece[i].statement, aligns(&piece[i]) ? sign : 0,
                    aligns(&piece[i]) ? equals : 0);
}

const char *format(Arena *arena, const Source *source, Diags *diags) {
  size_t errors = diags->n_errors;
  parse(arena, source, diags);
  if (diags->n_errors != errors) return NULL;
  Lexemes list = lexemes_read(arena, source, diags);
  FormatPieces pieces = pieces_read(arena, &list);
  Text out = text_new(arena);
  const FormatPiece start = {.kind = PIECE_START};
  const FormatPiece *last = &start;
  for (size_t i = 0, n; i < pieces.n; i += n) {
    FormatPiece *p = &pieces.item[i];
    n = 1;
    while (i + n < pieces.n && same_run(&p[n - 1], &p[n]))
      n++;
    if (empty_line_before(last, p)) text_add_char(&out, '\n');
    run_write(&out, p, n);
    last = &p[n - 1];
  }
  return text_str(&out);
}
