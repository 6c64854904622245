/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the operations of the kernel IR compute in one lane, as kir.h says. In: operands; out: the
 * result. Knows no memory and no registers. */
#ifndef GRUS_TESTS_KIR_LANES_H
#define GRUS_TESTS_KIR_LANES_H

#include "kir/kir.h"

typedef union Lane {
  float f;
  int64_t i; /* I32, INDEX, SIZE, BOOL */
} Lane;

/* Of a function without a result: computes each of n lanes, and returns. */
#define EACH(what)                                                                                 \
  for (int i = 0; i < n; i++)                                                                      \
    what;                                                                                          \
  return

/* Says that the module does what kir.h does not allow; the first such thing counts. In interpret.c.
 */
void lane_wrong(const char *what);

/* Numbers of 16 bits, the bits of a float, and whole numbers in 32 bits. */
float lane_half(uint16_t h);
float lane_bfloat(uint16_t b);
int32_t lane_wrap(int64_t x);
int64_t lane_whole(KirElem elem, int64_t x);
float lane_from_bits(int64_t bits);
int32_t lane_bits(float f);
/* An operation of floats, of n lanes; of whole numbers; of fixed point, without a table. */
void lanes_real(KirOp op, int n, const Lane *a, const Lane *b, const Lane *c, Lane *out);
int64_t lane_integer(KirOp op, int64_t a, int64_t b);
int64_t lane_fixed(const KirExpr *e, Lane a, Lane b, Lane c);
bool lane_is_fixed(KirOp op);
Lane lane_convert(Lane v, KirElem from, KirElem to);
/* x; 0 with its sign below 2^-126, as the units of bf16 have it. */
float lane_normal(float x);
/* c + products of the halves of a and b in bf16; of their bytes, a without a sign; both with one.
 */
float lane_pairs(uint32_t a, uint32_t b, float c);
int64_t lane_quads(uint32_t a, uint32_t b, int64_t c);
int64_t lane_signed_quads(uint32_t a, uint32_t b, int64_t c);

#endif
