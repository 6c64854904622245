/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The one function of stdio a check program calls; run.mjs provides it. */
#ifndef GRUS_TESTS_WASM_STDIO_H
#define GRUS_TESTS_WASM_STDIO_H

int printf(const char *format, ...);

#endif
