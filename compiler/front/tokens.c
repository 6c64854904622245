/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The token stream between lexer and grammar. What goes in: tokens as they stand in the file. What
 * comes out: a header first, brackets balanced, no keyword where a name is meant. Repairs of this
 * kind need only the neighbours of a token, and make the grammar's own errors rare and local:
 *
 *     let h = x |> GRU(64         )  is supplied before `out`, and reported once
 *     out y : f32[10] =
 * h */
#include "front/front.h"
#include "front/parser.h"

#include "parser.tab.h"

#include <string.h>

/* Whether a token is that of a word of keywords.def, of those that begin a statement or of all. */
static bool is_word(int kind, bool statement_only) {
  static const struct {
    int token;
    bool statement;
  } keyword[] = {
#define STATEMENT(word, token) {TOK_##token, true},
#define KEYWORD(word, token)   {TOK_##token, false},
#include "model/graph/keywords.def"
  };
  for (size_t i = 0; i < sizeof keyword / sizeof *keyword; i++)
    if (keyword[i].token == kind) return keyword[i].statement || !statement_only;
  return false;
}

bool token_begins_statement(int kind) {
  return kind != TOK_GRUS && is_word(kind, true); /* `grus` begins the header, not a statement */
}

bool token_is_keyword(int kind) {
  return kind != TOK_IDENT && is_word(kind, false);
}

static bool defines_name(int kind) {
  return kind == TOK_IN || kind == TOK_OUT || kind == TOK_LET || kind == TOK_PARAM ||
         kind == TOK_BLOCK || kind == TOK_MODEL;
}

const char *token_name(int kind) {
  static const struct {
    int token;
    const char *name;
  } named[] = {{TOK_END, "end of file"}, {TOK_INT, "an integer"},
               {TOK_FLOAT, "a number"},  {TOK_QTY, "a quantity"},
               {TOK_STRING, "a string"}, {TOK_PIPE, "`|>`"},
               {TOK_LE, "`<=`"},         {TOK_DOTDOT, "`..`"},
               {TOK_IDENT, "a name"},    {TOK_DTYPE, "an element type"}};
  for (size_t i = 0; i < sizeof named / sizeof *named; i++)
    if (named[i].token == kind) return named[i].name;
  return NULL;
}

const char *token_describe(Arena *arena, const Token *token) {
  const char *name = token_name(token->kind);
  bool as_written = token->kind == TOK_IDENT || token->kind == TOK_DTYPE;
  if (name && !as_written) return name;
  if (token->text) return arena_printf(arena, "`%s`", token->text);
  return arena_printf(arena, "`%c`", token->kind);
}

static Token token_take(Parser *parser) {
  Token token = {0};
  if (parser->n_ahead) {
    token = parser->ahead[0];
    parser->ahead[0] = parser->ahead[1];
    parser->n_ahead--;
  } else {
    lexer_next(parser, &token, parser->scanner);
  }
  if (parser->stop) {
    token = (Token){.kind = TOK_END, .span = token.span};
    token.span.end = token.span.begin;
  }
  return token;
}

static void token_put_back(Parser *parser, Token token) {
  parser->ahead[1] = parser->ahead[0];
  parser->ahead[0] = token;
  parser->n_ahead++;
}

static int token_peek(Parser *parser) {
  if (!parser->n_ahead) lexer_next(parser, &parser->ahead[parser->n_ahead++], parser->scanner);
  return parser->ahead[0].kind;
}

static Token token_made_up(const Parser *parser, int kind, const char *text) {
  return (Token){
      .kind = kind, .span = span_after(parser->previous.span), .text = text, .made_up = true};
}

/* ---- header: `grus 1` ---- */

static Diag *header_error(Parser *parser, Span at, const char *message) {
  Diag *d = diag_new(parser->diags, E108, at, "%s", message);
  diag_note(d, "the first line names the version of the language");
  return d;
}

