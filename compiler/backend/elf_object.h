/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Objects as link.c links them. */
#ifndef GRUS_BACKEND_ELF_OBJECT_H
#define GRUS_BACKEND_ELF_OBJECT_H

#include "backend/elf_machine.h"
#include "backend/link.h"

/* Sizes and numbers of the format; of fields: their places in their tables. */
enum {
  ELF_HEAD = 64,
  SECTION_HEAD = 64,
  SYMBOL = 24,
  RELA = 24,
  SHT_SYMTAB = 2,
  SHT_RELA = 4,
  SHT_NOBITS = 8,
  SHF_WRITE = 1,
  SHF_ALLOC = 2,
  SHF_EXEC = 4,
  AT_E_MACHINE = 18,
  AT_E_SHOFF = 40,
  AT_E_SHNUM = 60,
  AT_E_SHSTRNDX = 62,
  AT_SH_TYPE = 4,
  AT_SH_FLAGS = 8,
  AT_SH_OFFSET = 24,
  AT_SH_SIZE = 32,
  AT_SH_LINK = 40,
  AT_SH_INFO = 44,
  AT_SH_ALIGN = 48,
  AT_ST_INFO = 4,
  AT_ST_SHNDX = 6,
  AT_ST_VALUE = 8,
  AT_ST_SIZE = 16,
  AT_R_TYPE = 8,
  AT_R_SYMBOL = 12,
  AT_R_ADDEND = 16
};

typedef enum Segment {
  SEGMENT_READ,
  SEGMENT_CODE,
  SEGMENT_DATA,
  SEGMENT_COUNT,
  SEGMENT_NONE
} Segment;

typedef struct Section {
  uint64_t type, flags, offset, size, link, info, align;
  const char *name;
  Segment segment;
  uint64_t address;
  bool has_addresses; /* some of its bytes are addresses */
} Section;

typedef struct Object {
  const ElfMachine *machine;
  const unsigned char *data;
  size_t len;
  Section *section;
  int n_sections, symbols; /* symbols: the section that holds them, 0: none */
} Object;

/* `bytes` bytes, the least first. */
uint64_t elf_number(const unsigned char *at, int bytes);
/* Tables of sections; false with the reason. */
bool elf_object_read(Arena *arena, const LinkObject *from, Object *o, const char **reason);
/* Which sections are loaded, and where. */
void elf_choose_segments(Object *o);
/* Relocations of an object that concern what is loaded. */
bool elf_relocates(const Object *o, const Section *s);
/* Symbol i of the table of symbols; its name; its address, false if it is not loaded. */
const unsigned char *elf_symbol(const Object *o, uint64_t i);
const char *elf_symbol_name(const Object *o, const unsigned char *symbol);
bool elf_symbol_place(const Object *o, const unsigned char *symbol, uint64_t *address);

#endif
