/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* --selftest: the numbers that generated code compares itself with, and what its answers mean. */
#ifndef GRUS_DRIVER_SELFTEST_H
#define GRUS_DRIVER_SELFTEST_H

#include "driver/build.h"

/* Into *out: inputs as the target makes them, through the reference evaluator. The model gets an
 * output for every layer, so m, its lowered form, is made before. False after reporting. */
bool selftest_make(Session *s, Model *model, const Source *source, const KirModule *m,
                   const CSelftest **out);
/* grus verify MODEL --selftest=CODE. */
ExitCode selftest_explain(Session *s, const Model *model, long code);

#endif
