/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Machine code by the LLVM backend, in place of a C compiler. */
#ifndef GRUS_DRIVER_NATIVE_H
#define GRUS_DRIVER_NATIVE_H

#include "backend/llvm.h"
#include "driver/session.h"
#include "lower/target.h"

/* The schedule for a triple, such as "thumbv7em-none-eabihf", and --cpu; NULL if `triple` is none
 * that LLVM knows. */
const Target *native_schedule(const Session *s, const char *triple);
/* Whether LLVM is to compile: --backend=llvm, a triple; and, where there is LLVM, always while $CC
 * names no compiler. Its code is the faster, and it need not read weights as text. */
bool native_chosen(const Session *s);
/* Whether --cpu and --features, if given, mean something: LLVM compiles, or they choose how C is
 * made for a triple. False after reporting. */
bool native_names_fit(Session *s, bool by_llvm);
/* What the command line asks of LLVM, after build_lower. */
LlvmOptions native_options(const Session *s, const COptions *c);
/* The object of a module for --emit=shared, with the functions that call its entries by arrays of
 * pointers; *entries gets the size of the state. False after reporting. */
bool native_object(Session *s, const KirModule *m, const COptions *c, LlvmEntries *entries,
                   Text *text);
/* Appends a file of the LLVM backend's to text; *stack, if not NULL, gets what an object needs of
 * it. False after reporting. */
bool native_make(Session *s, const KirModule *m, const COptions *c, LlvmOutput output,
                 StackUses *stack, Text *text);

#endif
