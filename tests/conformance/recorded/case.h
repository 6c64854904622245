/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A run of a case of cases.json: its options, its model and its arrays. */
#ifndef GRUS_TESTS_CONFORMANCE_CASE_H
#define GRUS_TESTS_CONFORMANCE_CASE_H

#include "../reasons.h"
#include "fit.h"
#include "names.h"

typedef struct Case {
  Conform *c;
  Reasons *reasons;
  json_t *json;         /* a run of the case */
  const json_t *answer; /* options that it lacks; NULL: none are known */
  const char *models, *written, *label;
  const char *which;  /* ", recording 1" of several with the same options */
  const char *layers; /* of a file of tensors: who wrote its layers; NULL: the import */
  Model *model;
  Fitted in[MAX_PORTS];
  Fitted out[MAX_PORTS]; /* size 0: the output is not recorded */
  double tolerance;
  double scale[MAX_PORTS];
  int64_t samples, steps, numbers;
} Case;

/* The path of a file of the case. */
const char *case_path(const Case *t, const char *name);
const char *case_text(const json_t *json, const char *key);
/* Counts a failure and adds a row that says why. Always false. */
bool case_said(Case *t, const char *what, const char *name);
/* What the integers of the inputs ("in") or outputs ("out") stand for: 0: scale, 1: zero. */
double case_affine(const json_t *quant, const char *port, size_t k);

/* Reads all inputs of the model. False after a row that says why not. */
bool case_inputs(Case *t);
/* Reads one array that may be output i; false if it is no value of it. quant: what its integers
 * stand for; NULL: it has none. */
bool case_output(Case *t, int i, const char *file, const json_t *quant);
/* Makes the inputs of a stream with a stride longer if it is compared once, at its end: a sequence
 * that ends between two calls goes on with zeros, which only complete the last call. key: by output
 * its name in the case. */
void case_complete(Case *t, const char *const *key);

#endif
