/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of the linker share: link.c, and a file for each format. */
#ifndef GRUS_BACKEND_LINK_INTERNAL_H
#define GRUS_BACKEND_LINK_INTERNAL_H

#include "backend/elf_object.h"
#include "backend/link.h"

enum { IMAGE_ALIGN = 64 };

typedef struct Link {
  Arena *arena;
  const ElfMachine *machine; /* of all objects */
  Object *object;
  int n;
  const LinkImage *image;
  uint64_t image_address;
  const char *name;
  const char *const *exported;
  int n_exported;
  uint64_t base;     /* added to addresses in data: where the loader would like the library */
  uint64_t *pointer; /* where addresses in data are, once they are written */
  size_t n_pointers, cap_pointers;
  const char *reason;
} Link;

/* The segments of the file and of memory; what comes after the last end in the file is zeros. */
typedef struct LinkPlaces {
  uint64_t start[SEGMENT_COUNT], end[SEGMENT_COUNT], memory_end;
} LinkPlaces;

/* Numbers, the least byte first. */
void link_put(Text *out, uint64_t x, int bytes);
void link_put_at(char *at, uint64_t x, int bytes);
uint64_t link_round_up(uint64_t x, uint64_t to);
/* Zeros until the file has `at` bytes. */
void link_pad_to(Text *out, uint64_t at);

/* Whether places in the file are numbers of 32 bits, as PE and Mach-O have them. */
bool link_is_short(Link *l, uint64_t end);
/* Keeps the first reason; false. */
bool link_fail(Link *l, const char *reason);
/* The address and size of a name of the image or of any object. */
bool link_find(Link *l, const char *name, uint64_t *address, uint64_t *size);

/* The sections of a segment one after another; those without bytes in the file come last. */
uint64_t link_place(Link *l, Segment segment, uint64_t at, bool with_bytes);
/* Sections of read-only data from `first` on, then code, then data after data_head bytes. */
LinkPlaces link_place_all(Link *l, uint64_t first, uint64_t data_head, uint64_t page);
void link_write(const Link *l, Segment segment, Text *out);
/* The segment of data with the image. */
void link_write_data(const Link *l, Text *out);

/* How many addresses there will be in data. */
int64_t link_count_pointers(const Link *l);
/* References of the file's bytes, at base, mean what they should. */
bool link_relocate(Link *l, char *base);

/* A library of one format, from what has been read. */
bool link_elf(Link *l, Text *out);
bool link_pe(Link *l, Text *out);
bool link_macho(Link *l, Text *out);

#endif
