/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A linker for what grus makes itself; see link.h. In: objects whose only references are relative
 * to the program counter, or addresses in data, and one image of data. Out: a shared library of
 * three segments (read-only, code, data), each on pages of its own and at the same place in the
 * file as in memory. Addresses in data are left to the system's loader, which knows where it put
 * the library, and nothing else is; no other library is needed. Sections of unwinding are left out.
 * What all formats have in common is here; link_elf.c, link_pe.c and link_macho.c write the files.
 */
#include "backend/link_internal.h"

#include <string.h>

/* ---- numbers ---- */

void link_put(Text *out, uint64_t x, int bytes) {
  for (int i = 0; i < bytes; i++, x >>= 8)
    text_add_char(out, (char)(x & 0xff));
}

void link_put_at(char *at, uint64_t x, int bytes) {
  for (int i = 0; i < bytes; i++, x >>= 8)
    at[i] = (char)(x & 0xff);
}

uint64_t link_round_up(uint64_t x, uint64_t to) {
  return to > 1 ? (x + to - 1) / to * to : x;
}

void link_pad_to(Text *out, uint64_t at) {
  if (out->len < at) text_fill(out, 0, (size_t)at - out->len);
}

bool link_fail(Link *l, const char *reason) {
  if (!l->reason) l->reason = reason;
  return false;
}

bool link_is_short(Link *l, uint64_t end) {
  return end <= INT32_MAX || link_fail(l, "a library of this system holds less than 2 GiB");
}

/* ---- the image ---- */

LinkImage link_image_new(Arena *arena) {
  return (LinkImage){.bytes = text_new(arena)};
}

size_t link_image_add(LinkImage *image, const void *data, size_t size) {
  size_t at = (size_t)link_round_up(image->bytes.len, 8);
  text_fill(&image->bytes, 0, at - image->bytes.len);
  if (data)
    text_add_n(&image->bytes, data, size);
  else
    text_fill(&image->bytes, 0, size);
  return at;
}

void link_image_pointer(LinkImage *image, size_t at, const char *symbol, size_t offset) {
  LinkPointer pointer = {at, symbol, offset};
  ARENA_PUSH(image->bytes.arena, image->pointer, image->n_pointers, image->cap_pointers, pointer);
}

void link_image_name(LinkImage *image, const char *name, size_t at, size_t size) {
  LinkName one = {name, at, size};
  ARENA_PUSH(image->bytes.arena, image->name, image->n_names, image->cap_names, one);
}

/* ---- symbols ---- */

/* A name in the image or in any object. */
bool link_find(Link *l, const char *name, uint64_t *address, uint64_t *size) {
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
  return link_fail(l, arena_printf(l->arena, "`%s` is not defined", name));
}

static bool target_of(Link *l, const Object *o, uint64_t index, uint64_t *address) {
  uint64_t size;
  if (!o->symbols || index >= o->section[o->symbols].size / SYMBOL)
    return link_fail(l, "a relocation names no symbol");
  const unsigned char *s = elf_symbol(o, index);
  return elf_symbol_place(o, s, address) || link_find(l, elf_symbol_name(o, s), address, &size);
}

/* ---- places ---- */

/* The sections of a segment one after another; those without bytes in the file come last. */
uint64_t link_place(Link *l, Segment segment, uint64_t at, bool with_bytes) {
  for (int i = 0; i < l->n; i++)
    for (int k = 0; k < l->object[i].n_sections; k++) {
      Section *s = &l->object[i].section[k];
      if (s->segment != segment || (s->type != SHT_NOBITS) != with_bytes) continue;
      s->address = link_round_up(at, s->align);
      at = s->address + s->size;
    }
  return at;
}

void link_write(const Link *l, Segment segment, Text *out) {
  for (int i = 0; i < l->n; i++)
    for (int k = 0; k < l->object[i].n_sections; k++) {
      const Section *s = &l->object[i].section[k];
      if (s->segment != segment || s->type == SHT_NOBITS) continue;
      link_pad_to(out, s->address);
      text_add_n(out, (const char *)l->object[i].data + s->offset, (size_t)s->size);
    }
}

