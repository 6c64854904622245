/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads a ranges file; see ranges.h. In: any text. Out: the ranges, or one diagnostic that shows
 * the line. */
#include "model/quant/ranges.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_WORD = 512, MOST_RANGES = 1 << 20, SHA_DIGITS = 64 };

typedef struct Reader {
  Arena *arena;
  const Source *source;
  Diags *diags;
  size_t at, line; /* offsets: of the next byte, and of the line it is in */
} Reader;

static Span here(const Reader *r, size_t from) {
  return (Span){r->source->id, (uint32_t)from, (uint32_t)r->at};
}

static void skip_blanks(Reader *r) {
  while (r->at < r->source->len &&
         (r->source->text[r->at] == ' ' || r->source->text[r->at] == '\t' ||
          r->source->text[r->at] == '\r'))
    r->at++;
}

static bool at_end_of_line(Reader *r) {
  skip_blanks(r);
  return r->at >= r->source->len || r->source->text[r->at] == '\n' || r->source->text[r->at] == '#';
}

static void next_line(Reader *r) {
  while (r->at < r->source->len && r->source->text[r->at] != '\n')
    r->at++;
  if (r->at < r->source->len) r->at++;
  r->line = r->at;
}

/* The next word of the line, without its quotes; NULL at the end of the line. */
static const char *next_word(Reader *r, Span *span) {
  if (at_end_of_line(r)) return NULL;
  const char *text = r->source->text;
  size_t from = r->at, first = from;
  bool quoted = text[from] == '"';
  if (quoted) first = ++r->at;
  while (r->at < r->source->len && text[r->at] != '\n' && r->at - first < LONGEST_WORD &&
         (quoted ? text[r->at] != '"'
                 : text[r->at] != ' ' && text[r->at] != '\t' && text[r->at] != '\r'))
    r->at++;
  size_t n = r->at - first;
  if (quoted && r->at < r->source->len && text[r->at] == '"') r->at++;
  *span = here(r, from);
  return arena_strndup(r->arena, text + first, n);
}

static bool bad(const Reader *r, Span at, const char *message, const char *label) {
  Diag *d = diag_new(r->diags, E706, at, "%s", message);
  diag_primary(d, "%s", label);
  diag_fix(d, FIX_MAYBE, "`grus calibrate` writes this file; a line is `range NAME LOW HIGH`");
  return false;
}

static bool read_number(Reader *r, double *out) {
  Span span = here(r, r->at);
  const char *word = next_word(r, &span);
  char *end = NULL;
  if (!word)
    return bad(r, here(r, r->line), "a range without its numbers",
               "needs the least and the greatest value");
  *out = strtod(word, &end);
  if (end == word || *end) return bad(r, span, "a range that is not a number", "not a number");
  if (!isfinite(*out))
    return bad(r, span, "a range that is not finite", "calibration saw a NaN or an infinity");
  return true;
}

static void add(Arena *arena, Ranges *ranges, Range range) {
  Range *added = ARENA_NEW(arena, Range);
  *added = range;
  ARENA_PUSH(arena, ranges->range, ranges->n, ranges->cap, added);
  map_put(arena, &ranges->by_name, range.name, added);
}

static bool read_range(Reader *r, Ranges *ranges) {
  Span span;
  Range range = {0};
  const char *name = next_word(r, &span);
  if (!name) return bad(r, here(r, r->line), "a range without a name", "needs the name of a value");
  if (ranges_find(ranges, name))
    return bad(r, span, arena_printf(r->arena, "`%s` has two ranges", name), "already named above");
  if (ranges->n >= MOST_RANGES)
    return bad(r, span, "more ranges than any model has values", "too many");
  if (!read_number(r, &range.low) || !read_number(r, &range.high)) return false;
  range.name = name;
  range.span = span;
  if (range.low > range.high || (range.low == 0 && range.high == 0))
    return bad(r, span, arena_printf(r->arena, "the range of `%s` is empty", name),
               "it contains no number");
  add(r->arena, ranges, range);
  return true;
}

static bool is_digest(const char *kind, const char *digits) {
  return strcmp(kind, "sha256") == 0 && strlen(digits) == SHA_DIGITS &&
         strspn(digits, "0123456789abcdef") == SHA_DIGITS;
}

static bool read_weights(Reader *r, Ranges *ranges) {
  Span span = here(r, r->at);
  const char *kind = next_word(r, &span), *digits = kind ? next_word(r, &span) : NULL;
  if (!digits || !is_digest(kind, digits))
    return bad(r, span_valid(span) ? span : here(r, r->line),
               "the digest of the weights is missing", "needs `weights sha256` and 64 digits");
  ranges->weights = digits;
  ranges->weights_span = span;
  return true;
}

