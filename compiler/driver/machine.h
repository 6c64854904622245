/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From --target to what is compiled for: a schedule, what C compilers and LLVM need, and sizes. */
#ifndef GRUS_DRIVER_MACHINE_H
#define GRUS_DRIVER_MACHINE_H

#include "driver/session.h"
#include "lower/machine_table.h"

/* Sets s->machine from the options: --target, else this machine (for_host) or any. False after
 * reporting. */
bool machine_choose(Session *s, bool for_host);
/* The same for one target of the table. */
void machine_set(Session *s, const Target *target);
/* Whether --target asks for one C file with a body for each kind of processor. */
bool machine_is_multi(const Options *o);
/* Whether code for the chosen machine is code for this one. */
bool machine_is_here(const Session *s);
/* The name that the chosen machine's C compiler usually has. */
const char *machine_compiler(const Session *s);
/* Whether this machine can run what is compiled for the chosen one. False after reporting. */
bool machine_runs(Session *s);
/* The names there are, in groups, a line each. */
void machine_list(Text *out);

#endif
