/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which statements of a function do the same with other buffers. */
#ifndef GRUS_KIR_SHARE_ALIKE_H
#define GRUS_KIR_SHARE_ALIKE_H

#include "kir/kir.h"

/* Memory for comparisons in a function: registers of the one side as they are called on the other,
 * by id, where the stamp is that of this comparison. */
typedef struct KirAlike {
  KirReg **reg;
  int *stamp;
  int n_regs, now;
} KirAlike;

KirAlike kir_alike_new(Arena *arena, int n_regs);
/* Whether n statements of the function are alike, one by one: the same operations in the same order
 * on buffers of the same elements at the same places. Registers that they define may be called
 * otherwise; those that are defined outside are the same. */
bool kir_alike(KirAlike *a, KirStmt *const *x, KirStmt *const *y, int n);
/* A number that alike statements have in common; 0: a statement that no loop over layers can
 * take. */
uint64_t kir_print_of(const KirStmt *x);

#endif
