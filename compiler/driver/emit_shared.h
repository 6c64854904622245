/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* --emit=shared: a library that describes itself, with a body for each level of the processor. */
#ifndef GRUS_DRIVER_EMIT_SHARED_H
#define GRUS_DRIVER_EMIT_SHARED_H

#include "driver/build.h"

/* Whether the options can be combined with --emit=shared. False after reporting. */
bool library_options_fit(Session *s);
/* Whether the C compiler is needed: without it LLVM makes the code and grus links it. */
bool library_needs_compiler(const Session *s);
/* Makes the library as `out` in the temporary folder dir. duckdb: the name of the function by which
 * DuckDB loads it, NULL: it is for other hosts. False after reporting. */
bool library_make(Session *s, const Model *model, const Source *source, const char *dir,
                  const char *duckdb, const char *out);

#endif
