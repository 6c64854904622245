/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reading objects of ELF64 for x86-64 and AArch64: sections, what of them is loaded where, and
 * symbols. */
#include "backend/elf_object.h"

#include <string.h>

uint64_t elf_number(const unsigned char *at, int bytes) {
  uint64_t x = 0;
  for (int i = bytes - 1; i >= 0; i--)
    x = x << 8 | at[i];
  return x;
}

bool elf_object_read(Arena *arena, const LinkObject *from, Object *o, const char **reason) {
  *reason = "an object is cut short";
  static const unsigned char magic[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
  const unsigned char *d = (const unsigned char *)from->data;
  *o = (Object){.data = d, .len = from->len};
  if (from->len < ELF_HEAD || memcmp(d, magic, sizeof magic) != 0 ||
      !elf_machine((uint32_t)elf_number(d + AT_E_MACHINE, 2))) {
    *reason = "an object is no ELF64 of x86-64 or AArch64";
    return false;
  }
  o->machine = elf_machine((uint32_t)elf_number(d + AT_E_MACHINE, 2));
  uint64_t at = elf_number(d + AT_E_SHOFF, 8), names;
  o->n_sections = (int)elf_number(d + AT_E_SHNUM, 2);
  if (at > from->len || (uint64_t)o->n_sections * SECTION_HEAD > from->len - at) return false;
  names = elf_number(d + at + elf_number(d + AT_E_SHSTRNDX, 2) * SECTION_HEAD + AT_SH_OFFSET, 8);
  o->section = ARENA_ARRAY(arena, Section, o->n_sections + 1);
  for (int i = 0; i < o->n_sections; i++) {
    const unsigned char *h = d + at + (uint64_t)i * SECTION_HEAD;
    Section *s = &o->section[i];
    *s = (Section){.type = elf_number(h + AT_SH_TYPE, 4),
                   .flags = elf_number(h + AT_SH_FLAGS, 8),
                   .offset = elf_number(h + AT_SH_OFFSET, 8),
                   .size = elf_number(h + AT_SH_SIZE, 8),
                   .link = elf_number(h + AT_SH_LINK, 4),
                   .info = elf_number(h + AT_SH_INFO, 4),
                   .align = elf_number(h + AT_SH_ALIGN, 8),
                   .segment = SEGMENT_NONE};
    if (s->type != SHT_NOBITS && (s->offset > from->len || s->size > from->len - s->offset))
      return false;
    s->name = (const char *)d + names + elf_number(h, 4);
    if (s->type == SHT_SYMTAB) o->symbols = i;
  }
  return true;
}

bool elf_relocates(const Object *o, const Section *s) {
  return s->type == SHT_RELA && s->info < (uint64_t)o->n_sections &&
         o->section[s->info].segment != SEGMENT_NONE;
}

void elf_choose_segments(Object *o) {
  for (int i = 0; i < o->n_sections; i++) {
    Section *s = &o->section[i];
    if (!(s->flags & SHF_ALLOC) || strcmp(s->name, ".eh_frame") == 0 ||
        strncmp(s->name, ".note", 5) == 0)
      continue;
    s->segment = s->flags & SHF_EXEC    ? SEGMENT_CODE
                 : s->flags & SHF_WRITE ? SEGMENT_DATA
                                        : SEGMENT_READ;
  }
  for (int i = 0; i < o->n_sections; i++) {
    const Section *s = &o->section[i];
    if (!elf_relocates(o, s)) continue;
    for (uint64_t at = 0; at + RELA <= s->size; at += RELA)
      if (elf_number(o->data + s->offset + at + AT_R_TYPE, 4) == o->machine->address)
        o->section[s->info].has_addresses = true;
    if (o->section[s->info].has_addresses)
      o->section[s->info].segment = SEGMENT_DATA; /* the loader writes there */
  }
}

const unsigned char *elf_symbol(const Object *o, uint64_t i) {
  return o->data + o->section[o->symbols].offset + i * SYMBOL;
}

const char *elf_symbol_name(const Object *o, const unsigned char *symbol) {
  return (const char *)o->data + o->section[o->section[o->symbols].link].offset +
         elf_number(symbol, 4);
}

bool elf_symbol_place(const Object *o, const unsigned char *symbol, uint64_t *address) {
  uint64_t section = elf_number(symbol + AT_ST_SHNDX, 2);
  if (!section || section >= (uint64_t)o->n_sections || o->section[section].segment == SEGMENT_NONE)
    return false;
  *address = o->section[section].address + elf_number(symbol + AT_ST_VALUE, 8);
  return true;
}
