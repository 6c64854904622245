/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tokens with their text and docs, and the mistakes that characters alone show (E102 to E107).
 * Each is reported once with its fix and then read as what was meant; where that is not possible
 * the parser is kept quiet until the next statement. */
#include "front/lexical.h"

#include "parser.tab.h"

#include <string.h>
#include <strings.h>

Span lexical_span(const Parser *parser, uint32_t begin, uint32_t len) {
  return (Span){parser->source->id, begin, begin + len};
}

static const char *lexeme(const Parser *parser, Span at) {
  return arena_strndup(parser->arena, parser->source->text + at.begin, at.end - at.begin);
}

/* The content of a string between its quotes, escapes resolved. */
static const char *string_content(const Parser *parser, Span at) {
  const char *s = parser->source->text + at.begin, *end = parser->source->text + at.end;
  char quote = *s;
  if (quote == '"' || quote == '\'') {
    s++;
    if (end > s && end[-1] == quote) end--;
  } else { /* typeset quotes are three bytes long */
    s += 3;
    end -= 3;
  }
  char *content = arena_alloc(parser->arena, (size_t)(end - s) + 1), *to = content;
  for (; s < end; s++) {
    if (*s == '\\' && s + 1 < end && quote == '"') s++;
    *to++ = *s;
  }
  return content;
}

static bool is_documented(int kind) {
  return kind == TOK_USE || kind == TOK_PARAM || kind == TOK_BLOCK || kind == TOK_MODEL ||
         kind == TOK_IN || kind == TOK_OUT || kind == TOK_LET;
}

static void take_doc(Parser *parser, Token *token) {
  if (is_documented(token->kind)) {
    token->doc = ARENA_NEW(parser->arena, Doc);
    token->doc->text = parser->pending;
    parser->doc = token->doc;
    parser->pending = NULL;
  } else if (token->kind == '}' || token_begins_statement(token->kind)) {
    parser->pending = NULL;
    if (token->kind != TOK_PRECISION) parser->doc = NULL;
  }
}

int lexical_word(const char *s, size_t n) {
  static const struct {
    const char *word;
    int token;
  } keyword[] = {
#define STATEMENT(word, token) {#word, TOK_##token},
#define KEYWORD(word, token)   {#word, TOK_##token},
#include "model/graph/keywords.def"
  };
  for (size_t i = 0; i < sizeof keyword / sizeof *keyword; i++)
    if (strlen(keyword[i].word) == n && memcmp(s, keyword[i].word, n) == 0) return keyword[i].token;
  return TOK_IDENT;
}

void lexical_token(Parser *parser, Token *token, int kind, uint32_t begin, uint32_t len) {
  *token = (Token){.kind = kind, .span = lexical_span(parser, begin, len)};
  token->line_start = parser->line_start;
  parser->line_start = false;
  if (kind == TOK_STRING)
    token->text = string_content(parser, token->span);
  else if (kind >= TOK_GRUS)
    token->text = lexeme(parser, token->span);
  take_doc(parser, token);
}

static const char *doc_join(Parser *parser, const char *doc, const char *line, size_t len) {
  return arena_printf(parser->arena, "%s%s%.*s", doc ? doc : "", doc ? "\n" : "", (int)len, line);
}

void lexical_comment(Parser *parser, Span at) {
  const char *s = parser->source->text + at.begin, *end = parser->source->text + at.end;
  while (end > s && (end[-1] == '\r' || end[-1] == ' ' || end[-1] == '\t'))
    end--;
  at.end = (uint32_t)(end - parser->source->text);
  Comment comment = {at, parser->line_start};
  ARENA_PUSH(parser->arena, parser->comment, parser->n_comments, parser->cap_comments, comment);
  if (end - s < 2 || s[1] != '#' || (end - s > 2 && s[2] == '#')) return;
  s += 2 + (end - s > 2 && s[2] == ' ');
  if (comment.own_line)
    parser->pending = doc_join(parser, parser->pending, s, (size_t)(end - s));
  else if (parser->doc)
    parser->doc->text = doc_join(parser, parser->doc->text, s, (size_t)(end - s));
}

void lexical_pipe(Parser *parser, Span at) {
  Diag *d = diag_new(parser->diags, E102, at,
                     "`%s` is not an operator; stages are joined with `|>`", lexeme(parser, at));
  fix_edit(diag_fix(d, FIX_SURE, "use `|>`"), at, "|>");
}

void lexical_semicolon(Parser *parser, Span at) {
  Diag *d = diag_new(parser->diags, E103, at, "statements need no `;`");
  fix_edit(diag_fix(d, FIX_SURE, "delete it"), at, "%s", "");
}

void lexical_slashes(Parser *parser, Span at) {
  Span sign = {at.file, at.begin, at.begin + 2};
  Diag *d = diag_new(parser->diags, E104, sign, "comments start with `#`");
  fix_edit(diag_fix(d, FIX_SURE, "use `#`"), sign, "#");
}

