/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Names of machines that people have, each an alias of a target with flags and sizes. */
#ifndef GRUS_LOWER_MACHINE_TABLE_H
#define GRUS_LOWER_MACHINE_TABLE_H

#include "lower/target.h"

typedef enum MachineGroup { MICROCONTROLLER_CORE, APPLICATION_CORE, CHIP } MachineGroup;

typedef struct Machine {
  const char *name; /* "rp2040" */
  MachineGroup group;
  const char *schedule;                /* a target of target.c */
  const char *c_flags;                 /* of GCC and clang */
  const char *triple, *cpu, *features; /* of LLVM; triple NULL: it has no such machine */
  int64_t flash, ram;                  /* bytes; 0: not known */
  const char *doc;
} Machine;

extern const Machine machine_table[];
extern const int machine_count;
const Machine *machine_find(const char *name); /* NULL if there is none */

#endif
