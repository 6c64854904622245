/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a check program uses of string.h; both become instructions. */
#ifndef GRUS_TESTS_WASM_STRING_H
#define GRUS_TESTS_WASM_STRING_H

#define memcpy(to, from, n) __builtin_memcpy(to, from, n)
#define memset(to, byte, n) __builtin_memset(to, byte, n)

#endif
