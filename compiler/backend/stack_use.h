/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The stack of a compiled object, as the compiler that made it says. */
#ifndef GRUS_BACKEND_STACK_USE_H
#define GRUS_BACKEND_STACK_USE_H

#include <stdint.h>

typedef struct StackUse {
  const char *entry; /* "kws_run" */
  int64_t bytes;     /* of a call: its frame, those of the functions it calls, return addresses */
} StackUse;

/* Of all entries; use has room for one a function of the module. */
typedef struct StackUses {
  StackUse *use;
  int n; /* 0: not known */
} StackUses;

#endif
