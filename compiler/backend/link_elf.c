/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Shared libraries of ELF; see link_internal.h. */
#include "backend/link_internal.h"

#include <string.h>

enum {
  PROGRAM_HEAD = 56,
  DYNAMIC = 16,
  PT_LOAD = 1,
  PT_DYNAMIC = 2,
  PT_GNU_STACK = 0x6474e551,
  N_PROGRAM_HEADS = 5
};

typedef struct ElfLinkLayout {
  int n_exported;
  uint64_t symbols, strings, strings_size, hash, rela, rela_size;
  LinkPlaces places;
  uint64_t dynamic, dynamic_size, sections;
} ElfLinkLayout;

static void put_program_head(Text *out, uint32_t type, uint32_t flags, uint64_t at, uint64_t size,
                             uint64_t memory, uint64_t align) {
  link_put(out, type, 4);
  link_put(out, flags, 4);
  for (int i = 0; i < 3; i++)
    link_put(out, at, 8);
  link_put(out, size, 8);
  link_put(out, memory, 8);
  link_put(out, align, 8);
}

enum { N_SECTIONS = 5, FLAG_X = 1, FLAG_W = 2, FLAG_R = 4 };

static void put_heads(Text *out, const ElfLinkLayout *y, const ElfMachine *machine) {
  static const char ident[16] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
  text_add_n(out, ident, sizeof ident);
  link_put(out, 3, 2); /* a shared object */
  link_put(out, machine->id, 2);
  link_put(out, 1, 4);
  link_put(out, 0, 8);
  link_put(out, ELF_HEAD, 8);
  link_put(out, y->sections, 8);
  link_put(out, 0, 4);
  link_put(out, ELF_HEAD, 2);
  link_put(out, PROGRAM_HEAD, 2);
  link_put(out, N_PROGRAM_HEADS, 2);
  link_put(out, SECTION_HEAD, 2);
  link_put(out, N_SECTIONS, 2);
  link_put(out, N_SECTIONS - 1, 2);
  static const uint32_t flags[SEGMENT_COUNT] = {FLAG_R, FLAG_R | FLAG_X, FLAG_R | FLAG_W};
  for (int i = 0; i < SEGMENT_COUNT; i++) {
    const LinkPlaces *p = &y->places;
    uint64_t size = p->end[i] - p->start[i];
    put_program_head(out, PT_LOAD, flags[i], p->start[i], size,
                     i == SEGMENT_DATA ? p->memory_end - p->start[i] : size, machine->page);
  }
  put_program_head(out, PT_DYNAMIC, FLAG_R | FLAG_W, y->dynamic, y->dynamic_size, y->dynamic_size,
                   8);
  put_program_head(out, PT_GNU_STACK, FLAG_R | FLAG_W, 0, 0, 0, 16);
}

/* One bucket holds every name: there are few. */
static void put_hash(Text *out, int n) {
  link_put(out, 1, 4);
  link_put(out, (uint64_t)n + 1, 4);
  link_put(out, n ? 1 : 0, 4);
  for (int i = 0; i <= n; i++)
    link_put(out, i && i < n ? (uint64_t)i + 1 : 0, 4);
}

static bool put_symbols(Link *l, Text *out) {
  uint64_t name = 1, at, size;
  text_fill(out, 0, SYMBOL);
  for (int i = 0; i < l->n_exported; i++) {
    if (!link_find(l, l->exported[i], &at, &size)) return false;
    bool is_data = at >= l->image_address;
    link_put(out, name, 4);
    link_put(out, is_data ? 0x11 : 0x12, 1); /* global, an object or a function */
    link_put(out, 0, 1);
    link_put(out, 1, 2); /* defined */
    link_put(out, at, 8);
    link_put(out, size, 8);
    name += strlen(l->exported[i]) + 1;
  }
  return true;
}

static void put_dynamic(Text *out, const ElfLinkLayout *y) {
  const uint64_t entry[][2] = {{4, y->hash},
                               {5, y->strings},
                               {6, y->symbols},
                               {10, y->strings_size},
                               {11, SYMBOL},
                               {7, y->rela},
                               {8, y->rela_size},
                               {9, RELA},
                               {0x6ffffff9, y->rela_size / RELA},
                               {0, 0}};
  for (size_t i = 0; i < sizeof entry / sizeof *entry; i++) {
    link_put(out, entry[i][0], 8);
    link_put(out, entry[i][1], 8);
  }
}

