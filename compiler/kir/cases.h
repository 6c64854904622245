/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Groups of enumerators of kir.h as cases of a switch, so that every switch names all of them
 * without repeating the lists. */
#ifndef GRUS_KIR_CASES_H
#define GRUS_KIR_CASES_H

#include "kir/kir.h"

/* Operations: without operands; of one operand, or two, of the type of the result; products that
 * are added to a third; comparisons; one value in another form; and those on fixed-point numbers.
 */
#define KIR_LEAF_CASES                                                                             \
  case KIR_NUM:                                                                                    \
  case KIR_REG:                                                                                    \
  case KIR_LOAD
#define KIR_UNARY_CASES                                                                            \
  case KIR_NEG:                                                                                    \
  case KIR_ABS:                                                                                    \
  case KIR_SQRT
#define KIR_BINARY_CASES                                                                           \
  case KIR_ADD:                                                                                    \
  case KIR_SUB:                                                                                    \
  case KIR_MUL:                                                                                    \
  case KIR_DIV:                                                                                    \
  case KIR_MIN:                                                                                    \
  case KIR_MAX:                                                                                    \
  case KIR_AND:                                                                                    \
  case KIR_OR:                                                                                     \
  case KIR_XOR:                                                                                    \
  case KIR_SHL:                                                                                    \
  case KIR_SHR
#define KIR_ADDED_CASES                                                                            \
  case KIR_FMA:                                                                                    \
  case KIR_MAD:                                                                                    \
  case KIR_PAIRS:                                                                                  \
  case KIR_QUADS:                                                                                  \
  case KIR_SIGNED_QUADS
#define KIR_COMPARE_CASES                                                                          \
  case KIR_LT:                                                                                     \
  case KIR_LE:                                                                                     \
  case KIR_EQ:                                                                                     \
  case KIR_NE
#define KIR_FORM_CASES                                                                             \
  case KIR_CONVERT:                                                                                \
  case KIR_BITCAST:                                                                                \
  case KIR_SPLAT:                                                                                  \
  case KIR_SUM:                                                                                    \
  case KIR_LANE
#define KIR_FIXED_CASES                                                                            \
  case KIR_MULW:                                                                                   \
  case KIR_CLAMP:                                                                                  \
  case KIR_ADDS:                                                                                   \
  case KIR_MIX:                                                                                    \
  case KIR_FADE:                                                                                   \
  case KIR_LOOKUP:                                                                                 \
  case KIR_ROUND

/* Element types that are not integers of a fixed width. */
#define KIR_OTHER_ELEM_CASES                                                                       \
  case KIR_F32:                                                                                    \
  case KIR_F16:                                                                                    \
  case KIR_BF16:                                                                                   \
  case KIR_SIZE:                                                                                   \
  case KIR_INDEX:                                                                                  \
  case KIR_BOOL

#endif
