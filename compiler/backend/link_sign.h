/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The signature of a Mach-O file that nobody signed: SHA-256 of each of its pages, which the loader
 * of arm64 compares. */
#ifndef GRUS_BACKEND_LINK_SIGN_H
#define GRUS_BACKEND_LINK_SIGN_H

#include "base/text.h"

#include <stdint.h>

/* Bytes of the signature of a file that has `size` bytes before it. */
uint64_t sign_size(uint64_t size, const char *name);
/* Appends it to the file, whose first text_size bytes hold code. name: what it calls itself. */
void sign_add(Text *file, const char *name, uint64_t text_size);

#endif
