/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The C that `build` writes: with which options, what it is to be compiled with, and the same C
 * compiled as a user would and loaded, so that it can be timed. */
#ifndef GRUS_DRIVER_EMITTED_H
#define GRUS_DRIVER_EMITTED_H

#include "driver/build.h"
#include "runtime/host/grus_host.h"

/* The options of the command line that shape C, after the machine was chosen. */
COptions emitted_options(const Session *s, const Model *model);
/* NAME.h and NAME.c, or (source NULL) one header. False after reporting. */
bool emitted_write(Session *s, const Model *model, const Source *from, const KirModule *m,
                   const COptions *c, Text *header, Text *source);
/* The command that compiles it: --cc, or the one that `build` prints. */
const char *emitted_command(const Session *s, const COptions *c);
/* Writes the C, compiles it with that command, loads it. NULL after reporting. */
const GrusProgram *emitted_load(Session *s, const Model *model, const Source *from,
                                const KirModule *m, bool header);

#endif