void lexical_block_comment(Parser *parser, Span at) {
  Span sign = {at.file, at.begin, at.begin + 2};
  Diag *d = diag_new(parser->diags, E104, sign, "comments start with `#`");
  diag_primary(d, "a comment ends with its line");
  const char *text = parser->source->text;
  if (!memchr(text + at.begin, '\n', at.end - at.begin)) {
    Fix *fix = diag_fix(d, FIX_MAYBE, "use `#`, if nothing follows on the line");
    fix_edit(fix, sign, "#");
    fix_edit(fix, (Span){at.file, at.end - 2, at.end}, "%s", "");
  } else {
    diag_note(d, "start each line of the comment with `#`");
    parser->line_start = true;
  }
}

void lexical_open_string(Parser *parser, Span at) {
  const char *text = parser->source->text;
  while (at.end > at.begin + 1 && strchr(" \t\r", text[at.end - 1]))
    at.end--;
  Diag *d = diag_new(parser->diags, E105, at, "string is not closed on this line");
  diag_primary(d, "starts here");
  parser->quiet = true;
  if (text[at.begin] != '"') {
    diag_note(d, "strings use double quotes");
    return;
  }
  uint32_t close = at.end;
  while (close > at.begin + 1 && strchr(")],", text[close - 1]))
    close--;
  fix_edit(diag_fix(d, FIX_MAYBE, "close it"), (Span){at.file, close, close}, "\"");
}

void lexical_escape(Parser *parser, Span at) {
  const char *s = memchr(parser->source->text + at.begin, '\\', at.end - at.begin);
  while (s[1] == '\\' || s[1] == '"')
    s = memchr(s + 2, '\\', (size_t)(parser->source->text + at.end - s - 2));
  uint32_t begin = (uint32_t)(s - parser->source->text);
  Span place = {at.file, begin, begin + 1};
  Diag *d = diag_new(parser->diags, E105, place, "a `\\` in a string is written `\\\\`");
  diag_note(d, "`\\\"` and `\\\\` are the only escapes; in paths, `/` works everywhere");
  fix_edit(diag_fix(d, FIX_MAYBE, "double it"), place, "\\\\");
}

/* Quotes of n bytes on either side become double quotes. */
static void report_quotes(Parser *parser, Span at, uint32_t n) {
  Diag *d = diag_new(parser->diags, E105, at, "strings use double quotes");
  const char *text = parser->source->text + at.begin;
  size_t len = at.end - at.begin;
  bool plain = !memchr(text, '"', len) && !memchr(text, '\\', len);
  Fix *fix = diag_fix(d, plain ? FIX_SURE : FIX_MAYBE, "use double quotes");
  fix_edit(fix, (Span){at.file, at.begin, at.begin + n}, "\"");
  fix_edit(fix, (Span){at.file, at.end - n, at.end}, "\"");
}

void lexical_single_quotes(Parser *parser, Span at) {
  report_quotes(parser, at, 1);
}

void lexical_typeset_quotes(Parser *parser, Span at) {
  report_quotes(parser, at, 3);
}

static const char *unit_meant(const char *unit) {
  static const struct {
    const char *written, *meant;
  } other[] = {{"sec", "s"},   {"secs", "s"},   {"second", "s"},     {"seconds", "s"},
               {"msec", "ms"}, {"msecs", "ms"}, {"usec", "us"},      {"hertz", "Hz"},
               {"k", "kHz"},   {"M", "MHz"},    {"kilohertz", "kHz"}};
  static const char *const known[] = {"Hz", "kHz", "MHz", "s", "ms", "us"};
  for (size_t i = 0; i < sizeof other / sizeof *other; i++)
    if (strcasecmp(unit, other[i].written) == 0) return other[i].meant;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcasecmp(unit, known[i]) == 0) return known[i];
  for (size_t i = 0; i < 3; i++)
    if (strlen(unit) > 1 && text_distance(unit, known[i], 1) <= 1) return known[i];
  return NULL;
}

void lexical_bad_unit(Parser *parser, Span at) {
  const char *text = lexeme(parser, at);
  Diag *d = diag_new(parser->diags, E106, at, "`%s` is not a number or a known unit", text);
  size_t digits = strspn(text, "0123456789_.");
  const char *meant = unit_meant(text + digits);
  if (digits == 1 && *text == '0' && (text[1] == 'x' || text[1] == 'X' || text[1] == 'b')) {
    diag_note(d, "numbers are decimal");
  } else {
    diag_note(d, "units are Hz kHz MHz s ms us");
    if (strcmp(text + digits, "min") == 0 || strcmp(text + digits, "h") == 0)
      diag_note(d, "write the duration in seconds");
  }
  if (meant)
    fix_edit(diag_fix(d, FIX_MAYBE, "did you mean `%s`?", meant), at, "%.*s%s", (int)digits, text,
             meant);
  parser->quiet = true;
}

