/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads the numbers and texts of a pickle. Each function moves the input after what it read. It
 * returns false if the input has something else; then the position of the input is not defined. */
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
/* n bytes. */
bool pickle_bytes(PickleInput *in, uint64_t n, const char **out);
/* The rest of the line, without its end. */
bool pickle_line(PickleInput *in, const char **out, size_t *len);
/* A number in two's complement, little-endian. False if it is too large for *i; then it is in *f.
 */
bool pickle_long(const char *digits, size_t len, int64_t *i, double *f);
/* A line with a decimal number, after which Python 2 writes an L. */
bool pickle_decimal(PickleInput *in, int64_t *i);
bool pickle_decimal_float(PickleInput *in, double *f);
/* A line 00 or 01, which are False and True. Takes nothing if the line is another. */
bool pickle_bool(PickleInput *in, bool *value);
/* A float of 8 bytes, big-endian. */
bool pickle_double(PickleInput *in, double *f);
/* A line of text: quoted with the escapes of Python, as bytes; or without quotes and with the
 * escapes \u and \U, as UTF-8. */
bool pickle_quoted(Arena *arena, PickleInput *in, bool quoted, const char **out, size_t *len);

#endif
