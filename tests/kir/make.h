/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of the generator of models share: choices from bytes, and the shape that a chain
 * of stages has so far. Shapes are followed so that most models are valid; where they are followed
 * wrongly, the compiler refuses, and nothing is lost but time. */
#ifndef GRUS_TESTS_KIR_MAKE_H
#define GRUS_TESTS_KIR_MAKE_H

#include "base/text.h"

#include <stdint.h>

enum { MAKE_AXES = 4, MAKE_VALUES = 8 };

typedef enum MakeTime { FIXED, BOUNDED, STREAM, WINDOW, MAKE_TIMES } MakeTime;

typedef struct MakeAxis {
  char label; /* 0: none */
  unsigned n;
} MakeAxis;

typedef struct MakeShape {
  bool has_time;
  unsigned steps;      /* of a stream: its period */
  unsigned past;       /* what shortened a bounded sequence: equal lengths have equal pasts */
  unsigned categories; /* 0: real numbers */
  int rank;            /* feature axes; the last has the features */
  MakeAxis axis[MAKE_AXES];
} MakeShape;

typedef struct Make {
  const uint8_t *bytes;
  size_t n, at;
  uint64_t mixed; /* goes on where the bytes end */
  Text *out;
  MakeTime time;
  bool narrow; /* integers: only the stages that have them */
  bool cells;  /* there are blocks C0 and C1: recurrent cells written out */
  MakeShape x; /* the first input */
  int lets;    /* values with names so far: v0, v1, .. */
  MakeShape let[MAKE_VALUES];
  MakeShape state;     /* .h of the last stage; rank 0: it has none */
  unsigned state_kind; /* and its layer, as make_stage.c numbers them from 1; 0: not along time in
                          one direction */
  unsigned let_state_kind[MAKE_VALUES]; /* of the last stage of a named value */
} Make;

/* ---- make_model.c ---- */
unsigned make_pick(Make *m, unsigned n); /* 0..n-1 */
const char *make_word(Make *m, const char *const *words, unsigned n);
unsigned
make_units(Make *m); /* of a layer or an axis: odd ones, and those that fill vectors and tiles */
unsigned make_elements(const MakeShape *s); /* of one step */
#define WORD(m, ...)                                                                               \
  make_word(m, (const char *const[]){__VA_ARGS__},                                                 \
            sizeof(const char *[]){__VA_ARGS__} / sizeof(const char *))

/* ---- make_stage.c ---- */
/* Adds ` |> stage` and what it does to the shape. */
void make_stage(Make *m, MakeShape *s);

/* ---- make_axes.c ---- */
/* A stage that goes along axes. False, and nothing said, where this shape has none of that kind. */
bool make_along(Make *m, MakeShape *s);

#endif
