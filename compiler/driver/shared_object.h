/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The objects of runtime/host/grus_shared.c and grus_duckdb.c for this machine, made with the
 * compiler. */
#ifndef GRUS_DRIVER_SHARED_OBJECT_H
#define GRUS_DRIVER_SHARED_OBJECT_H

#include <stddef.h>

extern const unsigned char grus_shared_object[];
extern const size_t grus_shared_object_size; /* 0: there is none */
/* The first for AArch64, if the build found a compiler for it. */
extern const unsigned char grus_aarch64_object[];
extern const size_t grus_aarch64_object_size;
/* The first with the calling convention of Windows. */
extern const unsigned char grus_windows_object[];
extern const size_t grus_windows_object_size;
extern const unsigned char grus_duckdb_object[];
extern const size_t grus_duckdb_object_size;

#endif
