/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* KIR -> a WebAssembly module: its bytes, what it says of itself, and types for TypeScript. Core
 * WebAssembly with bulk memory and saturating conversions; vectors of 4 lanes are those of
 * SIMD128. */
#ifndef GRUS_BACKEND_WASM_H
#define GRUS_BACKEND_WASM_H

#include "kir/kir.h"

typedef struct WasmOptions {
  const char *compiler; /* "grus 0.2.0" */
} WasmOptions;

/* The module imports nothing. It exports its memory as "memory" and the entries by their names
 * (run; reset, step; reset, push). Parameters are those of the C interface: a pointer to the state,
 * lengths, ports (a number, where C has one, else the address of their first element), extern
 * weights. The caller has all memory from the byte `end` of the description on, and may grow it;
 * scratch memory belongs to the module. Entries with a status return it. A custom section "grus"
 * holds the description. Returns NULL, or why the module cannot be WebAssembly: it uses wider
 * vectors, or what only other machines have. The message lives in the module's arena. */
const char *backend_wasm(const KirModule *m, const WasmOptions *options, Text *bytes);

/* The description as one line of JSON: ports with shapes, lengths, state, parameters of entries. */
void backend_wasm_description(const KirModule *m, const WasmOptions *options, Text *json);

/* The types of the JavaScript module around it: inputs, outputs, and what can be called. */
void backend_wasm_types(const KirModule *m, const WasmOptions *options, Text *typescript);

#endif
