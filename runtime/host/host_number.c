/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Converts the number types of files and ports to double and back; see host_number.h. */
#include "host_posix.h"

#include "host_number.h"

#include <string.h>

static const struct {
  const char *name;
  char kind;
  int size;
} elems[] = {
    [GRUS_ELEM_F32] = {"f32", 'f', 4}, [GRUS_ELEM_F16] = {"f16", 'f', 2},
    [GRUS_ELEM_I8] = {"i8", 'i', 1},   [GRUS_ELEM_I16] = {"i16", 'i', 2},
    [GRUS_ELEM_I32] = {"i32", 'i', 4}, [GRUS_ELEM_U8] = {"u8", 'u', 1},
    [GRUS_ELEM_U16] = {"u16", 'u', 2},
};

/* Exact: every binary16 is a double. Layout s eeeee mmmmmmmmmm, bias 15. */
static double half_to_double(unsigned half) {
  unsigned exponent = half >> 10 & 31, mantissa = half & 1023;
  uint64_t sign = (uint64_t)(half >> 15) << 63, bits;
  if (exponent == 31)
    bits = 0x7ffULL << 52 | (uint64_t)mantissa << 42;
  else if (exponent)
    bits = (uint64_t)(exponent - 15 + 1023) << 52 | (uint64_t)mantissa << 42;
  else {
    double small = (double)mantissa / 16777216.0; /* 2^-24 */
    return sign ? -small : small;
  }
  bits |= sign;
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* Rounds to nearest, ties to even; 65520 and more become infinity. */
static unsigned half_from_double(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  unsigned sign = (unsigned)(bits >> 48) & 0x8000;
  int exponent = (int)(bits >> 52 & 0x7ff) - 1023;
  uint64_t mantissa = bits & 0xfffffffffffffULL;
  if (exponent == 1024) return sign | 0x7c00 | (mantissa ? 0x200 : 0);
  if (exponent > 15) return sign | 0x7c00;
  if (exponent < -25) return sign;
  /* Significand with its leading 1, to be cut to 11 bits, or fewer below the smallest normal. */
  int drop = exponent >= -14 ? 42 : 42 + (-14 - exponent);
  uint64_t full = mantissa | 1ULL << 52;
  uint64_t kept = full >> drop, rest = full & ((1ULL << drop) - 1), tie = 1ULL << (drop - 1);
  if (rest > tie || (rest == tie && (kept & 1))) kept++;
  /* A carry out of the significand moves into the exponent by itself. */
  unsigned base = exponent >= -14 ? (unsigned)(exponent + 14) << 10 : 0;
  return sign | (base + (unsigned)kept);
}

HostNumber host_number_of_elem(GrusElem elem) {
  HostNumber type = {elems[elem].kind, elems[elem].size, false};
  return type;
}

static uint64_t load(HostNumber type, const unsigned char *b) {
  uint64_t bits = 0;
  for (int i = 0; i < type.size; i++)
    bits |= (uint64_t)b[type.big ? type.size - 1 - i : i] << (8 * i);
  return bits;
}

static void store(HostNumber type, uint64_t bits, unsigned char *b) {
  for (int i = 0; i < type.size; i++)
    b[type.big ? type.size - 1 - i : i] = (unsigned char)(bits >> (8 * i));
}

static double decode_one(HostNumber type, uint64_t bits) {
  if (type.kind == 'f' && type.size == 4) {
    uint32_t word = (uint32_t)bits;
    float value;
    memcpy(&value, &word, sizeof value);
    return (double)value;
  }
  if (type.kind == 'f' && type.size == 8) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
  }
  if (type.kind == 'f') return half_to_double((unsigned)bits);
  if (type.kind == 'i') {
    uint64_t sign = 1ULL << (8 * type.size - 1);
    uint64_t magnitude = (~bits & (sign - 1)) + 1;
    if (bits & sign) return -(double)magnitude;
  }
  return (double)bits;
}

