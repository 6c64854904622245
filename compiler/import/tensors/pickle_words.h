/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Numbers and texts as they stand in a pickle. Each function moves the input after what it read,
 * and returns false, with nothing said of where the input then stands, when that is not there. */
#ifndef GRUS_IMPORT_TENSORS_PICKLE_WORDS_H
#define GRUS_IMPORT_TENSORS_PICKLE_WORDS_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct PickleInput {
  const uint8_t *data;
  size_t at, len;
} PickleInput;

/* A little-endian number of 1, 2, 4 or 8 bytes. */
bool pickle_number(PickleInput *in, int bytes, uint64_t *out);
bool pickle_bytes(PickleInput *in, uint64_t n, const char **out);
/* Up to the end of the line, which is passed over. */
bool pickle_line(PickleInput *in, const char **out, size_t *len);
/* Two's complement, little-endian. False, with *f, if it is too large for *i. */
bool pickle_long(const char *digits, size_t len, int64_t *i, double *f);
/* A line of decimal digits, with an L after it where Python 2 wrote it. */
bool pickle_decimal(PickleInput *in, int64_t *i);
bool pickle_decimal_float(PickleInput *in, double *f);
/* A line 00 or 01, which are False and True; nothing is taken if it is another. */
bool pickle_bool(PickleInput *in, bool *value);
/* 8 bytes, big-endian. */
bool pickle_double(PickleInput *in, double *f);
/* A line of text in quotes and with the escapes of Python's source, or without and with \u alone.
 * UTF-8 where it was Unicode, else bytes. */
bool pickle_quoted(Arena *arena, PickleInput *in, bool quoted, const char **out, size_t *len);

#endif
