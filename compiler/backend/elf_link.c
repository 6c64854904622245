/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A linker for what grus makes itself; see elf_link.h. In: objects whose only references are
 * relative to the program counter, or addresses in data, and one image of data. Out: a shared
 * library of three segments (read-only, code, data), each on pages of its own and at the same place
 * in the file as in memory. Addresses in data become relative relocations, which the system's
 * loader applies; nothing else is left to it, and no other library is needed. Sections of unwinding
 * are left out. */
#include "backend/elf_object.h"

#include <string.h>

enum {
  PROGRAM_HEAD = 56,
  DYNAMIC = 16,
  PT_LOAD = 1,
  PT_DYNAMIC = 2,
  PT_GNU_STACK = 0x6474e551,
  N_PROGRAM_HEADS = 5
};

typedef struct Link {
  Arena *arena;
  const ElfMachine *machine; /* of all objects */
  Object *object;
  int n;
  const ElfImage *image;
  uint64_t image_address;
  Text relative; /* RELA of the loader */
  const char *reason;
} Link;

/* ---- numbers ---- */

static void put(Text *out, uint64_t x, int bytes) {
  for (int i = 0; i < bytes; i++)
    text_add_char(out, (char)(x >> 8 * i & 0xff));
}

static void put_at(char *at, uint64_t x, int bytes) {
  for (int i = 0; i < bytes; i++)
    at[i] = (char)(x >> 8 * i & 0xff);
}

static uint64_t round_up(uint64_t x, uint64_t to) {
  return to > 1 ? (x + to - 1) / to * to : x;
}

static void pad_to(Text *out, size_t start, uint64_t at) {
  if (out->len - start < at) text_fill(out, 0, (size_t)at - (out->len - start));
}

static bool fail(Link *l, const char *reason) {
  if (!l->reason) l->reason = reason;
  return false;
}

/* ---- the image ---- */

ElfImage elf_image_new(Arena *arena) {
  return (ElfImage){.bytes = text_new(arena)};
}

size_t elf_image_add(ElfImage *image, const void *data, size_t size) {
  size_t at = (size_t)round_up(image->bytes.len, 8);
  text_fill(&image->bytes, 0, at - image->bytes.len);
  if (data)
    text_add_n(&image->bytes, data, size);
  else
    text_fill(&image->bytes, 0, size);
  return at;
}

void elf_image_pointer(ElfImage *image, size_t at, const char *symbol, size_t offset) {
  image->pointer = arena_grow(image->bytes.arena, image->pointer, &image->cap_pointers,
                              (size_t)image->n_pointers + 1, sizeof *image->pointer);
  image->pointer[image->n_pointers++] = (ElfPointer){at, symbol, offset};
}

void elf_image_name(ElfImage *image, const char *name, size_t at, size_t size) {
  image->name = arena_grow(image->bytes.arena, image->name, &image->cap_names,
                           (size_t)image->n_names + 1, sizeof *image->name);
  image->name[image->n_names++] = (ElfName){name, at, size};
}

/* ---- reading objects ---- */

/* ---- symbols ---- */

/* A name in the image or in any object. */
static bool find_name(Link *l, const char *name, uint64_t *address, uint64_t *size) {
  if (l->image->alias && strcmp(l->image->alias, name) == 0) name = l->image->alias_of;
  for (int i = 0; i < l->image->n_names; i++) {
    if (strcmp(l->image->name[i].name, name) != 0) continue;
    *address = l->image_address + l->image->name[i].at;
    *size = l->image->name[i].size;
    return true;
  }
  for (int i = 0; i < l->n; i++) {
    const Object *o = &l->object[i];
    for (uint64_t k = 1; o->symbols && k < o->section[o->symbols].size / SYMBOL; k++) {
      const unsigned char *s = elf_symbol(o, k);
      bool is_local = s[AT_ST_INFO] >> 4 == 0;
      if (is_local || strcmp(elf_symbol_name(o, s), name) != 0 || !elf_symbol_place(o, s, address))
        continue;
      *size = elf_number(s + AT_ST_SIZE, 8);
      return true;
    }
  }
  return fail(l, arena_printf(l->arena, "`%s` is not defined", name));
}

