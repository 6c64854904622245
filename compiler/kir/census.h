/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* How much of what a function is made of: the ground of estimates of code and time. */
#ifndef GRUS_KIR_CENSUS_H
#define GRUS_KIR_CENSUS_H

#include "kir/kir.h"

/* CENSUS(id): what is counted. Scalars and vectors of any width apart. */
#define CENSUS_LIST(F)                                                                             \
  F(ENTRY) /* functions with a prologue of their own */                                            \
  F(LOOP)                                                                                          \
  F(ONCE)   /* loops of one turn */                                                                \
  F(TEST)   /* ifs */                                                                              \
  F(LOAD)   /* elements loaded one by one */                                                       \
  F(NARROW) /* those among them that are widened: bf16, small integers */                          \
  F(HALF)   /* and f16 */                                                                          \
  F(STORE)                                                                                         \
  F(FLOAT)   /* add, sub, mul; a MAD counts twice */                                               \
  F(EXTREME) /* min, max */                                                                        \
  F(SIGN)    /* neg, abs */                                                                        \
  F(FUSED)                                                                                         \
  F(DIVIDE)  /* divisions and roots */                                                             \
  F(INTEGER) /* arithmetic of i32 and index */                                                     \
  F(CONVERT)                                                                                       \
  F(CHOICE)        /* comparisons and selections */                                                \
  F(CONSTANT)      /* float literals */                                                            \
  F(CALL)          /* of helpers, whose insides are counted at each call */                        \
  F(VECTOR_MEMORY) /* loads and stores of several lanes */                                         \
  F(VECTOR)        /* arithmetic of several lanes */                                               \
  F(SHUFFLE)       /* splat, sum, lane */                                                          \
  F(UPPER)         /* fixed point: upper halves of products */                                     \
  F(LIMIT)         /* clamps and saturating sums */                                                \
  F(BLEND)         /* mixes and fades */                                                           \
  F(LOOKUP)        /* reads of tables */                                                           \
  F(ROUND)         /* from floats to integers */                                                   \
  F(DOT)           /* sums of products of integers, the other factor of 16 bits */                 \
  F(PRODUCT)       /* products in them; of the text: those written out */                          \
  F(DOT8)          /* the same with a factor of 8 bits */                                          \
  F(PRODUCT8)                                                                                      \
  F(KNOWN) /* products without a loop, of weights at a constant place */                           \
  F(MOVE)  /* copies and clearings */                                                              \
  F(MOVED) /* elements of them */                                                                  \
  F(TERM)  /* index terms of accesses */                                                           \
  F(LIVE)  /* registers that are defined */
#define CENSUS_ID(id) CENSUS_##id,
typedef enum CensusKind { CENSUS_LIST(CENSUS_ID) CENSUS_KINDS } CensusKind;

typedef struct Census {
  int64_t n[CENSUS_KINDS];
} Census;

/* What stands in the function: each statement once, a helper's at each call. */
Census census_of_text(const KirFunc *f);
/* The same without what helpers are made of. */
Census census_of_own(const KirFunc *f);
/* What one call does: loops as often as they turn, with lengths at their bounds. Of an if, both
 * ways (most) or the shorter one. */
Census census_of_call(const KirFunc *f, bool most);
/* The same for statements of one layer alone; layer NULL: of none. Entries only. */
Census census_of_layer(const KirFunc *f, const char *layer);
/* All that is counted. */
int64_t census_size(const Census *c);
/* Whether it computes in integers. */
bool census_has_integers(const Census *c);
/* Whether it computes in fixed point, not only products between floats. */
bool census_has_fixed_point(const Census *c);
extern const char *const census_name[CENSUS_KINDS];

#endif
