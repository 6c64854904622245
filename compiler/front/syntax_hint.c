/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Advice for syntax errors that needs more than the next token: habits of other languages, and
 * words in the wrong place. In: the source around the token found. Out: a note or an edit; false if
 * there is no advice. */
#include "front/parser.h"

#include "base/shape.h"
#include "model/graph/identifier.h"

#include "parser.tab.h"

#include <ctype.h>
#include <string.h>

static const char *rest_after(const Parser *parser, Span span) {
  const char *s = parser->source->text + span.end;
  return s + strspn(s, " \t");
}

static Span between(Span a, Span b) {
  return (Span){a.file, a.end, b.begin};
}

/* The word that ends where span ends. */
static const char *word_at(const Parser *parser, Span span) {
  uint32_t begin = span.end;
  while (begin > 0 && identifier_has(parser->source->text[begin - 1]))
    begin--;
  return arena_strndup(parser->arena, parser->source->text + begin, span.end - begin);
}

static bool is_number(const char *word) {
  return *word && strspn(word, "0123456789_") == strlen(word);
}

static bool is_unit(const char *word) {
  static const char *const unit[] = {"Hz", "kHz", "MHz", "s", "ms", "us"};
  for (size_t i = 0; i < sizeof unit / sizeof *unit; i++)
    if (strcmp(word, unit[i]) == 0) return true;
  return false;
}

/* `16 kHz`, `10 time`: after a number in brackets. */
static bool hint_after_number(Diag *d, const Parser *parser, const Token *found, Span before) {
  const char *number = word_at(parser, before);
  if (!is_number(number) || !found->text) return false;
  if (is_unit(found->text)) {
    diag_primary(d, "a number and its unit are one word");
    fix_edit(diag_fix(d, FIX_SURE, "write `%s%s`", number, found->text),
             between(before, found->span), "%s", "");
    return true;
  }
  const char *rest = rest_after(parser, found->span);
  if (parser->opener[parser->depth - 1].bracket != '[' || (*rest != ',' && *rest != ']'))
    return false;
  diag_primary(d, "the name of an axis comes before its size");
  Span both = {before.file, before.end - (uint32_t)strlen(number), found->span.end};
  fix_edit(diag_fix(d, FIX_SURE, "write `%s %s`", found->text, number), both, "%s %s", found->text,
           number);
  return true;
}

/* `[time k 49]`: a name and a size after `time`. */
static bool hint_after_time(Diag *d, const Parser *parser, const Token *found, Span before) {
  const char *name = word_at(parser, before), *text = parser->source->text;
  uint32_t end = before.begin;
  while (end > 0 && (text[end - 1] == ' ' || text[end - 1] == '\t'))
    end--;
  Span time = {before.file, end, end};
  if (found->kind != TOK_INT || parser->opener[parser->depth - 1].bracket != '[' ||
      !(isalpha((unsigned char)*name) || *name == '_') ||
      strcmp(word_at(parser, time), "time") != 0)
    return false;
  diag_primary(d, "`time` has a size, or a name and a bound");
  fix_edit(diag_fix(d, FIX_MAYBE, "for sequences of %s steps, write `time %s`", found->text,
                    found->text),
           between(time, found->span), " ");
  fix_edit(diag_fix(d, FIX_MAYBE, "for sequences of up to %s steps, write `time %s <= %s`",
                    found->text, name, found->text),
           between(before, found->span), " <= ");
  return true;
}

/* `[time, 6]`: a time axis without its size, as None is in other frameworks. */
static bool hint_time_size(Diag *d, const Parser *parser, const Token *found, Span before) {
  if ((found->kind != ',' && found->kind != ']') || !parser->depth ||
      strcmp(word_at(parser, before), "time") != 0)
    return false;
  diag_primary(d, "`time` needs its length before this");
  fix_edit(diag_fix(d, FIX_FILL, "for sequences of one length"), span_after(before), " N");
  fix_edit(diag_fix(d, FIX_FILL, "for sequences of up to N steps"), span_after(before), " n <= N");
  fix_edit(diag_fix(d, FIX_MAYBE, "for a signal without end, one step in each call"),
           span_after(before), " ..");
  return true;
}

/* `f32(time 100, 6)`: round brackets around a shape, closed on the same line. */
static bool hint_shape_bracket(Diag *d, const Parser *parser, const Token *found) {
  const char *text = parser->source->text, *from = text + found->span.end;
  size_t len = strcspn(from, "()[]\n");
  if (found->kind != '(' || from[len] != ')') return false;
  uint32_t close = (uint32_t)(from + len - text);
  Fix *fix = diag_fix(d, FIX_SURE, "a shape has square brackets");
  fix_edit(fix, found->span, "[");
  fix_edit(fix, (Span){found->span.file, close, close + 1}, "]");
  return true;
}