static void put_section_head(Text *out, uint64_t name, uint64_t type, uint64_t flags, uint64_t at,
                             uint64_t size, uint64_t link, uint64_t info, uint64_t entry) {
  link_put(out, name, 4);
  link_put(out, type, 4);
  link_put(out, flags, 8);
  link_put(out, flags & SHF_ALLOC ? at : 0, 8);
  link_put(out, at, 8);
  link_put(out, size, 8);
  link_put(out, link, 4);
  link_put(out, info, 4);
  link_put(out, 8, 8);
  link_put(out, entry, 8);
}

/* For tools that look at libraries; loaders do not need them. */
static void put_sections(Text *out, const ElfLinkLayout *y) {
  static const char names[] = "\0.dynsym\0.dynstr\0.dynamic\0.shstrtab";
  enum {
    AT_SYM = 1,
    AT_STR = 9,
    AT_DYNAMIC = 17,
    AT_NAMES = 26,
    TYPE_STRINGS = 3,
    TYPE_DYNAMIC = 6,
    TYPE_DYNSYM = 11
  };
  uint64_t at = y->sections + N_SECTIONS * SECTION_HEAD;
  text_fill(out, 0, SECTION_HEAD);
  put_section_head(out, AT_SYM, TYPE_DYNSYM, SHF_ALLOC, y->symbols,
                   (uint64_t)(y->n_exported + 1) * SYMBOL, 2, 1, SYMBOL);
  put_section_head(out, AT_STR, TYPE_STRINGS, SHF_ALLOC, y->strings, y->strings_size, 0, 0, 0);
  put_section_head(out, AT_DYNAMIC, TYPE_DYNAMIC, SHF_ALLOC | SHF_WRITE, y->dynamic,
                   y->dynamic_size, 2, 0, DYNAMIC);
  put_section_head(out, AT_NAMES, TYPE_STRINGS, 0, at, sizeof names, 0, 0, 0);
  text_add_n(out, names, sizeof names);
}

static ElfLinkLayout lay_out(Link *l) {
  enum { N_DYNAMIC = 10 };
  ElfLinkLayout y = {.n_exported = l->n_exported, .strings_size = 1};
  for (int i = 0; i < l->n_exported; i++)
    y.strings_size += strlen(l->exported[i]) + 1;
  y.symbols = ELF_HEAD + N_PROGRAM_HEADS * PROGRAM_HEAD;
  y.strings = y.symbols + (uint64_t)(y.n_exported + 1) * SYMBOL;
  y.hash = link_round_up(y.strings + y.strings_size, 8);
  y.rela = link_round_up(y.hash + 4 * (uint64_t)(y.n_exported + 4), 8);
  y.rela_size = (uint64_t)link_count_pointers(l) * RELA;
  y.dynamic_size = N_DYNAMIC * DYNAMIC;
  y.places = link_place_all(l, y.rela + y.rela_size, y.dynamic_size, l->machine->page);
  y.dynamic = y.places.start[SEGMENT_DATA];
  y.sections = link_round_up(y.places.end[SEGMENT_DATA], 8);
  return y;
}

/* The loader's list of addresses: each where it is, and what is there. */
static void put_relative(const Link *l, char *base, uint64_t rela) {
  for (size_t i = 0; i < l->n_pointers; i++) {
    char *row = base + rela + i * RELA;
    link_put_at(row, l->pointer[i], 8);
    link_put_at(row + 8, l->machine->relative, 8);
    memcpy(row + 16, base + l->pointer[i], 8);
  }
}

bool link_elf(Link *l, Text *out) {
  ElfLinkLayout y = lay_out(l);
  put_heads(out, &y, l->machine);
  if (!put_symbols(l, out)) return false;
  text_add_char(out, 0);
  for (int i = 0; i < l->n_exported; i++)
    text_add_n(out, l->exported[i], strlen(l->exported[i]) + 1);
  link_pad_to(out, y.hash);
  put_hash(out, y.n_exported);
  link_pad_to(out, y.rela + y.rela_size);
  link_write(l, SEGMENT_READ, out);
  link_pad_to(out, y.places.start[SEGMENT_CODE]);
  link_write(l, SEGMENT_CODE, out);
  link_pad_to(out, y.dynamic);
  put_dynamic(out, &y);
  link_write_data(l, out);
  link_pad_to(out, y.sections);
  if (!link_relocate(l, out->s)) return false;
  if (l->n_pointers * RELA != y.rela_size) return link_fail(l, "relocations were counted wrongly");
  put_relative(l, out->s, y.rela);
  put_sections(out, &y);
  return true;
}