static void header_version(Parser *parser, Token *version) {
  const char *digits = version->text + strspn(version->text, "0_");
  if (strcmp(digits, "1") == 0) return;
  if (!*digits) {
    Diag *d = header_error(parser, version->span, "the first version of the language is `grus 1`");
    fix_edit(diag_fix(d, FIX_SURE, "write version 1"), version->span, "1");
    return;
  }
  Diag *d = diag_new(parser->diags, E109, version->span,
                     "written for grus %.20s%s; this compiler knows up to %d", digits,
                     strlen(digits) > 20 ? "..." : "", GRUS_LANGUAGE);
  diag_primary(d, "declared here");
  diag_fix(d, FIX_MAYBE,
           "install a compiler that knows this version, or write the model in grus 1");
  parser->quiet = parser->stop = true;
}

static Token token_header(Parser *parser) {
  Span top = {parser->source->id, 0, 0};
  if (parser->header == 0) {
    Token token = token_take(parser);
    parser->header = 1;
    if (token.kind == TOK_GRUS) return token;
    if (token.kind == TOK_IDENT && token_peek(parser) == TOK_INT &&
        text_distance(token.text, "grus", 2) <= 2) {
      Diag *d = header_error(parser, token.span, "file does not start with `grus 1`");
      diag_primary(d, "first token here");
      fix_edit(diag_fix(d, FIX_SURE, "write `grus`"), token.span, "grus");
      token.kind = TOK_GRUS;
      return token;
    }
    if (strncmp(parser->source->text, "\xEF\xBB\xBF", 3) == 0) top.begin = top.end = 3;
    Diag *d = header_error(parser, token.span, "file does not start with `grus 1`");
    if (token.kind != TOK_END) diag_primary(d, "first token here");
    fix_edit(diag_fix(d, FIX_SURE, "insert the line"), top, "grus 1\n\n");
    parser->header_missing = true;
    token_put_back(parser, token);
    return (Token){.kind = TOK_GRUS, .span = top, .text = "grus", .made_up = true};
  }
  parser->header = 2;
  Token token = {.kind = TOK_INT, .span = top, .text = "1", .made_up = true};
  if (parser->header_missing) return token;
  token.span = span_after(parser->previous.span);
  if (token_peek(parser) == TOK_INT) {
    token = token_take(parser);
    header_version(parser, &token);
  } else if (token_peek(parser) == TOK_FLOAT || token_peek(parser) == TOK_STRING) {
    token = token_take(parser);
    Diag *d = header_error(parser, token.span, "the version is a whole number: `grus 1`");
    fix_edit(diag_fix(d, FIX_SURE, "write version 1"), token.span, "1");
    token.kind = TOK_INT;
  } else {
    Diag *d = header_error(parser, parser->previous.span,
                           "`grus` needs the version of the language: `grus 1`");
    fix_edit(diag_fix(d, FIX_SURE, "write the version"), token.span, " 1");
  }
  return token;
}

/* ---- keywords used as names (E110) ---- */

static char bracket_open(const Parser *parser) {
  return parser->depth ? parser->opener[parser->depth - 1].bracket : 0;
}

static bool follows_operand(int kind) {
  return kind == TOK_PIPE || kind == ',' || kind == ')' || kind == '+' || kind == '*' ||
         kind == '.' || kind == '/';
}

/* Whether the keyword stands where only a name can. */
static bool is_name_here(Parser *parser, const Token *token) {
  int before = parser->previous.kind, next = token_peek(parser);
  char open = bracket_open(parser);
  if (defines_name(before))
    return next != TOK_IDENT && next != TOK_STRING && next != TOK_END && next != '}';
  if (before == '.') return !token->line_start;
  if (token->kind == TOK_DTYPE) return false;
  if (open == '[')
    return (before == '[' || before == ',') && token->kind != TOK_TIME && next == TOK_INT;
  if (open == '(' && (before == '(' || before == ',') && next == '=') return true;
  if (token->kind == TOK_TIME && open == '(' && (next == ',' || next == ')'))
    return false; /* along=time */
  bool operand = before == '=' || before == TOK_PIPE || before == '(' || before == ',' ||
                 before == '+' || before == '-' || before == '*' || before == '/';
  return operand && follows_operand(next);
}

