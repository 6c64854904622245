/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Libraries of 64-bit Windows (PE32+); see link_internal.h. Sections begin on pages in the file as
 * in memory, so that a relative address is a place in the file. The table of exported names stands
 * before the read-only data; the list of addresses that depend on where the library is loaded is a
 * section of its own, the last. There is no function to call when it is loaded. */
#include "backend/link_internal.h"

#include <stdlib.h>
#include <string.h>

enum {
  PAGE = 4096,
  DOS_HEAD = 64,
  DOS_NEXT = 60, /* where the head of DOS says where the other one is */
  FILE_HEAD = 24,
  OPTIONAL_HEAD = 240,
  SECTION_ENTRY = 40,
  N_SECTIONS = 4,
  DIRECTORIES = 16,
  EXPORT_DIRECTORY = 40,
  MACHINE_X86_64 = 0x8664,
  IS_LIBRARY = 0x2022, /* executable, of large addresses, a library */
  SUBSYSTEM_WINDOWS = 2,
  LOADED_ANYWHERE = 0x160, /* high addresses, any base, data is no code */
  ADDRESS_64 = 10 << 12,   /* kind of a base relocation */
  ELF_X86_64 = 62
};

static const uint64_t image_base = 0x180000000;

typedef struct PeLayout {
  LinkPlaces places;
  uint64_t exports_size, relocations, relocations_size;
} PeLayout;

/* ---- exports ---- */

static uint64_t exports_size(const Link *l) {
  uint64_t n = (uint64_t)l->n_exported, size = EXPORT_DIRECTORY + n * (4 + 4 + 2);
  for (int i = 0; i < l->n_exported; i++)
    size += strlen(l->exported[i]) + 1;
  return size + strlen(l->name) + 1;
}

/* The directory, addresses, names, numbers of names, and their texts. */
static bool put_exports(Link *l, Text *out) {
  uint64_t n = (uint64_t)l->n_exported, at = out->len, text = at + EXPORT_DIRECTORY + n * 10;
  link_put(out, 0, 12); /* flags, time, version */
  for (uint64_t i = 0; i < n; i++)
    text += strlen(l->exported[i]) + 1;
  link_put(out, text, 4); /* the name of the library, the last text */
  link_put(out, 1, 4);    /* the first number */
  link_put(out, n, 4);
  link_put(out, n, 4);
  link_put(out, at + EXPORT_DIRECTORY, 4);
  link_put(out, at + EXPORT_DIRECTORY + n * 4, 4);
  link_put(out, at + EXPORT_DIRECTORY + n * 8, 4);
  for (int i = 0; i < l->n_exported; i++) {
    uint64_t address, size;
    if (!link_find(l, l->exported[i], &address, &size)) return false;
    link_put(out, address, 4);
  }
  text = at + EXPORT_DIRECTORY + n * 10;
  for (int i = 0; i < l->n_exported; i++) {
    link_put(out, text, 4);
    text += strlen(l->exported[i]) + 1;
  }
  for (uint64_t i = 0; i < n; i++)
    link_put(out, i, 2);
  for (int i = 0; i < l->n_exported; i++)
    text_add_n(out, l->exported[i], strlen(l->exported[i]) + 1);
  text_add_n(out, l->name, strlen(l->name) + 1);
  return true;
}

/* ---- relocations ---- */