bool syntax_hint_in_list(Diag *d, const Parser *parser, const Token *found, Span before) {
  if (found->kind == '.' && before.end > 0 && parser->source->text[before.end - 1] == '.') {
    fix_edit(diag_fix(d, FIX_SURE, "an endless time is written `..`"), found->span, "%s", "");
    return true;
  }
  if (found->kind == ':' && parser->depth && parser->opener[parser->depth - 1].bracket == '(' &&
      isalpha((unsigned char)*word_at(parser, before))) {
    uint32_t end = (uint32_t)(rest_after(parser, found->span) - parser->source->text);
    fix_edit(diag_fix(d, FIX_SURE, "an option and its value are joined by `=`"),
             (Span){found->span.file, before.end, end}, "=");
    return true;
  }
  bool word = found->kind == TOK_IDENT || found->kind == TOK_TIME;
  if (!parser->depth) return false;
  return word ? hint_after_number(d, parser, found, before)
              : hint_after_time(d, parser, found, before);
}

/* `h = x |> GRU(8)`, `if ...` where a statement is expected. */
static bool hint_at_statement(Diag *d, Parser *parser, const Token *found) {
  static const char *const control[] = {"if", "for", "while", "else", "switch", "loop"};
  const char *rest = rest_after(parser, found->span);
  for (size_t i = 0; i < sizeof control / sizeof *control; i++)
    if (strcmp(found->text, control[i]) == 0) {
      diag_note(d, "a model is a fixed graph of stages: nothing in it is conditional or repeated");
      return true;
    }
  if (rest[0] != '=' || rest[1] == '=') return false;
  Span at = {found->span.file, found->span.begin, found->span.begin};
  fix_edit(diag_fix(d, FIX_SURE, "name a value with `let`"), at, "let ");
  parser->defining = found->text; /* uses of the name are not reported again */
  return true;
}

/* `g |> LSTM(8).h`, `(g |> LSTM(8)).h`, `h[-1]`, `GRU 8`, `x.GRU(8)`: after a value or a stage. */
static bool hint_after_value(Diag *d, const Parser *parser, const Token *found, Span before) {
  const char *word = word_at(parser, before);
  if (found->kind == '.') {
    diag_note(d, "fields belong to names: `let g = x |> LSTM(8)`, then `g.h`");
    return true;
  }
  if (found->kind == '[') {
    diag_note(d, "values are not indexed: `last` is the final step, `slice(begin, end)` takes some "
                 "features of each step");
    return true;
  }
  if (found->kind == '(' && before.begin > 0 && parser->source->text[before.begin - 1] == '.') {
    diag_note(d, "stages are joined with `|>`");
    Span dot = {before.file, before.begin - 1, before.begin};
    bool apart = dot.begin == 0 || isspace((unsigned char)parser->source->text[dot.begin - 1]);
    fix_edit(diag_fix(d, FIX_MAYBE, "write `|> %s`", word), dot, apart ? "|> " : " |> ");
    return true;
  }
  bool number = found->kind == TOK_INT || found->kind == TOK_FLOAT;
  if (number && !found->line_start && isalpha((unsigned char)*word)) {
    diag_primary(d, "put the arguments in parentheses");
    Fix *fix = diag_fix(d, FIX_MAYBE, "write `%s(%s)`", word, found->text);
    fix_edit(fix, between(before, found->span), "(");
    fix_edit(fix, (Span){found->span.file, found->span.end, found->span.end}, ")");
    return true;
  }
  return false;
}

/* `index[...]`, `[10, 3]`: where a type is expected. */
static bool hint_in_type(Diag *d, const Parser *parser, const Token *found, Span before,
                         bool at_begin) {
  Span here = {found->span.file, found->span.begin, found->span.begin};
  if (at_begin) {
    diag_primary(d, "the type of the elements is missing before this");
    fix_edit(diag_fix(d, FIX_SURE, "give the type of the elements"), here, "f32");
    return true;
  }
  if (strcmp(word_at(parser, before), "index") != 0) return false;
  diag_primary(d, "the number of categories is missing before this");
  fix_edit(diag_fix(d, FIX_FILL, "give the number of categories"), here, "(N)");
  return true;
}

bool syntax_hint(Diag *d, Parser *parser, const Token *found, Span before, SyntaxPlace place) {
  const char *text = parser->source->text;
  if (hint_time_size(d, parser, found, before)) return true;
  if (found->kind == '(' && words_index(ELEMENTS, word_at(parser, before)) >= 0)
    return hint_shape_bracket(d, parser, found);
  if (found->kind == '-' && text[found->span.end] == '-' && (place.value || place.statement)) {
    Span both = {found->span.file, found->span.begin, found->span.end + 1};
    fix_edit(diag_fix(d, FIX_SURE, "comments start with `#`"), both, "#");
    return true;
  }
  if (found->kind == '[' && (place.type || !place.value))
    return hint_in_type(d, parser, found, before, place.type);
  if (found->kind == ',' && place.equals) {
    diag_note(
        d,
        "a `let` names one value; further results are its fields: `h.h`, and `h.c` of an `LSTM`");
    return true;
  }
  if (found->kind == '(' && place.body && before.end > 0 && text[before.end - 1] != ')') {
    diag_note(d,
              "a `model` has no parameters: its inputs are `in` statements, constants are `param`");
    return true;
  }
  if (found->kind == TOK_IDENT && found->line_start && place.statement &&
      hint_at_statement(d, parser, found))
    return true;
  return place.value && hint_after_value(d, parser, found, before);
}