static bool target_of(Link *l, const Object *o, uint64_t index, uint64_t *address) {
  uint64_t size;
  if (!o->symbols || index >= o->section[o->symbols].size / SYMBOL)
    return fail(l, "a relocation names no symbol");
  const unsigned char *s = elf_symbol(o, index);
  return elf_symbol_place(o, s, address) || find_name(l, elf_symbol_name(o, s), address, &size);
}

/* ---- places ---- */

/* The sections of a segment one after another; those without bytes in the file come last. */
static uint64_t place_segment(Link *l, Segment segment, uint64_t at, bool with_bytes) {
  for (int i = 0; i < l->n; i++)
    for (int k = 0; k < l->object[i].n_sections; k++) {
      Section *s = &l->object[i].section[k];
      if (s->segment != segment || (s->type != SHT_NOBITS) != with_bytes) continue;
      s->address = round_up(at, s->align);
      at = s->address + s->size;
    }
  return at;
}

static void write_segment(Link *l, Segment segment, Text *out, size_t start) {
  for (int i = 0; i < l->n; i++)
    for (int k = 0; k < l->object[i].n_sections; k++) {
      const Section *s = &l->object[i].section[k];
      if (s->segment != segment || s->type == SHT_NOBITS) continue;
      pad_to(out, start, s->address);
      text_add_n(out, (const char *)l->object[i].data + s->offset, (size_t)s->size);
    }
}

/* ---- relocations ---- */

static void relative(Link *l, char *base, uint64_t at, uint64_t to) {
  put_at(base + at, to, 8);
  put(&l->relative, at, 8);
  put(&l->relative, l->machine->relative, 8);
  put(&l->relative, to, 8);
}

static bool apply(Link *l, const Object *o, const Section *of, const unsigned char *rela,
                  char *base) {
  uint64_t at = of->address + elf_number(rela, 8), type = elf_number(rela + AT_R_TYPE, 4), to;
  uint64_t width = (uint64_t)elf_machine_width(l->machine, (uint32_t)type);
  if (elf_number(rela, 8) + width > of->size || of->type == SHT_NOBITS)
    return fail(l, "a relocation lies outside its section");
  if (!target_of(l, o, elf_number(rela + AT_R_SYMBOL, 4), &to)) return false;
  to += elf_number(rela + AT_R_ADDEND, 8);
  if (type == l->machine->address) {
    relative(l, base, at, to);
    return true;
  }
  switch (elf_machine_apply(l->machine, (uint32_t)type, base + at, at, to)) {
  case ELF_APPLIED: return true;
  case ELF_TOO_FAR: return fail(l, "the library is too large for this processor's code");
  case ELF_UNKNOWN: break;
  }
  return fail(l, arena_printf(l->arena, "relocation %d is not provided for", (int)type));
}

static bool relocate(Link *l, char *base) {
  for (int i = 0; i < l->n; i++) {
    const Object *o = &l->object[i];
    for (int k = 0; k < o->n_sections; k++) {
      const Section *s = &o->section[k];
      if (!elf_relocates(o, s)) continue;
      for (uint64_t at = 0; at + RELA <= s->size; at += RELA)
        if (!apply(l, o, &o->section[s->info], o->data + s->offset + at, base)) return false;
    }
  }
  for (int i = 0; i < l->image->n_pointers; i++) {
    const ElfPointer *p = &l->image->pointer[i];
    uint64_t to = l->image_address, size;
    if (p->symbol && !find_name(l, p->symbol, &to, &size)) return false;
    relative(l, base, l->image_address + p->at, to + p->offset);
  }
  return true;
}

static int64_t count_relative(const Link *l) {
  int64_t n = l->image->n_pointers;
  for (int i = 0; i < l->n; i++)
    for (int k = 0; k < l->object[i].n_sections; k++) {
      const Object *o = &l->object[i];
      const Section *s = &o->section[k];
      for (uint64_t at = 0; elf_relocates(o, s) && at + RELA <= s->size; at += RELA)
        n += elf_number(o->data + s->offset + at + AT_R_TYPE, 4) == l->machine->address;
    }
  return n;
}

