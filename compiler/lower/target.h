/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Target: everything lower/ knows about a machine when it chooses widths and tiles. */
#ifndef GRUS_LOWER_TARGET_H
#define GRUS_LOWER_TARGET_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Target {
  const char *name; /* "generic", "x86-64-v3" */
  const char *doc;
  int lanes;          /* f32 lanes of the widest vector to use; 1: scalar */
  int min_lanes;      /* narrowest vector that pays; 1 for scalar targets */
  int registers;      /* vector (scalar targets: float) registers */
  bool has_fma;       /* fused multiply-add exists and is at least as fast as multiply and add */
  bool has_f16;       /* f16 loads convert in hardware */
  int unroll;         /* steps of the innermost loop written out; 0 and 1: none */
  bool scalar_factor; /* a vector multiply-add takes one factor from a scalar register */
  int load_many;      /* most floats one instruction loads into registers in a row; 0: one */
  int accumulators;   /* independent sums a tile should keep in flight */
  bool loads_first;   /* what compiles the code loads all factors of a turn of a loop before it
                         multiplies: they need registers besides the sums */
  int32_t l1_bytes, l2_bytes; /* 0: no cache */
  bool has_bf16_pairs;        /* products of bf16 two at a time, on vectors of 4 lanes and more */
  bool has_quads;             /* products of bytes four at a time, on vectors of 4 lanes and more */
  bool quads_signed;          /* both factors have a sign; else the operand has none */
  bool has_permutes;          /* vectors of 16 lanes look up tables of 32 numbers in registers */
  bool has_tiles;             /* sums of products by tiles of 16 rows, columns and words */
  int dot_step;               /* products of integers taken together; 0: one at a time */
  int dot_step_bytes;         /* the same of 8 bits with 8 bits, both with a sign; 0: dot_step */
  bool dot_swapped;           /* 8-bit weights: the middle two of 4 change places */
  bool dot_unsigned;          /* 8-bit weights: with 128 added, for loads extend no sign */
  bool flash_apart;           /* 8-bit AVR: programs and constants lie in a memory of their own, and
                                 C's int has 16 bits */
  bool lacks_fpu;             /* floats are computed by functions */
  bool is_mcu;                /* code size counts: tiles are not unrolled beyond one unit */
  bool inlines;               /* C compilers call functions of vectors that had better be inlined:
                                 each call loads the constants anew */
  const char *c_flags;        /* what the system's C compiler needs for this machine, or "" */
  const char *c_needs;        /* what its macros say then: a preprocessor expression, or NULL */
} Target;

extern const Target *const target_table[];   /* NULL-terminated; generic first */
const Target *target_find(const char *name); /* NULL if there is none */

#endif
