/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Loops over integers whose turns do not depend on each other and are made of operations that MVE
 * has on four numbers, as the cells of recurrent layers are. Backends that print them so ask here.
 * Floats are only read to be rounded and written as scaled integers: MVE takes numbers below the
 * normal ones as 0, which is what they are rounded to. */
#ifndef GRUS_KIR_FOURS_H
#define GRUS_KIR_FOURS_H

#include "kir/cases.h"

/* Operations that such loops do not have. */
#define KIR_NO_FOURS_CASES                                                                         \
  case KIR_DIV:                                                                                    \
  case KIR_MIN:                                                                                    \
  case KIR_MAX:                                                                                    \
  KIR_UNARY_CASES:                                                                                 \
  case KIR_FMA:                                                                                    \
  case KIR_MAD:                                                                                    \
  case KIR_PAIRS:                                                                                  \
  case KIR_QUADS:                                                                                  \
  case KIR_SIGNED_QUADS:                                                                           \
  case KIR_OR:                                                                                     \
  KIR_COMPARE_CASES:                                                                               \
  case KIR_SELECT: KIR_FORM_CASES

/* n_regs: of the function that the loop stands in. */
bool kir_loop_goes_by_fours(const KirStmt *loop, int n_regs, Arena *arena);
/* Of one number, and made of LET and RETURN. */
bool kir_helper_goes_by_fours(const KirFunc *f);
/* A LOOKUP of word arg[0]->arg[1] of record arg[0]->arg[0]->arg[0], of four words each. */
bool kir_is_record(const KirExpr *e);
/* A constant of one lane. */
bool kir_is_number(const KirExpr *e);
/* A CLAMP to what n bits with a sign hold: n; else 0. */
int kir_clamp_bits(const KirExpr *e);

#endif
