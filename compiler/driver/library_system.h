/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Systems whose shared libraries grus writes on any other: Windows and macOS. */
#ifndef GRUS_DRIVER_LIBRARY_SYSTEM_H
#define GRUS_DRIVER_LIBRARY_SYSTEM_H

#include "backend/link.h"
#include "driver/session.h"

enum { LIBRARY_MAX_BODIES = 4 };

/* By words of a triple. Objects are compiled as `llvm` says: ELF with the calling convention of the
 * system. */
typedef struct LibrarySystem {
  const char *processor, *word;
  LinkFormat format;
  const char *ending, *llvm, *features;
  const char *target[LIBRARY_MAX_BODIES]; /* levels, the best first */
} LibrarySystem;

/* The one that --target names; NULL: none of these, as far as is known this one. */
const LibrarySystem *library_system(const Options *o);
/* What the name of a library ends in, by the system it is for. */
const char *library_ending(const Session *s);
/* Whether the output is called so; $CC may be a compiler for another. False after reporting. */
bool library_ending_fits(Session *s);

#endif
