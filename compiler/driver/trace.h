/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* --trace: a table from each stage of the source to its function, lines and weights in the C. */
#ifndef GRUS_DRIVER_TRACE_H
#define GRUS_DRIVER_TRACE_H

#include "backend/c.h"
#include "driver/session.h"

/* A table in CSV. `c` is the text that holds the functions, `path` its file; with_codes: the file
 * has a self-test, whose codes go with the stages. */
void trace_write(Session *s, const KirModule *m, const CTrace *trace, const Text *c,
                 const char *path, bool with_codes, Text *out);

#endif
