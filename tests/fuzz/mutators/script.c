/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The code of TorchScript, as a text or in an archive: an operator, a name, a number or an argument
 * becomes another one, or a line is left out, doubled or moved, so that most changes parse. */
#include "mutators.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* A part of the text: [from, to). */
typedef struct Part {
  size_t from, to;
} Part;

enum { MOST_PARTS = 4096 };

static bool is_word(uint8_t c) {
  return isalnum(c) || c == '_' || c == '.';
}

/* Words: operators and names, or numbers. */
static size_t find_words(const uint8_t *data, size_t size, bool numbers, Part *part) {
  size_t n = 0;
  for (size_t i = 0; i < size && n < MOST_PARTS;) {
    size_t from = i;
    while (i < size && is_word(data[i]))
      i++;
    if (i > from && (isdigit(data[from]) != 0) == numbers) part[n++] = (Part){from, i};
    if (i == from) i++;
  }
  return n;
}

/* Arguments: between a bracket or a comma and the next one of the same depth. */
static size_t find_arguments(const uint8_t *data, size_t size, Part *part) {
  size_t open[64], depth = 0, n = 0;
  for (size_t i = 0; i < size && n < MOST_PARTS; i++) {
    uint8_t c = data[i];
    bool closes = c == ')' || c == ']';
    if (c == '\n' && depth == 0) continue;
    if (depth && (closes || c == ',')) {
      if (i > open[depth - 1]) part[n++] = (Part){open[depth - 1], i};
      open[depth - 1] = i + 1;
      if (closes) depth--;
    }
    if ((c == '(' || c == '[') && depth < 64) open[depth++] = i + 1;
  }
  return n;
}

static size_t find_lines(const uint8_t *data, size_t size, Part *part) {
  size_t n = 0, from = 0;
  for (size_t i = 0; i < size && n < MOST_PARTS; i++)
    if (data[i] == '\n') {
      part[n++] = (Part){from, i + 1};
      from = i + 1;
    }
  return n;
}

/* `at` becomes `len` bytes of `with`, which may be of the text itself. */
static size_t replace(uint8_t *data, size_t size, size_t max_size, Part at, const void *with,
                      size_t len) {
  uint8_t copy[1024];
  size_t rest = size - at.to;
  if (len > sizeof copy || at.from + len + rest > max_size) return size;
  memcpy(copy, with, len);
  memmove(data + at.from + len, data + at.to, rest);
  memcpy(data + at.from, copy, len);
  return at.from + len + rest;
}

static size_t swap_words(uint8_t *data, size_t size, size_t max_size, const Part *part, size_t n,
                         uint64_t *state) {
  Part at = part[mutator_below(state, n)], with = part[mutator_below(state, n)];
  return replace(data, size, max_size, at, data + with.from, with.to - with.from);
}

static size_t other_number(uint8_t *data, size_t size, size_t max_size, const Part *part, size_t n,
                           uint64_t *state) {
  static const char *const numbers[] = {"0", "1",   "2",    "-1",        "-2",
                                        "3", "0.5", "1e38", "100000000", "9223372036854775807"};
  const char *with = numbers[mutator_below(state, sizeof numbers / sizeof *numbers)];
  return replace(data, size, max_size, part[mutator_below(state, n)], with, strlen(with));
}

static size_t other_operator(uint8_t *data, size_t size, size_t max_size, const Part *part,
                             size_t n, uint64_t *state) {
  static const char *const names[] = {
#define SCHEMA(name, arguments, results) name,
#include "compiler/import/read/script/schemas.def"
#undef SCHEMA
      "size", "len", "dim", "append", "copy_", "mul_", "__getitem__", "numel"};
  static const char *const values[] = {"None", "True", "False"};
  char with[128];
  Part at = part[mutator_below(state, n)];
  bool calls = at.to < size && data[at.to] == '(';
  if (calls)
    snprintf(with, sizeof with, "torch.%s",
             names[mutator_below(state, sizeof names / sizeof *names)]);
  else
    snprintf(with, sizeof with, "%s", values[mutator_below(state, 3)]);
  return replace(data, size, max_size, at, with, strlen(with));
}

/* An argument is left out, doubled, or becomes another one. */
static size_t other_argument(uint8_t *data, size_t size, size_t max_size, const Part *part,
                             size_t n, uint64_t *state) {
  char with[1024];
  Part at = part[mutator_below(state, n)];
  switch (mutator_below(state, 4)) {
  case 0:
    at.to += at.to < size && data[at.to] == ',';
    return replace(data, size, max_size, at, "", 0);
  case 1: {
    int len =
        snprintf(with, sizeof with, ", %.*s", (int)(at.to - at.from), (const char *)data + at.from);
    at.from = at.to;
    return (size_t)len < sizeof with ? replace(data, size, max_size, at, with, (size_t)len) : size;
  }
  default: return swap_words(data, size, max_size, part, n, state);
  }
}

/* A line is left out, doubled, becomes another one, or moves. */
static size_t other_line(uint8_t *data, size_t size, size_t max_size, const Part *part, size_t n,
                         uint64_t *state) {
  Part at = part[mutator_below(state, n)];
  Part with = part[mutator_below(state, n)];
  switch (mutator_below(state, 4)) {
  case 0: return replace(data, size, max_size, at, "", 0);
  case 1: with = at; break;
  case 2: return replace(data, size, max_size, at, data + with.from, with.to - with.from);
  default: break;
  }
  at.from = at.to;
  return replace(data, size, max_size, at, data + with.from, with.to - with.from);
}

static size_t mutate_code(uint8_t *data, size_t size, size_t max_size, uint64_t *state) {
  static Part part[MOST_PARTS];
  for (size_t changes = 1 + mutator_below(state, 3); changes; changes--) {
    size_t kind = mutator_below(state, 12);
    bool numbers = kind < 3, words = kind < 7, lines = kind < 9;
    size_t n = words   ? find_words(data, size, numbers, part)
               : lines ? find_lines(data, size, part)
                       : find_arguments(data, size, part);
    if (kind == 11 || !n) return LLVMFuzzerMutate(data, size, max_size);
    if (kind < 2)
      size = other_number(data, size, max_size, part, n, state);
    else if (kind < 5)
      size = swap_words(data, size, max_size, part, n, state);
    else if (words)
      size = other_operator(data, size, max_size, part, n, state);
    else if (lines)
      size = other_line(data, size, max_size, part, n, state);
    else
      size = other_argument(data, size, max_size, part, n, state);
  }
  return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
  uint64_t state = seed;
  if (size >= 4 && memcmp(data, "PK", 2) == 0)
    return mutator_archive(data, size, max_size, mutate_code, seed);
  return mutate_code(data, size, max_size, &state);
}