/* ---- tables of the loader ---- */

typedef struct ElfLayout {
  int n_exported;
  uint64_t symbols, strings, strings_size, hash, rela, rela_size;
  uint64_t end[SEGMENT_COUNT], start[SEGMENT_COUNT]; /* of the bytes in the file */
  uint64_t dynamic, dynamic_size, memory_end, sections;
} ElfLayout;

static void put_program_head(Text *out, uint32_t type, uint32_t flags, uint64_t at, uint64_t size,
                             uint64_t memory, uint64_t align) {
  put(out, type, 4);
  put(out, flags, 4);
  for (int i = 0; i < 3; i++)
    put(out, at, 8);
  put(out, size, 8);
  put(out, memory, 8);
  put(out, align, 8);
}

enum { N_SECTIONS = 5, FLAG_X = 1, FLAG_W = 2, FLAG_R = 4 };

static void put_heads(Text *out, const ElfLayout *y, const ElfMachine *machine) {
  static const char ident[16] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
  text_add_n(out, ident, sizeof ident);
  put(out, 3, 2); /* a shared object */
  put(out, machine->id, 2);
  put(out, 1, 4);
  put(out, 0, 8);
  put(out, ELF_HEAD, 8);
  put(out, y->sections, 8);
  put(out, 0, 4);
  put(out, ELF_HEAD, 2);
  put(out, PROGRAM_HEAD, 2);
  put(out, N_PROGRAM_HEADS, 2);
  put(out, SECTION_HEAD, 2);
  put(out, N_SECTIONS, 2);
  put(out, N_SECTIONS - 1, 2);
  static const uint32_t flags[SEGMENT_COUNT] = {FLAG_R, FLAG_R | FLAG_X, FLAG_R | FLAG_W};
  for (int i = 0; i < SEGMENT_COUNT; i++) {
    uint64_t size = y->end[i] - y->start[i];
    put_program_head(out, PT_LOAD, flags[i], y->start[i], size,
                     i == SEGMENT_DATA ? y->memory_end - y->start[i] : size, machine->page);
  }
  put_program_head(out, PT_DYNAMIC, FLAG_R | FLAG_W, y->dynamic, y->dynamic_size, y->dynamic_size,
                   8);
  put_program_head(out, PT_GNU_STACK, FLAG_R | FLAG_W, 0, 0, 0, 16);
}

/* One bucket holds every name: there are few. */
static void put_hash(Text *out, int n) {
  put(out, 1, 4);
  put(out, (uint64_t)n + 1, 4);
  put(out, n ? 1 : 0, 4);
  for (int i = 0; i <= n; i++)
    put(out, i && i < n ? (uint64_t)i + 1 : 0, 4);
}

static bool put_symbols(Link *l, Text *out, const char *const *exported) {
  uint64_t name = 1, at, size;
  text_fill(out, 0, SYMBOL);
  for (int i = 0; exported[i]; i++) {
    if (!find_name(l, exported[i], &at, &size)) return false;
    bool is_data = at >= l->image_address;
    put(out, name, 4);
    put(out, is_data ? 0x11 : 0x12, 1); /* global, an object or a function */
    put(out, 0, 1);
    put(out, 1, 2); /* defined */
    put(out, at, 8);
    put(out, size, 8);
    name += strlen(exported[i]) + 1;
  }
  return true;
}

static void put_dynamic(Text *out, const ElfLayout *y) {
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
    put(out, entry[i][0], 8);
    put(out, entry[i][1], 8);
  }
}

static void put_section_head(Text *out, uint64_t name, uint64_t type, uint64_t flags, uint64_t at,
                             uint64_t size, uint64_t link, uint64_t info, uint64_t entry) {
  put(out, name, 4);
  put(out, type, 4);
  put(out, flags, 8);
  put(out, flags & SHF_ALLOC ? at : 0, 8);
  put(out, at, 8);
  put(out, size, 8);
  put(out, link, 4);
  put(out, info, 4);
  put(out, 8, 8);
  put(out, entry, 8);
}

