/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Whether a module computes what the evaluator does: interpreted, and by a backend where one is
 * asked for. */
#ifndef GRUS_TESTS_KIR_JUDGE_H
#define GRUS_TESTS_KIR_JUDGE_H

#include "oracle.h"

#include "driver/trial.h"

/* How near to the evaluator the arithmetic comes: with the shorter functions, with operands rounded
 * to bf16. */
typedef enum JudgeKind { JUDGE_EXACT, JUDGE_FAST, JUDGE_BF16 } JudgeKind;

/* in: a sample for each place of the batch. *what says how it differs. */
Verdict judge(Session *s, Model *model, const KirModule *m, const Recorded *const *in,
              JudgeKind kind, OracleBackend backend, char *what, size_t size);

#endif
