/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* --emit=duckdb: a model of whole sequences as an extension of DuckDB, a function of its name. */
#ifndef GRUS_DRIVER_EMIT_DUCKDB_H
#define GRUS_DRIVER_EMIT_DUCKDB_H

#include "driver/build.h"

/* Makes the extension as `made` in the temporary folder dir; it will be called `out`, by which
 * DuckDB finds its first function. m: the model lowered. False after reporting. */
bool duckdb_make(Session *s, const Model *model, const Source *source, const KirModule *m,
                 const char *dir, const char *out, const char *made);

#endif
