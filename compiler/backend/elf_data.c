/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See elf_data.h. In: an ELF object, 32 or 64 bits, of either byte order, and the bytes of its
 * empty sections. Out: the same object with the bytes after its end; the heads of those sections
 * point there and say that they are read-only data. Nothing else moves: symbols and relocations
 * name sections by number. A name loses its prefix by beginning later in the table of names. */
#include "backend/elf_data.h"

#include <stdint.h>
#include <string.h>

enum {
  CLASS_AT = 4, /* in the identification: 1 for 32 bits, 2 for 64 */
  ORDER_AT = 5, /* 1: the low byte first */
  LEAST_HEAD = 52,
  SHT_PROGBITS = 1,
  SHT_NOBITS = 8,
  SHF_ALLOC = 2,
  DATA_ALIGN = 64
};

/* Where the fields of the heads are, and how many bytes those have that grow with the class. */
typedef struct ElfLayout {
  int word;                            /* 4 or 8 */
  int table, size_of, count_of, names; /* of the file: e_shoff, e_shentsize, e_shnum, e_shstrndx */
  int type, flags, offset, size;       /* of a section */
} ElfLayout;

static const ElfLayout layouts[] = {{4, 32, 46, 48, 50, 4, 8, 16, 20},
                                    {8, 40, 58, 60, 62, 4, 8, 24, 32}};

typedef struct ElfFile {
  char *bytes;
  size_t len;
  const ElfLayout *at;
  bool high_first;
} ElfFile;

static uint64_t get(const ElfFile *o, uint64_t at, int width) {
  uint64_t x = 0;
  if (at > o->len || o->len - at < (size_t)width) return 0;
  for (int i = 0; i < width; i++)
    x = x << 8 | (unsigned char)o->bytes[at + (uint64_t)(o->high_first ? i : width - 1 - i)];
  return x;
}

static void put(ElfFile *o, uint64_t at, int width, uint64_t x) {
  for (int i = 0; i < width; i++)
    o->bytes[at + (uint64_t)(o->high_first ? width - 1 - i : i)] = (char)(x >> 8 * i & 0xff);
}

static bool object_read(ElfFile *o) {
  if (o->len < LEAST_HEAD || memcmp(o->bytes, "\177ELF", 4) != 0) return false;
  o->at = &layouts[o->bytes[CLASS_AT] == 2];
  o->high_first = o->bytes[ORDER_AT] == 2;
  uint64_t table = get(o, (uint64_t)o->at->table, o->at->word),
           size = get(o, (uint64_t)o->at->size_of, 2), count = get(o, (uint64_t)o->at->count_of, 2);
  return size >= (uint64_t)(o->at->size + o->at->word) && table <= o->len &&
         size * count <= o->len - table;
}

static uint64_t section_at(const ElfFile *o, uint64_t i) {
  return get(o, (uint64_t)o->at->table, o->at->word) + i * get(o, (uint64_t)o->at->size_of, 2);
}

/* The head of the empty section of this name; 0 if there is none. */
static uint64_t section_find(const ElfFile *o, const ElfData *data) {
  uint64_t names = section_at(o, get(o, (uint64_t)o->at->names, 2)),
           text = get(o, names + (uint64_t)o->at->offset, o->at->word);
  size_t prefix = strlen(ELF_DATA_EMPTY), len = strlen(data->name) + 1;
  for (uint64_t i = 1, n = get(o, (uint64_t)o->at->count_of, 2); i < n; i++) {
    uint64_t head = section_at(o, i), name = text + get(o, head, 4);
    if (name <= o->len && o->len - name >= prefix + len &&
        memcmp(o->bytes + name, ELF_DATA_EMPTY, prefix) == 0 &&
        memcmp(o->bytes + name + prefix, data->name, len) == 0)
      return head;
  }
  return 0;
}

static size_t round_up(size_t n) {
  return (n + DATA_ALIGN - 1) / DATA_ALIGN * DATA_ALIGN;
}

/* The head of one section now says where its bytes will be. */
static bool section_fill(ElfFile *o, const ElfData *data, size_t at) {
  uint64_t head = section_find(o, data);
  int word = o->at->word;
  if (!head || get(o, head + (uint64_t)o->at->type, 4) != SHT_NOBITS ||
      get(o, head + (uint64_t)o->at->size, word) != data->n)
    return false;
  put(o, head, 4, get(o, head, 4) + strlen(ELF_DATA_EMPTY));
  put(o, head + (uint64_t)o->at->type, 4, SHT_PROGBITS);
  put(o, head + (uint64_t)o->at->flags, word, SHF_ALLOC);
  put(o, head + (uint64_t)o->at->offset, word, at);
  return true;
}

bool elf_data_fill(const char *object, size_t len, const ElfData *data, int n, Text *out) {
  size_t all = round_up(len);
  for (int i = 0; i < n; i++)
    all += round_up(data[i].n);
  ElfFile o = {.bytes = arena_alloc(out->arena, all + 1), .len = len};
  memcpy(o.bytes, object, len);
  if (!object_read(&o)) return false;
  size_t at = round_up(len);
  for (int i = 0; i < n; i++) {
    if (!section_fill(&o, &data[i], at)) return false;
    memcpy(o.bytes + at, data[i].bytes, data[i].n);
    at += round_up(data[i].n);
  }
  *out = (Text){.arena = out->arena, .s = o.bytes, .len = all, .cap = all + 1};
  return true;
}