/* ---- relocations ---- */

static void address(Link *l, char *base, uint64_t at, uint64_t to) {
  link_put_at(base + at, l->base + to, 8);
  ARENA_PUSH(l->arena, l->pointer, l->n_pointers, l->cap_pointers, at);
}

static bool apply(Link *l, const Object *o, const Section *of, const unsigned char *rela,
                  char *base) {
  uint64_t at = of->address + elf_number(rela, 8), type = elf_number(rela + AT_R_TYPE, 4), to;
  uint64_t width = (uint64_t)elf_machine_width(l->machine, (uint32_t)type);
  if (elf_number(rela, 8) + width > of->size || of->type == SHT_NOBITS)
    return link_fail(l, "a relocation lies outside its section");
  if (!target_of(l, o, elf_number(rela + AT_R_SYMBOL, 4), &to)) return false;
  to += elf_number(rela + AT_R_ADDEND, 8);
  if (type == l->machine->address) {
    address(l, base, at, to);
    return true;
  }
  switch (elf_machine_apply(l->machine, (uint32_t)type, base + at, at, to)) {
  case ELF_APPLIED: return true;
  case ELF_TOO_FAR: return link_fail(l, "the library is too large for this processor's code");
  case ELF_UNKNOWN: break;
  }
  return link_fail(l, arena_printf(l->arena, "relocation %d is not provided for", (int)type));
}

bool link_relocate(Link *l, char *base) {
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
    const LinkPointer *p = &l->image->pointer[i];
    uint64_t to = l->image_address, size;
    if (p->symbol && !link_find(l, p->symbol, &to, &size)) return false;
    address(l, base, l->image_address + p->at, to + p->offset);
  }
  return true;
}

int64_t link_count_pointers(const Link *l) {
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

/* ---- all of it ---- */

LinkPlaces link_place_all(Link *l, uint64_t first, uint64_t data_head, uint64_t page) {
  LinkPlaces y = {0};
  y.end[SEGMENT_READ] = link_place(l, SEGMENT_READ, first, true);
  y.start[SEGMENT_CODE] = link_round_up(y.end[SEGMENT_READ], page);
  y.end[SEGMENT_CODE] = link_place(l, SEGMENT_CODE, y.start[SEGMENT_CODE], true);
  y.start[SEGMENT_DATA] = link_round_up(y.end[SEGMENT_CODE], page);
  uint64_t data = link_place(l, SEGMENT_DATA, y.start[SEGMENT_DATA] + data_head, true);
  l->image_address = link_round_up(data, IMAGE_ALIGN);
  y.end[SEGMENT_DATA] = l->image_address + l->image->bytes.len;
  y.memory_end = link_place(l, SEGMENT_DATA, y.end[SEGMENT_DATA], false);
  return y;
}

void link_write_data(const Link *l, Text *out) {
  link_write(l, SEGMENT_DATA, out);
  link_pad_to(out, l->image_address);
  text_add_n(out, text_str(&l->image->bytes), l->image->bytes.len);
}

static bool read_objects(Link *l, const LinkObject *object) {
  for (int i = 0; i < l->n; i++) {
    const char *why;
    if (!elf_object_read(l->arena, &object[i], &l->object[i], &why)) return link_fail(l, why);
    if (!l->machine) l->machine = l->object[i].machine;
    if (l->machine != l->object[i].machine)
      return link_fail(l, "objects are of different processors");
    elf_choose_segments(&l->object[i]);
  }
  return true;
}

bool link_library(LinkFormat format, const LinkObject *object, int n, const LinkImage *image,
                  const char *name, const char *const *exported, Text *out, const char **reason) {
  static bool (*const file[])(Link *, Text *) = {link_elf, link_pe, link_macho};
  Link l = {.arena = out->arena,
            .object = ARENA_ARRAY(out->arena, Object, n + 1),
            .n = n,
            .image = image,
            .name = name,
            .exported = exported};
  while (exported[l.n_exported])
    l.n_exported++;
  bool ok = read_objects(&l, object) && file[format](&l, out);
  *reason = l.reason;
  return ok;
}
