/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Buffers as tensors. In, a tensor with data; out, its numbers. Several tensors may share a buffer,
 * and a body may be read several times: they all get the same numbers. */
#include "import/read/tflite/reader.h"

#include "base/shape.h"

#include <math.h>
#include <string.h>

/* The number of bits of an element; 0 if tensors of this type cannot be constants. */
static unsigned bits_of(int type) {
  static const unsigned bits[TFL_TYPES] = {
      [TFL_FLOAT32] = 32, [TFL_FLOAT16] = 16, [TFL_INT32] = 32,  [TFL_UINT8] = 8,
      [TFL_INT64] = 64,   [TFL_BOOL] = 8,     [TFL_INT16] = 16,  [TFL_INT8] = 8,
      [TFL_FLOAT64] = 64, [TFL_UINT64] = 64,  [TFL_UINT32] = 32, [TFL_UINT16] = 16,
      [TFL_INT4] = 4,     [TFL_BFLOAT16] = 16};
  return type >= 0 && type < TFL_TYPES ? bits[type] : 0;
}

/* The number that 16 bits of a half-precision float stand for. */
static double half(uint64_t bits) {
  uint64_t exponent = bits >> 10 & 31, fraction = bits & 1023;
  double sign = bits >> 15 ? -1 : 1;
  if (exponent == 31) return fraction ? NAN : sign * INFINITY;
  return sign * (exponent ? ldexp((double)(fraction + 1024), (int)exponent - 25)
                          : ldexp((double)fraction, -24));
}

static double element(int type, const uint8_t *data, int64_t i) {
  unsigned size = bits_of(type) / 8;
  uint64_t bits = 0;
  if (type == TFL_INT4) {
    int nibble = data[i / 2] >> (i % 2 ? 4 : 0) & 15;
    return nibble < 8 ? nibble : nibble - 16;
  }
  for (unsigned b = 0; b < size; b++)
    bits |= (uint64_t)data[(size_t)i * size + b] << (8 * b);
  switch ((TflType)type) {
  case TFL_BFLOAT16:
  case TFL_FLOAT32: {
    uint32_t low = (uint32_t)(type == TFL_BFLOAT16 ? bits << 16 : bits);
    float f;
    memcpy(&f, &low, sizeof f);
    return (double)f;
  }
  case TFL_FLOAT64: {
    double f;
    memcpy(&f, &bits, sizeof f);
    return f;
  }
  case TFL_FLOAT16: return half(bits);
  case TFL_INT8: return (int8_t)bits;
  case TFL_INT16: return (int16_t)bits;
  case TFL_INT32: return (int32_t)bits;
  case TFL_INT64: return (double)(int64_t)bits;
  case TFL_BOOL: return bits != 0;
  case TFL_UINT8:
  case TFL_UINT16:
  case TFL_UINT32:
  case TFL_UINT64: return (double)bits;
  case TFL_INT4:
  case TFL_STRING:
  case TFL_COMPLEX64:
  case TFL_COMPLEX128:
  case TFL_RESOURCE:
  case TFL_VARIANT:
  case TFL_TYPES: break;
  }
  return 0;
}

/* Whether a float holds each such element. */
static bool is_float(int type) {
  return type == TFL_FLOAT32 || type == TFL_FLOAT16 || bits_of(type) <= 16;
}

static const GraphTensor *bad(TflReader *r, const TflTensor *t, const char *why) {
  foreign_report(r->diags, r->file, E901, "constant `%s`, %s %s in %zu bytes, %s", t->name,
                 tfl_type_name(t->type), dims_str(r->arena, t->rank, t->dim), t->bytes, why);
  return NULL;
}

const GraphTensor *tfl_constant(TflReader *r, const TflTensor *t) {
  GraphElem elem;
  unsigned bits = bits_of(t->type);
  int64_t count = 1;
  GraphNumbers to;
  const char *key =
      arena_printf(r->arena, "%d %d %s", t->buffer, t->type, dims_str(r->arena, t->rank, t->dim));
  const GraphTensor *known = map_get(&r->constants, key);
  if (known && graph_known(known))
    return known; /* otherwise a sweep has freed it, so read it again */
  if (!bits || !tfl_elem(t->type, &elem)) return bad(r, t, "does not hold numbers");
  for (int i = 0; i < t->rank; i++)
    if (t->dim[i] < 0 || !size_mul(count, t->dim[i], &count) || count > INT32_MAX)
      return bad(r, t, "has no size of its own");
  if ((uint64_t)t->bytes != ((uint64_t)count * bits + 7) / 8)
    return bad(r, t, "does not fill them");
  if ((r->numbers -= count) < 0) return bad(r, t, "is one of too many");
  GraphTensor *made = graph_tensor_of(foreign_numbers(r->file), elem, t->rank, t->dim, INT32_MAX,
                                      is_float(t->type), &to);
  if (!made) return bad(r, t, "is too large");
  if (t->type == TFL_INT8) /* most of a large file of integers */
    for (int64_t i = 0; i < count; i++)
      graph_put(&to, i, (int8_t)t->data[i]);
  else
    for (int64_t i = 0; i < count; i++)
      graph_put(&to, i, element(t->type, t->data, i));
  map_put(r->arena, &r->constants, key, made);
  return made;
}
