/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Test vectors of one model: what vectors.c writes and harness.c reads. */
#ifndef GRUS_TESTS_VECTORS_H
#define GRUS_TESTS_VECTORS_H

#include "grus_host.h"

typedef struct VectorPort {
  const void *data;      /* elements as the C interface has them, call after call */
  size_t bytes_per_call; /* 0: the same data with every call */
} VectorPort;

typedef struct VectorOut {
  const float *expected; /* the reference evaluator's, rounded to float, call after call */
  size_t per_call;
  size_t compared; /* elements per call that have a meaning (bounded time: up to the length) */
} VectorOut;

extern const GrusProgram grus_program;
extern const int vector_calls;
extern const size_t vector_lengths[];
extern const VectorPort vector_in[], vector_init[];
extern const VectorOut vector_out[];

#endif