static void token_rename(Parser *parser, Token *token) {
  if (token->kind == TOK_PRECISION && bracket_open(parser) == '(' && token_peek(parser) == '=') {
    token->kind = TOK_IDENT; /* the option */
    return;
  }
  if (!is_name_here(parser, token)) return;
  unsigned bit = token->kind == TOK_DTYPE ? 1u << 31 : 1u << (token->kind - TOK_GRUS);
  if (!(parser->renamed & bit)) {
    Diag *d = diag_new(parser->diags, E110, token->span, "`%s` is a keyword", token->text);
    diag_primary(d, "used as a name here");
    fix_edit(diag_fix(d, FIX_MAYBE, "name it `%s_`", token->text), token->span, "%s_", token->text);
  }
  parser->renamed |= bit;
  token->kind = TOK_IDENT;
}

/* ---- brackets ---- */

static char closer_of(char opener) {
  return opener == '(' ? ')' : opener == '[' ? ']' : '}';
}

static void too_deep(Parser *parser, const Token *token) {
  Diag *d = diag_new(parser->diags, E111, token->span, "this is nested too deeply");
  diag_primary(d, "level %d", NESTING_MAX + 1);
  diag_note(d, "brackets and minus signs may be nested %d deep; name inner values with `let`",
            NESTING_MAX);
  parser->quiet = parser->stop = true;
}

static void bracket_push(Parser *parser, const Token *token) {
  parser->opener[parser->depth++] = (Opener){(char)token->kind, token->span, parser->minuses};
  parser->nesting += 1 + parser->minuses;
}

static void bracket_pop(Parser *parser) {
  parser->nesting -= 1 + parser->opener[--parser->depth].minuses;
}

/* The brackets that must be closed before token may stand. */
static int brackets_left_open(const Parser *parser, int kind) {
  int n = 0;
  bool item = kind == TOK_BLOCK || kind == TOK_MODEL || kind == TOK_END;
  while (n < parser->depth && (item || parser->opener[parser->depth - 1 - n].bracket != '{'))
    n++;
  return n;
}

static void report_left_open(Parser *parser, const Token *token, int n) {
  Text closers = text_new(parser->arena);
  for (int i = 0; i < n; i++) {
    char open = parser->opener[parser->depth - 1 - i].bracket;
    if (open == '{') text_add_char(&closers, '\n');
    text_add_char(&closers, closer_of(open));
  }
  char open = bracket_open(parser);
  Diag *d = diag_new(parser->diags, E101, token->span, "expected %s or '%c', found %s",
                     open == '{' ? "a statement" : "','", closer_of(open),
                     token_describe(parser->arena, token));
  diag_primary(d, token->kind == TOK_END                ? "the file ends here"
                  : token->kind == '}'                  ? "the body ends here"
                  : token_begins_statement(token->kind) ? "a new statement starts here"
                                                        : "this closes an outer bracket");
  for (int i = 0; i < n && i < 4; i++) {
    const Opener *o = &parser->opener[parser->depth - 1 - i];
    diag_label(d, o->span, "this `%c` is not closed", o->bracket);
  }
  Fix *fix = diag_fix(d, FIX_SURE, n == 1 ? "close it" : "close them");
  fix_edit(fix, span_after(parser->previous.span), "%s", text_str(&closers));
}

/* Supplies a closing bracket before token, which stays unread. */
static Token close_before(Parser *parser, Token token, int n) {
  if (!token.seen && !parser->quiet) report_left_open(parser, &token, n);
  parser->quiet = true;
  token.seen = true;
  token_put_back(parser, token);
  Token closer = token_made_up(parser, closer_of(bracket_open(parser)), NULL);
  bracket_pop(parser);
  return closer;
}

/* How many brackets above the one that token closes; -1 if it closes none. */
static int brackets_above(const Parser *parser, int kind) {
  for (int n = 0; n < parser->depth; n++) {
    char open = parser->opener[parser->depth - 1 - n].bracket;
    if (closer_of(open) == kind) return n;
    if (open == '{') return -1;
  }
  return -1;
}

