/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The lines of one statement. A pipeline on one line stays there if it fits; one that is broken
 * keeps its breaks; where a line would be too long every stage gets its own. Whatever is still too
 * long is filled at commas, nested pipes and operators. */
#include "front/format.h"

#include "parser.tab.h"

#include <string.h>

static int width_of(const Lexeme *x) {
  return (int)text_width(x->s, x->len);
}

/* The blanks after `in` make names line up with those after `out` and `let`. */
static int keyword_width(const Lexeme *x) {
  return x->kind == TOK_IN ? 3 : width_of(x);
}

/* Whether the source has a line end before or just after the `|>` at i. */
static bool broken_in_source(const Statement *s, size_t i) {
  const Lexeme *x = &s->item[i];
  if (x->kind != TOK_PIPE || x->depth > 0 || i == 0) return false;
  size_t next = i + 1;
  while (next < s->n && s->item[next].kind == LEXEME_COMMENT)
    next++;
  return s->item[i - 1].line != x->line || (next < s->n && s->item[next].line != x->line);
}

static bool begins_line(const Statement *s, size_t i) {
  const Lexeme *x = &s->item[i];
  return x->kind == TOK_PIPE && x->depth == 0 && (s->all || broken_in_source(s, i));
}

static int advance(const Statement *s, size_t i, int column) {
  const Lexeme *x = &s->item[i];
  return column + (i && x->blank) + (i == 0 ? keyword_width(x) : width_of(x));
}

static void find_signs(Statement *s) {
  bool names = s->n > 2 && s->item[1].kind == TOK_IDENT;
  for (size_t i = 2; names && i < s->n && !s->equals; i++) {
    const Lexeme *x = &s->item[i];
    if (x->depth == 0 && !s->sign && i == 2 && (x->kind == ':' || x->kind == '='))
      s->sign = i;
    else if (x->depth == 0 && s->sign && s->item[s->sign].kind == ':' && x->kind == '=')
      s->equals = i;
  }
}

Statement statement_measure(Lexeme *item, size_t n, int indent) {
  Statement s = {.item = item, .n = n, .indent = indent};
  find_signs(&s);
  bool too_long = false;
  for (int pass = 0; pass < 2; pass++) {
    int column = indent;
    for (size_t i = 0; i < n; i++) {
      if (item[i].kind == LEXEME_COMMENT) {
        s.chained = s.chained || i + 1 < n;
        continue;
      }
      if (begins_line(&s, i)) {
        s.chained = true;
        column = indent + FORMAT_INDENT + width_of(&item[i]);
        continue;
      }
      if (i == s.sign) s.name_end = column;
      if (i == s.equals) s.type_end = column;
      column = advance(&s, i, column);
      too_long = too_long || column > FORMAT_WIDTH;
    }
    if (!too_long) break;
    s.all = s.chained = true;
  }
  return s;
}

/* Columns from i up to where the line may be broken next; an argument counts as a whole. */
static int width_to_break(const Statement *s, size_t i) {
  const Lexeme *x = s->item;
  bool argument = i && x[i - 1].kind == ',';
  int column = 0;
  for (size_t k = i; k < s->n; k++) {
    if (x[k].kind == LEXEME_COMMENT || (k > i && begins_line(s, k))) break;
    bool inside =
        argument && (x[k].depth > x[i].depth || (x[k].depth == x[i].depth && x[k - 1].kind != ','));
    if (k > i && x[k].may_break && !inside) break;
    column = advance(s, k, column);
  }
  return column;
}

static int aligned(const Statement *s, size_t i, int sign_column, int equals_column) {
  return i && i == s->sign ? sign_column : i && i == s->equals ? equals_column : 0;
}

int statement_column(const Statement *s, size_t index, int sign_column, int equals_column) {
  int column = s->indent;
  for (size_t i = 0; i <= index; i++) {
    const Lexeme *x = &s->item[i];
    int align = aligned(s, i, sign_column, equals_column);
    if (align > column)
      column = align;
    else if (i && x->blank)
      column += 1 + x->pad;
    if (i < index) column += i == 0 ? keyword_width(x) : width_of(x);
  }
  return column;
}

static int new_line(Text *out, int indent) {
  text_add_char(out, '\n');
  text_fill(out, ' ', (size_t)indent);
  return indent;
}

/* Where a comment stood it stays, or two blanks after what grew into it. */
static void comment_write(Text *out, const Lexeme *x, int column) {
  int gap = (int)x->column - column;
  text_fill(out, ' ', (size_t)(gap > 2 ? gap : 2));
  text_add_n(out, x->s, x->len);
}

void statement_write(Text *out, const Statement *s, int sign_column, int equals_column) {
  int column = s->indent, inner = s->indent + FORMAT_INDENT;
  bool fresh = false; /* a comment ended the line */
  text_fill(out, ' ', (size_t)s->indent);
  for (size_t i = 0; i < s->n; i++) {
    const Lexeme *x = &s->item[i];
    if (x->kind == LEXEME_COMMENT && (x->own_line || fresh)) {
      if (i) column = new_line(out, inner);
      text_add_n(out, x->s, x->len);
      fresh = true;
      continue;
    }
    if (x->kind == LEXEME_COMMENT) {
      comment_write(out, x, column);
      fresh = true;
      continue;
    }
    int align = aligned(s, i, sign_column, equals_column);
    bool full = s->chained && x->may_break && column + width_to_break(s, i) > FORMAT_WIDTH;
    if (begins_line(s, i))
      column = new_line(out, inner);
    else if (fresh || full)
      column = new_line(out, inner + FORMAT_INDENT);
    else if (align > column) {
      text_fill(out, ' ', (size_t)(align - column));
      column = align;
    } else if (i && x->blank) {
      text_fill(out, ' ', (size_t)(1 + x->pad));
      column += 1 + x->pad;
    }
    fresh = false;
    text_add_n(out, x->s, x->len);
    column += width_of(x);
    if (i == 0 && x->kind == TOK_IN) {
      text_add_char(out, ' ');
      column++;
    }
  }
  text_add_char(out, '\n');
}