void lexical_bare_point(Parser *parser, Span at) {
  const char *text = lexeme(parser, at);
  Diag *d = diag_new(parser->diags, E106, at, "`%s` is not a number or a known unit", text);
  diag_note(d, "a decimal point has digits on both sides");
  fix_edit(diag_fix(d, FIX_SURE, "write the zero"), at, *text == '.' ? "0%s" : "%s0", text);
}

void lexical_less(Parser *parser, Span at) {
  Diag *d = diag_new(parser->diags, E107, at, "`%s` is not an operator", lexeme(parser, at));
  diag_note(d,
            "a length that varies at run time is written with its largest value: `time n <= 120`");
  fix_edit(diag_fix(d, FIX_MAYBE, "use `<=`"), at, "<=");
}

/* Characters pasted from typeset text, and what they stand for. */
static const struct {
  unsigned code;
  const char *name, *meant;
} stray_known[] = {
    {0xA0, "a no-break space", " "},
    {0x2007, "a figure space", " "},
    {0x2009, "a thin space", " "},
    {0x202F, "a narrow no-break space", " "},
    {0x3000, "an ideographic space", " "},
    {0xAD, "a soft hyphen", ""},
    {0x200B, "a zero-width space", ""},
    {0x200C, "a zero-width non-joiner", ""},
    {0x200D, "a zero-width joiner", ""},
    {0x200E, "a left-to-right mark", ""},
    {0x200F, "a right-to-left mark", ""},
    {0x2060, "a word joiner", ""},
    {0xFEFF, "a byte-order mark", ""},
    {0x201C, "a typographic quote", "\""},
    {0x201D, "a typographic quote", "\""},
    {0x201E, "a typographic quote", "\""},
    {0x2013, "an en dash", "-"},
    {0x2014, "an em dash", "-"},
    {0x2212, "a minus sign", "-"},
    {0xD7, "a multiplication sign", "*"},
    {0x2264, "a less-or-equal sign", "<="},
    {0x25B7, "a triangle", "|>"},
    {0xFF08, "a full-width bracket", "("},
    {0xFF09, "a full-width bracket", ")"},
    {0xFF0C, "a full-width comma", ","},
    {0xFF1A, "a full-width colon", ":"},
    {0xFF1D, "a full-width sign", "="},
};

/* With the blanks before it where it ends its line. */
static Span with_blanks(const Parser *parser, Span at) {
  const Source *source = parser->source;
  bool ends = at.end >= source->len || strchr("\r\n", source->text[at.end]);
  while (ends && at.begin > 0 && strchr(" \t", source->text[at.begin - 1]))
    at.begin--;
  return at;
}

void lexical_stray(Parser *parser, Span at) {
  size_t len, n = at.end - at.begin;
  const char *text = lexeme(parser, at);
  unsigned code = text_decode(text, n, &len);
  size_t k = 0, known = sizeof stray_known / sizeof *stray_known;
  while (k < known && stray_known[k].code != code)
    k++;
  bool invisible = code <= 0x20 || code == 0x7F || (k < known && !*stray_known[k].meant) ||
                   (k < known && *stray_known[k].meant == ' ');
  bool single = len == n;
  const char *meant = single && k < known ? stray_known[k].meant : "";
  if (!parser->quiet) {
    Diag *d = single && invisible
                  ? diag_new(parser->diags, E107, at, "unexpected character U+%04X", code)
                  : diag_new(parser->diags, E107, at, "unexpected character%s `%.*s`%s",
                             single ? "" : "s", n > 24 ? (int)len : (int)n, text,
                             n > 24 ? " and what follows it" : "");
    if (single && k < known) diag_note(d, "U+%04X is %s", code, stray_known[k].name);
    bool in_shape = parser->depth && parser->opener[parser->depth - 1].bracket == '[';
    if (code == '?' && in_shape)
      diag_note(
          d, "sizes are known at build time: for any length up to N, write `time n <= N`; for an "
             "endless signal, `time ..`");
    else if (code == '!' || code == '%' || code == '&' || code == '^' || code == '?' || code == '>')
      diag_note(d, "the operators are `+ - * /` and `|>`");
    const char *rest = parser->source->text + at.end;
    rest += strspn(rest, " \t\r");
    bool last = *rest == '\n' || *rest == '#' || *rest == '}' || !*rest;
    if (*meant == ' ')
      fix_edit(diag_fix(d, FIX_SURE, "use an ordinary space"), at, " ");
    else if (*meant)
      fix_edit(diag_fix(d, FIX_SURE, "write it as `%s`", meant), at, "%s", meant);
    else if (code == '>' && single && !last)
      fix_edit(diag_fix(d, FIX_MAYBE, "join stages with `|>`"), at, "|>");
    else
      fix_edit(diag_fix(d, last || invisible ? FIX_SURE : FIX_MAYBE, "delete it"),
               with_blanks(parser, at), "%s", "");
  }
  if (!(single && invisible)) parser->quiet = true;
}
