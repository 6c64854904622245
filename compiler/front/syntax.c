/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* E101: what the grammar expected and what it found, in words, with the one edit that repairs it
 * where there is one. Everything here is decided from the expected set and the tokens around. */
#include "front/parser.h"

#include "base/shape.h"
#include "model/graph/identifier.h"

#include "parser.tab.h"

#include <string.h>

enum { EXPECTED_MAX = 64, LISTED_MAX = 6 };

typedef struct Expected {
  int kind[EXPECTED_MAX];
  int n;
} Expected;

static bool expects(const Expected *e, int kind) {
  for (int i = 0; i < e->n; i++)
    if (e->kind[i] == kind) return true;
  return false;
}

static void expected_drop(Expected *e, int kind) {
  int n = 0;
  for (int i = 0; i < e->n; i++)
    if (e->kind[i] != kind) e->kind[n++] = e->kind[i];
  e->n = n;
}

static void expected_drop_all(Expected *e, const int *kinds) {
  for (; *kinds; kinds++)
    expected_drop(e, *kinds);
}

static const char *expected_name(Arena *arena, int kind) {
  static const struct {
    int token;
    const char *name;
  } keyword[] = {
#define STATEMENT(word, token) {TOK_##token, "`" #word "`"},
#define KEYWORD(word, token)   {TOK_##token, "`" #word "`"},
#include "model/graph/keywords.def"
  };
  const char *name = token_name(kind);
  for (size_t i = 0; !name && i < sizeof keyword / sizeof *keyword; i++)
    if (keyword[i].token == kind) name = keyword[i].name;
  return name ? name : arena_printf(arena, "'%c'", kind);
}

/* "expected an axis or ']'": families of tokens go by one name. */
static const char *expected_text(Arena *arena, Expected e) {
  static const int values[] = {TOK_IDENT, TOK_INT, TOK_FLOAT, TOK_QTY, TOK_STRING, TOK_DTYPE,
                               TOK_TIME,  '(',     '[',       '-',     0};
  static const int sizes[] = {TOK_INT, TOK_QTY, TOK_IDENT, '(', TOK_TIME, TOK_LE, TOK_DOTDOT, 0};
  static const int statements[] = {TOK_IN,        TOK_OUT,   TOK_LET, TOK_WEIGHTS, TOK_RANGES,
                                   TOK_PRECISION, TOK_ALLOW, TOK_USE, TOK_PARAM,   0};
  static const int operators[] = {TOK_PIPE, '+', '-', '*', '/', 0};
  const char *family[4];
  int n_families = 0;
  expected_drop(&e, TOK_BAD_NUMBER);
  if (expects(&e, TOK_FLOAT) && expects(&e, TOK_IDENT)) {
    family[n_families++] = "an expression";
    expected_drop_all(&e, values);
  } else if (expects(&e, TOK_INT) && expects(&e, '(')) {
    family[n_families++] =
        expects(&e, TOK_TIME) ? "an axis such as `time 49` or `mfcc 13`" : "a size";
    expected_drop_all(&e, sizes);
  } else if (expects(&e, TOK_DTYPE) && expects(&e, TOK_INDEX)) {
    family[n_families++] = "a type such as f32";
    expected_drop(&e, TOK_DTYPE);
    expected_drop(&e, TOK_INDEX);
  }
  if (expects(&e, '*') || expects(&e, '+')) {
    if (expects(&e, TOK_PIPE)) family[n_families++] = "an operator";
    expected_drop_all(&e, operators);
    expected_drop(&e, '(');
    expected_drop(&e, '.');
  }
  if (expects(&e, TOK_IN) && expects(&e, TOK_LET)) {
    family[n_families++] = "a statement";
    expected_drop_all(&e, statements);
  }
  Text text = text_new(arena);
  int total = n_families + e.n;
  if (total == 0 || total > LISTED_MAX) return NULL;
  for (int i = 0; i < total; i++)
    text_printf(&text, "%s%s", list_separator(i, total, " or "),
                i < n_families ? family[i] : expected_name(arena, e.kind[i - n_families]));
  return text_str(&text);
}

static bool begins_operand(int kind) {
  return kind == TOK_IDENT || kind == TOK_INT || kind == TOK_FLOAT || kind == TOK_QTY ||
         kind == TOK_STRING || kind == TOK_DTYPE || kind == TOK_TIME || kind == TOK_INDEX ||
         kind == '(' || kind == '[';
}