/* For tools that look at libraries; loaders do not need them. */
static void put_sections(Text *out, const ElfLayout *y) {
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

static ElfLayout lay_out(Link *l, const char *const *exported) {
  enum { N_DYNAMIC = 10 };
  ElfLayout y = {.strings_size = 1};
  for (; exported[y.n_exported]; y.n_exported++)
    y.strings_size += strlen(exported[y.n_exported]) + 1;
  y.symbols = ELF_HEAD + N_PROGRAM_HEADS * PROGRAM_HEAD;
  y.strings = y.symbols + (uint64_t)(y.n_exported + 1) * SYMBOL;
  y.hash = round_up(y.strings + y.strings_size, 8);
  y.rela = round_up(y.hash + 4 * (uint64_t)(y.n_exported + 4), 8);
  y.rela_size = (uint64_t)count_relative(l) * RELA;
  y.end[SEGMENT_READ] = place_segment(l, SEGMENT_READ, y.rela + y.rela_size, true);
  y.start[SEGMENT_CODE] = round_up(y.end[SEGMENT_READ], l->machine->page);
  y.end[SEGMENT_CODE] = place_segment(l, SEGMENT_CODE, y.start[SEGMENT_CODE], true);
  y.start[SEGMENT_DATA] = y.dynamic = round_up(y.end[SEGMENT_CODE], l->machine->page);
  y.dynamic_size = N_DYNAMIC * DYNAMIC;
  uint64_t data = place_segment(l, SEGMENT_DATA, y.dynamic + y.dynamic_size, true);
  l->image_address = round_up(data, 64);
  y.end[SEGMENT_DATA] = l->image_address + l->image->bytes.len;
  y.memory_end = place_segment(l, SEGMENT_DATA, y.end[SEGMENT_DATA], false);
  y.sections = round_up(y.end[SEGMENT_DATA], 8);
  return y;
}

bool elf_link(const ElfObject *object, int n, const ElfImage *image, const char *const *exported,
              Text *out, const char **reason) {
  Link l = {.arena = out->arena,
            .object = ARENA_ARRAY(out->arena, Object, n + 1),
            .n = n,
            .image = image,
            .relative = text_new(out->arena)};
  size_t start = out->len;
  bool ok = true;
  for (int i = 0; i < n && ok; i++) {
    const char *why;
    ok = elf_object_read(l.arena, &object[i], &l.object[i], &why) || fail(&l, why);
    if (!l.machine) l.machine = l.object[i].machine;
    if (ok && l.machine != l.object[i].machine)
      ok = fail(&l, "objects are of different processors");
    if (ok) elf_choose_segments(&l.object[i]);
  }
  if (ok) {
    ElfLayout y = lay_out(&l, exported);
    put_heads(out, &y, l.machine);
    ok = put_symbols(&l, out, exported);
    text_add_char(out, 0);
    for (int i = 0; exported[i]; i++)
      text_add_n(out, exported[i], strlen(exported[i]) + 1);
    pad_to(out, start, y.hash);
    put_hash(out, y.n_exported);
    pad_to(out, start, y.rela + y.rela_size);
    write_segment(&l, SEGMENT_READ, out, start);
    pad_to(out, start, y.start[SEGMENT_CODE]);
    write_segment(&l, SEGMENT_CODE, out, start);
    pad_to(out, start, y.dynamic);
    put_dynamic(out, &y);
    write_segment(&l, SEGMENT_DATA, out, start);
    pad_to(out, start, l.image_address);
    text_add_n(out, text_str(&image->bytes), image->bytes.len);
    pad_to(out, start, y.sections);
    ok = ok && relocate(&l, out->s + start);
    if (ok && l.relative.len == y.rela_size)
      memcpy(out->s + start + y.rela, text_str(&l.relative), l.relative.len);
    else
      ok = ok && fail(&l, "relocations were counted wrongly");
    put_sections(out, &y);
  }
  *reason = l.reason;
  return ok;
}