void host_number_decode(HostNumber type, const unsigned char *bytes, double *values, size_t n) {
  for (size_t i = 0; i < n; i++, bytes += type.size)
    values[i] = decode_one(type, load(type, bytes));
}

static uint64_t encode_one(HostNumber type, double value) {
  if (type.kind == 'f' && type.size == 4) {
    float narrow = (float)value;
    uint32_t word;
    memcpy(&word, &narrow, sizeof word);
    return word;
  }
  if (type.kind == 'f' && type.size == 8) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
  }
  if (type.kind == 'f') return half_from_double(value);
  return (uint64_t)(int64_t)value;
}

void host_number_encode(HostNumber type, const double *values, unsigned char *bytes, size_t n) {
  for (size_t i = 0; i < n; i++, bytes += type.size)
    store(type, encode_one(type, values[i]), bytes);
}

size_t host_elem_size(GrusElem elem) {
  return (size_t)elems[elem].size;
}

const char *host_elem_name(GrusElem elem) {
  return elems[elem].name;
}

bool host_elem_is_float(GrusElem elem) {
  return elems[elem].kind == 'f';
}

void host_elem_range(GrusElem elem, double *low, double *high) {
  double span = (double)(1ULL << (8 * elems[elem].size));
  bool is_signed = elems[elem].kind == 'i';
  *low = is_signed ? -span / 2 : 0;
  *high = is_signed ? span / 2 - 1 : span - 1;
}

void host_elem_decode(GrusElem elem, const void *from, double *values, size_t n) {
  switch (elem) {
  case GRUS_ELEM_F32:
    for (size_t i = 0; i < n; i++)
      values[i] = (double)((const float *)from)[i];
    break;
  case GRUS_ELEM_F16:
    for (size_t i = 0; i < n; i++)
      values[i] = half_to_double(((const uint16_t *)from)[i]);
    break;
  case GRUS_ELEM_I8:
    for (size_t i = 0; i < n; i++)
      values[i] = ((const int8_t *)from)[i];
    break;
  case GRUS_ELEM_I16:
    for (size_t i = 0; i < n; i++)
      values[i] = ((const int16_t *)from)[i];
    break;
  case GRUS_ELEM_I32:
    for (size_t i = 0; i < n; i++)
      values[i] = ((const int32_t *)from)[i];
    break;
  case GRUS_ELEM_U8:
    for (size_t i = 0; i < n; i++)
      values[i] = ((const uint8_t *)from)[i];
    break;
  case GRUS_ELEM_U16:
    for (size_t i = 0; i < n; i++)
      values[i] = ((const uint16_t *)from)[i];
    break;
  }
}

void host_elem_encode(GrusElem elem, const double *values, void *to, size_t n) {
  switch (elem) {
  case GRUS_ELEM_F32:
    for (size_t i = 0; i < n; i++)
      ((float *)to)[i] = (float)values[i];
    break;
  case GRUS_ELEM_F16:
    for (size_t i = 0; i < n; i++)
      ((uint16_t *)to)[i] = (uint16_t)half_from_double(values[i]);
    break;
  case GRUS_ELEM_I8:
    for (size_t i = 0; i < n; i++)
      ((int8_t *)to)[i] = (int8_t)values[i];
    break;
  case GRUS_ELEM_I16:
    for (size_t i = 0; i < n; i++)
      ((int16_t *)to)[i] = (int16_t)values[i];
    break;
  case GRUS_ELEM_I32:
    for (size_t i = 0; i < n; i++)
      ((int32_t *)to)[i] = (int32_t)values[i];
    break;
  case GRUS_ELEM_U8:
    for (size_t i = 0; i < n; i++)
      ((uint8_t *)to)[i] = (uint8_t)values[i];
    break;
  case GRUS_ELEM_U16:
    for (size_t i = 0; i < n; i++)
      ((uint16_t *)to)[i] = (uint16_t)values[i];
    break;
  }
}
