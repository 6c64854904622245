/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The table of machines.def as data. */
#include "lower/machine_table.h"

#include <stddef.h>
#include <string.h>

enum { KIB = 1024 };

const Machine machine_table[] = {
#define MACHINE(name, group, schedule, flags, triple, cpu, features, flash, ram, doc)              \
  {name,                                                                                           \
   group,                                                                                          \
   schedule,                                                                                       \
   flags,                                                                                          \
   triple,                                                                                         \
   cpu,                                                                                            \
   features,                                                                                       \
   (int64_t)(flash) * KIB,                                                                         \
   (int64_t)(ram) * KIB,                                                                           \
   doc},
#include "lower/machines.def"
#undef MACHINE
};
const int machine_count = (int)(sizeof machine_table / sizeof *machine_table);

const Machine *machine_find(const char *name) {
  for (int i = 0; i < machine_count; i++)
    if (strcmp(machine_table[i].name, name) == 0) return &machine_table[i];
  return NULL;
}