static void report_closes_nothing(Parser *parser, const Token *token) {
  if (parser->quiet) return;
  static const char opener[] = {[')'] = '(', [']'] = '[', ['}'] = '{'};
  Diag *d = diag_new(parser->diags, E101, token->span, "found `%c`, but no `%c` is open",
                     token->kind, opener[token->kind]);
  diag_primary(d, "closes nothing");
  fix_edit(diag_fix(d, FIX_SURE, "delete it"), token->span, "%s", "");
  parser->quiet = true;
}

static void report_wrong_closer(Parser *parser, Token *token) {
  const Opener *o = &parser->opener[parser->depth - 1];
  if (!parser->quiet) {
    Diag *d = diag_new(parser->diags, E101, token->span, "expected '%c', found `%c`",
                       closer_of(o->bracket), token->kind);
    diag_primary(d, "does not close the `%c`", o->bracket);
    diag_label(d, o->span, "opened here");
    fix_edit(diag_fix(d, FIX_SURE, "use `%c`", closer_of(o->bracket)), token->span, "%c",
             closer_of(o->bracket));
  }
  token->kind = closer_of(o->bracket);
}

/* Keeps the bracket stack. False if token was dropped. */
static bool token_bracket(Parser *parser, Token *token) {
  bool opens = token->kind == '(' || token->kind == '[' || token->kind == '{';
  bool closes = token->kind == ')' || token->kind == ']' || token->kind == '}';
  parser->minuses += token->kind == '-';
  if (parser->nesting + parser->minuses + opens > NESTING_MAX) {
    too_deep(parser, token);
    return false;
  }
  if (opens) bracket_push(parser, token);
  if (token->kind != '-') parser->minuses = 0;
  if (!closes) return true;
  if (brackets_above(parser, token->kind) < 0) {
    char open = bracket_open(parser);
    if (open == 0 || open == '{') {
      report_closes_nothing(parser, token);
      return false;
    }
    report_wrong_closer(parser, token);
  }
  bracket_pop(parser);
  return true;
}

/* `in x f32[8]`: the colon is missing. */
static bool colon_missing(Parser *parser, const Token *token) {
  if (parser->previous.kind != TOK_IDENT || token->line_start) return false;
  if (parser->before != TOK_IN && parser->before != TOK_OUT && parser->before != TOK_LET)
    return false;
  if (token->kind != TOK_DTYPE && !(token->kind == TOK_INDEX && token_peek(parser) == '('))
    return false;
  Diag *d = diag_new(parser->diags, E101, token->span, "expected ':', found %s",
                     token_describe(parser->arena, token));
  diag_primary(d, "a `:` is missing before this");
  fix_edit(diag_fix(d, FIX_SURE, "insert it"), span_after(parser->previous.span), " :");
  return true;
}

static Token token_repaired(Parser *parser) {
  for (;;) {
    Token token = token_take(parser);
    if (token_is_keyword(token.kind)) token_rename(parser, &token);
    bool boundary =
        token.kind == TOK_END || token.kind == '}' || token_begins_statement(token.kind);
    int n = boundary ? brackets_left_open(parser, token.kind) : brackets_above(parser, token.kind);
    if (n > 0) return close_before(parser, token, n);
    if (colon_missing(parser, &token)) {
      token_put_back(parser, token);
      parser->before = 0;
      return token_made_up(parser, ':', NULL);
    }
    if (token_bracket(parser, &token)) return token;
  }
}

Token token_next(Parser *parser) {
  Token token = parser->header < 2 ? token_header(parser) : token_repaired(parser);
  if (token_begins_statement(token.kind) || (token.kind == '}' && !token.made_up))
    parser->quiet = parser->stop;
  if (token.kind == TOK_IDENT && defines_name(parser->previous.kind)) parser->defining = token.text;
  parser->latest = token;
  if (!token.made_up && token.kind != TOK_END) {
    parser->before = parser->previous.kind;
    parser->previous_but_one = parser->previous;
    parser->previous = token;
  }
  return token;
}
