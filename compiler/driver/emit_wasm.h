/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* `grus build --emit=wasm`: a module, and beside it the JavaScript that calls it and its types. */
#ifndef GRUS_DRIVER_EMIT_WASM_H
#define GRUS_DRIVER_EMIT_WASM_H

#include "driver/session.h"
#include "kir/kir.h"

/* NAME.wasm, NAME.js, NAME.d.ts. */
typedef struct WasmFiles {
  Text module, script, types;
  const char *script_path, *types_path; /* NULL: the module goes to standard output, alone */
} WasmFiles;

/* Chooses vectors of 128 bits when the command line names no machine. */
void wasm_choose_target(Options *o);
/* False after reporting. */
bool wasm_make(Session *s, const KirModule *m, const char *out, WasmFiles *files);

#endif