/* Types as other languages write them. */
static const char *type_meant(const char *name) {
  static const struct {
    const char *written, *meant;
  } other[] = {{"float32", "f32"}, {"float", "f32"},   {"float64", "f32"}, {"double", "f32"},
               {"f64", "f32"},     {"float16", "f16"}, {"half", "f16"},    {"int8", "i8"},
               {"int8_t", "i8"},   {"int16", "i16"},   {"int16_t", "i16"}, {"short", "i16"},
               {"int32", "i32"},   {"int32_t", "i32"}, {"int", "i32"},     {"uint8", "u8"},
               {"uint8_t", "u8"},  {"byte", "u8"},     {"uint16", "u16"},  {"uint16_t", "u16"}};
  for (size_t i = 0; i < sizeof other / sizeof *other; i++)
    if (strcmp(name, other[i].written) == 0) return other[i].meant;
  return NULL;
}

static const char *keyword_meant(const char *name) {
  static const char *const keyword[] = {"use", "param",   "block",  "model",     "in",   "out",
                                        "let", "weights", "ranges", "precision", "allow"};
  static const char *const other[][2] = {
      {"input", "in"},    {"inputs", "in"},      {"output", "out"},  {"outputs", "out"},
      {"var", "let"},     {"val", "let"},        {"const", "param"}, {"import", "use"},
      {"include", "use"}, {"def", "block"},      {"fn", "block"},    {"class", "model"},
      {"return", "out"},  {"parameter", "param"}};
  for (size_t i = 0; i < sizeof other / sizeof *other; i++)
    if (strcmp(name, other[i][0]) == 0) return other[i][1];
  for (size_t i = 0; i < sizeof keyword / sizeof *keyword; i++) {
    size_t limit = strlen(name) / 3;
    if (limit && text_distance(name, keyword[i], limit) <= limit) return keyword[i];
  }
  return NULL;
}

/* The edits that one look at the tokens suggests; true if one was found. */
static bool suggest_for_name(Diag *d, const Expected *e, const Token *found, Span before) {
  const char *meant = NULL;
  if (expects(e, TOK_DTYPE) && expects(e, TOK_INDEX)) {
    meant = type_meant(found->text);
    if (meant)
      fix_edit(diag_fix(d, FIX_SURE, "this type is called `%s`", meant), found->span, "%s", meant);
    else
      diag_note(d, "element types are " ELEMENTS " and index(n)");
    return true;
  }
  if ((expects(e, TOK_LET) || expects(e, TOK_MODEL)) && found->line_start) {
    meant = keyword_meant(found->text);
    if (!meant) return false;
    fix_edit(diag_fix(d, FIX_MAYBE, "did you mean `%s`?", meant), found->span, "%s", meant);
    return true;
  }
  if (expects(e, TOK_PIPE) && !found->line_start) {
    diag_primary(d, "an operator is missing before this");
    fix_edit(diag_fix(d, FIX_MAYBE, "join stages with `|>`"), span_after(before), " |>");
    return true;
  }
  return false;
}

/* `GRU(64)(x)`: the call ends at `end` and `(` follows. One edit makes it `x |> GRU(64)`. */
static bool suggest_pipe(Diag *d, const Parser *parser, const Token *found, Span before) {
  const char *text = parser->source->text;
  if (before.end == before.begin || text[before.end - 1] != ')') return false;
  diag_note(d, "a stage is applied to a value with `|>`: `x |> GRU(64)`");
  uint32_t begin = before.end, depth = 0;
  do {
    begin--;
    depth += text[begin] == ')';
    depth -= text[begin] == '(';
  } while (depth && begin);
  while (begin && identifier_has(text[begin - 1]))
    begin--;
  uint32_t name = found->span.end, end;
  while (text[name] == ' ')
    name++;
  for (end = name; identifier_has(text[end]);)
    end++;
  if (depth || end == name || text[end] != ')') return true;
  Fix *fix = diag_fix(d, FIX_SURE, "pass the value to it");
  fix_edit(fix, (Span){before.file, begin, begin}, "%.*s |> ", (int)(end - name), text + name);
  fix_edit(fix, (Span){before.file, before.end, end + 1}, "%s", "");
  return true;
}