/* `rounded "kws.q.safetensors" sha256 DIGITS`; earlier versions wrote no digest. */
static bool read_rounded(Reader *r, Ranges *ranges, Span line) {
  ranges->rounded = next_word(r, &ranges->rounded_span);
  if (!ranges->rounded)
    return bad(r, line, "no file of rounded weights is named", "needs its name in quotes");
  Span span = line;
  const char *kind = next_word(r, &span), *digits = kind ? next_word(r, &span) : NULL;
  if (kind && (!digits || !is_digest(kind, digits)))
    return bad(r, span_valid(span) ? span : line, "the digest of the rounded weights is missing",
               "needs `sha256` and 64 digits");
  ranges->rounded_digest = digits;
  return true;
}

static bool read_decibels(Reader *r, double *out) {
  Span span = here(r, r->at);
  const char *word = next_word(r, &span);
  char *end = NULL;
  *out = word ? strtod(word, &end) : NAN;
  if (word && end != word && !*end && isfinite(*out)) return true;
  return bad(r, word ? span : here(r, r->line), "a signal-to-noise ratio without its number",
             "needs decibels");
}

static bool read_ratio(Reader *r, Ranges *ranges) {
  Span span;
  RangesRatio ratio = {.layer = next_word(r, &span)};
  ratio.precision = ratio.layer ? next_word(r, &span) : NULL;
  if (!ratio.precision)
    return bad(r, here(r, r->line), "a signal-to-noise ratio without its stage",
               "needs `snr`, a stage, its precision and decibels");
  if (ranges->n_ratios >= MOST_RANGES)
    return bad(r, span, "more stages than any model has", "too many");
  if (!read_decibels(r, &ratio.snr)) return false;
  ARENA_PUSH(r->arena, ranges->ratio, ranges->n_ratios, ranges->cap_ratios, ratio);
  return true;
}

static bool read_line(Reader *r, Ranges *ranges) {
  Span span;
  const char *word = next_word(r, &span);
  if (!word || strcmp(word, "data") == 0) return true;
  if (strcmp(word, "range") == 0) return read_range(r, ranges);
  if (strcmp(word, "weights") == 0) return read_weights(r, ranges);
  if (strcmp(word, "snr") == 0) return read_ratio(r, ranges);
  if (strcmp(word, "total") == 0) return read_decibels(r, &ranges->total);
  if (strcmp(word, "rounded") == 0) return read_rounded(r, ranges, span);
  return bad(r, span, arena_printf(r->arena, "`%.40s` is not a word of a ranges file", word),
             "not `range`, `weights`, `data`, `rounded`, `snr` or `total`");
}

Ranges *ranges_parse(Arena *arena, const Source *source, Diags *diags) {
  Reader r = {.arena = arena, .source = source, .diags = diags};
  Ranges *ranges = ARENA_NEW(arena, Ranges);
  Span span = here(&r, 0);
  ranges->path = source->path;
  const char *first = next_word(&r, &span),
             *version = first && strcmp(first, "grus-ranges") == 0 ? next_word(&r, &span) : NULL;
  if (!version || strcmp(version, "1") != 0) {
    bad(&r, span, "this is not a ranges file",
        version ? "it has another version" : "does not begin with `grus-ranges 1`");
    return NULL;
  }
  for (next_line(&r); r.at < source->len; next_line(&r)) {
    if (!read_line(&r, ranges)) return NULL;
    if (at_end_of_line(&r) || source->text[r.line] == 'd') continue;
    Span rest = {source->id, (uint32_t)r.at, (uint32_t)r.at + 1};
    const char *word = next_word(&r, &rest);
    if (ranges->n && word && strtod(word, NULL) != 0)
      continue; /* earlier versions wrote a third number, which is ignored */
    bad(&r, rest, "this line is too long", "not expected");
    return NULL;
  }
  return ranges;
}

const Range *ranges_find(const Ranges *ranges, const char *name) {
  return map_get(&ranges->by_name, name);
}

double ranges_ratio(const Ranges *ranges, const char *layer, const char *precision) {
  for (int i = 0; i < ranges->n_ratios; i++)
    if (strcmp(ranges->ratio[i].layer, layer) == 0 &&
        strcmp(ranges->ratio[i].precision, precision) == 0)
      return ranges->ratio[i].snr;
  return 0;
}

void ranges_add(Arena *arena, Ranges *ranges, const char *name, double low, double high) {
  add(arena, ranges, (Range){.name = name, .low = low, .high = high});
}

void ranges_widen(Arena *arena, Ranges *ranges, const char *name, double low, double high) {
  Range *known = map_get(&ranges->by_name, name);
  if (!known) {
    ranges_add(arena, ranges, name, low, high);
    return;
  }
  known->low = fmin(known->low, low);
  known->high = fmax(known->high, high);
}
