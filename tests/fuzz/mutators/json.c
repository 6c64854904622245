/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* JSON: a value is replaced by another of the same text or by a common one, two are exchanged, an
 * element of a list is doubled or left out. What is written is as balanced as what was read. */
#include "mutators.h"

#include <ctype.h>
#include <stdbool.h>

enum { MOST_VALUES = 2048, MOST_DEPTH = 256 };

typedef struct Span {
  size_t from, to; /* a value, without the spaces around it */
  bool in_list;
} Span;

static size_t string_end(const uint8_t *s, size_t i, size_t n) {
  for (i++; i < n && s[i] != '"'; i++)
    i += s[i] == '\\';
  return i < n ? i + 1 : n;
}

static bool is_key(const uint8_t *s, size_t i, size_t n) {
  while (i < n && isspace(s[i]))
    i++;
  return i < n && s[i] == ':';
}

/* The values of a text, in the order of their beginnings; those that do not end are left out. */
static size_t find_values(const uint8_t *s, size_t n, Span *value) {
  size_t open[MOST_DEPTH], depth = 0, count = 0, to;
  for (size_t i = 0; i < n && count < MOST_VALUES; i = to) {
    bool in_list = depth && s[value[open[depth - 1]].from] == '[';
    to = i + 1;
    if (s[i] == '[' || s[i] == '{') {
      if (depth == MOST_DEPTH) return count;
      open[depth++] = count;
      value[count++] = (Span){i, 0, in_list};
    } else if ((s[i] == ']' || s[i] == '}') && depth) {
      value[open[--depth]].to = to;
    } else if (s[i] == '"') {
      to = string_end(s, i, n);
      if (!is_key(s, to, n)) value[count++] = (Span){i, to, in_list};
    } else if (isalnum(s[i]) || s[i] == '-') {
      while (to < n && (isalnum(s[to]) || strchr("+-.", s[to])))
        to++;
      value[count++] = (Span){i, to, in_list};
    }
  }
  size_t whole = 0;
  for (size_t i = 0; i < count; i++)
    if (value[i].to) value[whole++] = value[i];
  return whole;
}

typedef struct Part {
  const uint8_t *text;
  size_t n;
} Part;

static Part text_of(const uint8_t *s, Span span) {
  return (Part){s + span.from, span.to - span.from};
}

static Part common(uint64_t *state) {
  static const char *const words[] = {
      "null",      "true",     "false",     "0",          "1",         "2",
      "3",         "4",        "7",         "-1",         "0.5",       "1e9",
      "[]",        "{}",       "[1]",       "[2, 3]",     "[null, 4]", "[[1, 2], [0, 1]]",
      "\"\"",      "\"same\"", "\"valid\"", "\"causal\"", "\"relu\"",  "\"sigmoid\"",
      "2147483647"};
  const char *word = words[mutator_below(state, sizeof words / sizeof *words)];
  return (Part){(const uint8_t *)word, strlen(word)};
}

/* The text with `part` in place of bytes from..to; 0: there is no room. */
static size_t put(const uint8_t *s, size_t n, size_t from, size_t to, Part part, uint8_t *out,
                  size_t room) {
  if (n - (to - from) > room || part.n > room - (n - (to - from))) return 0;
  memcpy(out, s, from);
  memcpy(out + from, part.text, part.n);
  memcpy(out + from + part.n, s + to, n - to);
  return n - (to - from) + part.n;
}

/* The element of a list with the comma before it, or after it. */
static Span with_comma(const uint8_t *s, size_t n, Span span) {
  size_t i = span.from, k = span.to;
  while (i && isspace(s[i - 1]))
    i--;
  if (i && s[i - 1] == ',') return (Span){i - 1, span.to, true};
  while (k < n && isspace(s[k]))
    k++;
  return k < n && s[k] == ',' ? (Span){span.from, k + 1, true} : span;
}

static size_t change(const uint8_t *s, size_t n, const Span *value, size_t count, uint64_t *state,
                     uint8_t *out, size_t room) {
  static uint8_t between[MUTATOR_ROOM];
  Span a = value[mutator_below(state, count)], b = value[mutator_below(state, count)];
  switch (mutator_below(state, 6)) {
  case 0: return put(s, n, a.from, a.to, common(state), out, room);
  case 1:
    if (a.in_list) { /* left out */
      a = with_comma(s, n, a);
      return put(s, n, a.from, a.to, (Part){s, 0}, out, room);
    }
    break;
  case 2:
    if (a.in_list) { /* another one before it */
      size_t m =
          put(s, n, a.from, a.from, (Part){(const uint8_t *)",", 1}, between, sizeof between);
      return m ? put(between, m, a.from, a.from, text_of(s, b), out, room) : 0;
    }
    break;
  case 3:
    if (a.to <= b.from) { /* exchanged: the later one first */
      size_t m = put(s, n, b.from, b.to, text_of(s, a), between, sizeof between);
      return m ? put(between, m, a.from, a.to, text_of(s, b), out, room) : 0;
    }
    break;
  default: break;
  }
  return put(s, n, a.from, a.to, text_of(s, b), out, room);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
  static Span value[MOST_VALUES];
  static uint8_t room[MUTATOR_ROOM];
  uint64_t state = seed;
  size_t count =
      size < MUTATOR_ROOM && mutator_below(&state, 3) ? find_values(data, size, value) : 0;
  size_t n = count ? change(data, size, value, count, &state, room,
                            max_size < sizeof room ? max_size : sizeof room)
                   : 0;
  if (!n) return LLVMFuzzerMutate(data, size, max_size);
  memcpy(data, room, n);
  return n;
}
