/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A model compiled into this process's memory, as the host runs it. */
#ifndef GRUS_DRIVER_JIT_H
#define GRUS_DRIVER_JIT_H

#include "backend/llvm.h"
#include "driver/session.h"
#include "kir/kir.h"

#include "runtime/host/grus_host.h"

/* The ports of a module, around entries of any origin. */
const GrusProgram *jit_describe(const KirModule *m, const LlvmEntries *entries, Arena *arena);
/* Lives as long as the session. NULL after reporting. */
const GrusProgram *jit_program(Session *s, const KirModule *m);

/* The module around entries of any kind. */
const GrusProgram *jit_describe(const KirModule *m, const LlvmEntries *entries, Arena *arena);

#endif
