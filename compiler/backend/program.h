/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* KIR -> the C file that makes a program of a compiled model: a GrusProgram
 * (runtime/host/grus_host.h) that describes its ports, and functions that turn the host's arrays of
 * pointers into calls. */
#ifndef GRUS_BACKEND_PROGRAM_H
#define GRUS_BACKEND_PROGRAM_H

#include "backend/c.h"

/* Defines `const GrusProgram grus_program` and, if with_main, main. options->header_name is the
 * header that backend_c printed. */
void backend_program(const KirModule *m, const COptions *options, bool with_main, Text *source);

#endif
