/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The kernel IR, run as kir.h says it means, one lane after the other: the judge between the
 * lowering, which is compared with the evaluator through it, and the backends. Every access is
 * checked against its buffer; scratch and state begin as NaN, so that what reads before it writes
 * shows. Shares no code with backends. */
#ifndef GRUS_TESTS_KIR_INTERPRET_H
#define GRUS_TESTS_KIR_INTERPRET_H

#include "backend/llvm.h"
#include "kir/kir.h"

/* The module's entries for GrusProgram: calls run in the module given last. */
LlvmEntries interpret_entries(const KirModule *m);
/* What was wrong with an access since interpret_entries; NULL: nothing. */
const char *interpret_trouble(void);

#endif