static int by_place(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

/* A block for each page: its address, its size, and two bytes for each place in it. */
static void put_relocations(Link *l, Text *out) {
  if (l->n_pointers) qsort(l->pointer, l->n_pointers, sizeof *l->pointer, by_place);
  for (size_t i = 0; i < l->n_pointers;) {
    uint64_t page = l->pointer[i] / PAGE * PAGE;
    size_t end = i, start = out->len;
    link_put(out, page, 4);
    link_put(out, 0, 4);
    for (; end < l->n_pointers && l->pointer[end] - page < PAGE; end++)
      link_put(out, ADDRESS_64 | (l->pointer[end] - page), 2);
    if ((end - i) % 2) link_put(out, 0, 2);
    link_put_at(out->s + start + 4, out->len - start, 4);
    i = end;
  }
}

/* ---- heads ---- */

static void put_file_head(Text *out) {
  text_add(out, "MZ");
  link_pad_to(out, DOS_NEXT);
  link_put(out, DOS_HEAD, 4);
  text_add_n(out, "PE\0", 4);
  link_put(out, MACHINE_X86_64, 2);
  link_put(out, N_SECTIONS, 2);
  link_put(out, 0, 12); /* time, symbols */
  link_put(out, OPTIONAL_HEAD, 2);
  link_put(out, IS_LIBRARY, 2);
}

static void put_optional_head(Text *out, const PeLayout *y) {
  const LinkPlaces *p = &y->places;
  const uint64_t least_version = 6; /* of Windows */
  uint64_t code = p->start[SEGMENT_CODE], data = p->start[SEGMENT_DATA];
  uint64_t end = link_round_up(y->relocations + y->relocations_size, PAGE);
  link_put(out, 0x20b, 2);
  link_put(out, 0, 2); /* version of the linker */
  link_put(out, data - code, 4);
  link_put(out, end - data + code, 4); /* what is not code */
  link_put(out, 0, 4);
  link_put(out, 0, 4); /* nothing is called */
  link_put(out, code, 4);
  link_put(out, image_base, 8);
  link_put(out, PAGE, 4); /* in memory */
  link_put(out, PAGE, 4); /* in the file */
  link_put(out, least_version, 4);
  link_put(out, 0, 4);
  link_put(out, least_version, 4);
  link_put(out, 0, 4);
  link_put(out, end, 4);
  link_put(out, PAGE, 4); /* heads */
  link_put(out, 0, 4);
  link_put(out, SUBSYSTEM_WINDOWS, 2);
  link_put(out, LOADED_ANYWHERE, 2);
  for (int i = 0; i < 4; i++) /* stack and heap, of programs alone */
    link_put(out, 0, 8);
  link_put(out, 0, 4);
  link_put(out, DIRECTORIES, 4);
  for (int i = 0; i < DIRECTORIES; i++) {
    enum { EXPORTS = 0, BASE_RELOCATIONS = 5 };
    bool exports = i == EXPORTS, relocations = i == BASE_RELOCATIONS && y->relocations_size;
    link_put(out, exports ? PAGE : relocations ? y->relocations : 0, 4);
    link_put(out, exports ? y->exports_size : relocations ? y->relocations_size : 0, 4);
  }
}

static void put_section(Text *out, const char name[8], uint64_t at, uint64_t in_file,
                        uint64_t in_memory, uint32_t flags) {
  text_add_n(out, name, 8);
  link_put(out, in_memory, 4);
  link_put(out, at, 4);
  link_put(out, link_round_up(in_file, PAGE), 4);
  link_put(out, at, 4);
  link_put(out, 0, 12);
  link_put(out, flags, 4);
}

static void put_sections(Text *out, const PeLayout *y) {
  enum { CODE = 0x60000020, READ = 0x40000040, DATA = 0x42000040 };
  const LinkPlaces *p = &y->places;
  const uint32_t writable = (uint32_t)READ | 1u << 31;
  uint64_t read = p->end[SEGMENT_READ] - PAGE, code = p->end[SEGMENT_CODE] - p->start[SEGMENT_CODE],
           data = p->start[SEGMENT_DATA];
  put_section(out, ".rdata\0", PAGE, read, read, READ);
  put_section(out, ".text\0\0", p->start[SEGMENT_CODE], code, code, CODE);
  put_section(out, ".data\0\0", data, p->end[SEGMENT_DATA] - data, p->memory_end - data, writable);
  put_section(out, ".reloc\0", y->relocations, y->relocations_size, y->relocations_size, DATA);
}

bool link_pe(Link *l, Text *out) {
  Text body = text_new(out->arena), relocations = text_new(out->arena);
  PeLayout y = {.exports_size = exports_size(l)};
  if (l->machine && l->machine->id != ELF_X86_64)
    return link_fail(l, "libraries of Windows are written for x86-64 alone");
  l->base = image_base;
  y.places = link_place_all(l, PAGE + y.exports_size, 0, PAGE);
  y.relocations = link_round_up(y.places.memory_end, PAGE);
  if (!link_is_short(l, y.relocations)) return false;
  link_pad_to(&body, PAGE);
  if (!put_exports(l, &body)) return false;
  link_write(l, SEGMENT_READ, &body);
  link_pad_to(&body, y.places.start[SEGMENT_CODE]);
  link_write(l, SEGMENT_CODE, &body);
  link_pad_to(&body, y.places.start[SEGMENT_DATA]);
  link_write_data(l, &body);
  link_pad_to(&body, y.relocations);
  if (!link_relocate(l, body.s)) return false;
  put_relocations(l, &relocations);
  y.relocations_size = relocations.len;
  text_add_n(&body, text_str(&relocations), relocations.len);
  link_pad_to(&body, link_round_up(body.len, PAGE));
  put_file_head(out);
  put_optional_head(out, &y);
  put_sections(out, &y);
  memcpy(body.s, out->s, out->len);
  out->len = 0;
  text_add_n(out, body.s, body.len);
  return true;
}
