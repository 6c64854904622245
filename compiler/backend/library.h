/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* KIR -> what makes a shared library of bodies of one model: the descriptor that
 * runtime/host/grus_shared.h declares. */
#ifndef GRUS_BACKEND_LIBRARY_H
#define GRUS_BACKEND_LIBRARY_H

#include "backend/c.h"

enum { LIBRARY_MAX_PORTS = 256 }; /* MAX_PORTS of grus_shared.c */

/* The model compiled for one level of the processor. */
typedef struct LibraryBody {
  const KirModule *m, *batched; /* batched: the same for several sequences a call, or NULL */
  const char *name;             /* "x86-64-v3" */
  const char *needs;            /* of GrusNeeds: "GRUS_NEEDS_X86_64_V3" */
  const char *prefix, *batched_prefix;
} LibraryBody;

typedef struct LibraryOptions {
  const char *compiler; /* "grus 0.2.0" */
  int64_t batch;        /* of the batched modules; 1: there are none */
  int64_t stack;        /* bytes of stack of one call */
} LibraryOptions;

/* Defines grus_program and grus_library, in C that includes PREFIX.h of every body. The best body
 * is the first. */
void backend_library(const LibraryBody *body, int n, const LibraryOptions *options, Text *source);

#endif