static void suggest(Diag *d, const Parser *parser, const Expected *e, const Token *found,
                    Span before) {
  char open = parser->depth ? parser->opener[parser->depth - 1].bracket : 0;
  if ((found->kind == '=' || found->kind == ':') && open == '[') {
    diag_note(d, "an axis is a name and a size, as in `mfcc 13` or `time 49`");
    Span gap = {before.file, before.end, found->span.end};
    fix_edit(diag_fix(d, FIX_MAYBE, "separate them with a space"), gap, " ");
  } else if (found->kind == '-' && open == '[' && parser->depth > 1 &&
             parser->opener[parser->depth - 2].bracket == '(') {
    diag_note(d, "write the size instead of `-1`: a shape has no open sizes");
  } else if (found->kind == '-' && open == '[') {
    diag_note(d, "sizes are known at build time: for any length up to N, write `time <= N`; for an "
                 "endless signal, `time ..`");
  } else if (found->kind == ':' && expects(e, '{')) {
    fix_edit(diag_fix(d, FIX_MAYBE, "put the body in braces"), found->span, " {");
  } else if (found->kind == '{' && expects(e, ',')) {
    diag_note(d, "a bracket before this may not be closed");
  } else if (found->kind == '=' && expects(e, TOK_EVERY)) {
    diag_note(d, "an `in` has a type and no value; a value is named with `let`");
  } else if (found->kind == '(' && expects(e, TOK_PIPE) && suggest_pipe(d, parser, found, before)) {
    return;
  } else if (found->kind == TOK_IDENT && suggest_for_name(d, e, found, before)) {
    return;
  } else if (expects(e, '=') && begins_operand(found->kind) && !found->line_start) {
    diag_primary(d, "a `=` is missing before this");
    fix_edit(diag_fix(d, FIX_SURE, "insert it"), span_after(before), " =");
  }
}

static void label_place(Diag *d, const Token *found) {
  if (found->kind == TOK_END)
    diag_primary(d, "the file ends here");
  else if (found->kind == '}')
    diag_primary(d, "the body ends here");
  else if (token_begins_statement(found->kind))
    diag_primary(d, "a new statement starts here");
}

/* Inside brackets the useful expectation is always the next item or the close. */
static void error_in_list(Parser *parser, const Token *found, const char *got, Span before,
                          int closer) {
  Diag *d =
      diag_new(parser->diags, E101, found->span, "expected ',' or '%c', found %s", closer, got);
  if (syntax_hint_in_list(d, parser, found, before)) return;
  if (begins_operand(found->kind)) {
    diag_primary(d, "a `,` is missing before this");
    fix_edit(diag_fix(d, FIX_SURE, closer == ']' ? "separate the axes" : "separate the arguments"),
             span_after(before), ",");
    return;
  }
  Expected none = {.n = 0};
  suggest(d, parser, &none, found, before);
}

void syntax_error(Parser *parser, const int *expected, int n) {
  if (parser->quiet) return;
  const Token *found = &parser->latest;
  Span before = found->made_up || found->kind == TOK_END ? parser->previous.span
                                                         : parser->previous_but_one.span;
  const char *got = token_describe(parser->arena, found);
  Expected e = {.n = 0};
  for (int i = 0; i < n && i < EXPECTED_MAX; i++)
    e.kind[e.n++] = expected[i];
  if (!token_begins_statement(found->kind) && found->kind != '}') parser->quiet = true;

  bool list = expects(&e, ',') && (expects(&e, ')') || expects(&e, ']'));
  if (list) {
    error_in_list(parser, found, got, before, expects(&e, ')') ? ')' : ']');
    return;
  }
  const char *text = expected_text(parser->arena, e);
  Diag *d = text ? diag_new(parser->diags, E101, found->span, "expected %s, found %s", text, got)
                 : diag_new(parser->diags, E101, found->span, "did not expect %s here", got);
  label_place(d, found);
  SyntaxPlace place = {.value = expects(&e, TOK_PIPE),
                       .statement = expects(&e, TOK_LET),
                       .type = expects(&e, TOK_DTYPE) && expects(&e, TOK_INDEX),
                       .equals = expects(&e, '='),
                       .body = expects(&e, '{')};
  if (syntax_hint(d, parser, found, before, place)) return;
  suggest(d, parser, &e, found, before);
}
