/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Recorded arrays as the values of a model. Import keeps the axes of a file in their order, without
 * the batch, and a person who writes a model may choose another order. So an array fits a type if
 * its axes, without those of size 1, have the sizes of the type's axes, perhaps with an axis of
 * samples in front. If several orders fit, that which moves the fewest axes is taken. If none fits,
 * an array with the numbers of some samples is taken as it is. */
#ifndef GRUS_TESTS_CONFORMANCE_FIT_H
#define GRUS_TESTS_CONFORMANCE_FIT_H

#include "model/bind/weights.h"

/* The numbers of all samples, one sample after the other, each in the storage order of a type. */
typedef struct Fitted {
  double *data;
  int64_t samples, size; /* size: numbers in one sample */
  int64_t steps;         /* of one sample; 1 without time */
} Fitted;

/* False if the array is no value of the type. samples: how many it has; 0: not known yet, and an
 * axis of samples is assumed only if the array does not fit without it. last: an array without the
 * axis of time is the value at the last step. */
bool fit_array(Arena *arena, const Tensor *array, const Type *type, int64_t samples, bool last,
               Fitted *out);
/* Integers as the numbers that they stand for: (q - zero) * scale. */
void fit_affine(Fitted *x, double scale, double zero);
/* Adds steps of zeros to samples that begin with the axis of time, up to `steps`. */
void fit_longer(Arena *arena, Fitted *x, int64_t steps);

#endif
