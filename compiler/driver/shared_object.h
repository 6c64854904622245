/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The object of runtime/host/grus_shared.c for this machine, made with the compiler. */
#ifndef GRUS_DRIVER_SHARED_OBJECT_H
#define GRUS_DRIVER_SHARED_OBJECT_H

#include <stddef.h>

extern const unsigned char grus_shared_object[];
extern const size_t grus_shared_object_size; /* 0: there is none */

#endif
