/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The bytes of large constants, put into an ELF object after LLVM has written it: LLVM keeps
 * several copies of what passes through it, and weights may have gigabytes. */
#ifndef GRUS_BACKEND_ELF_DATA_H
#define GRUS_BACKEND_ELF_DATA_H

#include "base/text.h"

/* A section that the compiler was asked to leave empty, and what belongs there. The compiler knows
 * it as ELF_DATA_EMPTY followed by its name, a section of zeros that the file does not hold. */
typedef struct ElfData {
  const char *name; /* ".rodata.net_w" */
  const char *bytes;
  size_t n;
} ElfData;

#define ELF_DATA_EMPTY ".bss"

/* An object that was made with empty sections -> one whose sections hold their bytes, read-only and
 * with their own names. False if it is no ELF object or a section is not as expected. */
bool elf_data_fill(const char *object, size_t len, const ElfData *data, int n, Text *out);

#endif
