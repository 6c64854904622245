/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the linker of link.h knows of processors: their relocations. */
#ifndef GRUS_BACKEND_ELF_MACHINE_H
#define GRUS_BACKEND_ELF_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct ElfMachine {
  uint32_t id;       /* in the head of a file */
  uint32_t address;  /* the relocation that is an address of 64 bits */
  uint32_t relative; /* the same for the loader, which adds where it put the library */
  uint64_t page;     /* the largest page of a system for it */
} ElfMachine;

/* By the number in the head of an object; NULL: none that is provided for. */
const ElfMachine *elf_machine(uint32_t id);

typedef enum ElfApplied { ELF_APPLIED, ELF_UNKNOWN, ELF_TOO_FAR } ElfApplied;

/* Bytes of code or data that a relocation changes. */
int elf_machine_width(const ElfMachine *machine, uint32_t type);
/* Changes the bytes `code`, which will lie at `at`, so that they mean `to`. Not for addresses. */
ElfApplied elf_machine_apply(const ElfMachine *machine, uint32_t type, char *code, uint64_t at,
                             uint64_t to);

#endif
