/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* functions.h: the functions of runtime/core/grus_math.h, each with its reference in double and the
 * error bounds it must keep, and how errors are measured. */
#ifndef GRUS_BENCH_FUNCTIONS_H
#define GRUS_BENCH_FUNCTIONS_H

#include <stddef.h>
#include <stdint.h>

typedef void ApplyFn(const float *x, float *y, size_t n);

enum { VARIANT_MAD, VARIANT_FMA, VARIANT_COUNT }; /* a * b + c rounded twice, once */

typedef struct Activation {
  const char *name;
  double (*reference)(double x);
  ApplyFn *apply[VARIANT_COUNT];
  double max_ulp; /* bounds of the error; INFINITY: none is stated */
  double max_abs;
  float low, high; /* bounds of the results */
} Activation;

extern const Activation activations[];
extern const size_t activation_count;

/* Largest errors and results seen, and the inputs where. Errors are infinite where one of result
 * and reference is NaN and not the other, where one overflows and not the other, and where f(0) has
 * the wrong sign. */
typedef struct Measure {
  double ulp, abs;
  float ulp_at, abs_at;
  float low, high; /* of results that are not NaN */
} Measure;

/* Adds to m[VARIANT_COUNT] the inputs with bit patterns first, first + stride, ..., below end. */
void measure_range(Measure *m, const Activation *f, uint64_t first, uint64_t end, uint64_t stride);
void measure_merge(Measure *into, const Measure *from);
Measure measure_empty(void);

#endif
