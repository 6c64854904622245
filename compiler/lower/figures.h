/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a module costs on a core before anything is compiled: code in flash, stack of a call, cycles
 * of a call. They hold for the C as the build prints its flags, GCC at -O2. */
#ifndef GRUS_LOWER_FIGURES_H
#define GRUS_LOWER_FIGURES_H

#include "kir/kir.h"

typedef struct Figures {
  const char *core; /* "cortex-m4"; NULL: nothing is known of this machine */
  /* bytes of flash without weights, such that the whole is within 10 % or 320 bytes */
  int64_t code;
  int64_t stack;     /* a call needs at most so many bytes, scratch on the stack included */
  int64_t cycles[2]; /* of the costliest entry, least and most; 0: not known */
} Figures;

/* c_flags: those the machine's C is compiled with, which name its core. scratch_on_stack: whether
 * the scratch memory is. */
Figures figures_of(const KirModule *m, const char *c_flags, bool scratch_on_stack);
/* Bytes of scratch that is not of floats: in C each such buffer is an array of its own. */
int64_t figures_narrow_scratch(const KirModule *m);
/* Most cycles of one layer of a call; 0: not known. */
int64_t figures_layer_cycles(const KirModule *m, const char *c_flags, const char *layer);

#endif
