/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What an object takes of flash; see elf_size.h. */
#include "driver/elf_size.h"

#include <stdbool.h>
#include <string.h>

enum { MACHINE_AT = 18, X86_64 = 62, RED_ZONE = 128 };
enum { CLASS_AT = 4, DATA_AT = 5, CLASS_64 = 2, LITTLE = 1, NOBITS = 8, ALLOC = 2 };

/* Where the fields are that are read, in 32 and in 64 bits. */
typedef struct Fields {
  size_t sections, entry_size, count, type, flags, size;
  int width;
} Fields;

static uint64_t field(const char *data, size_t at, int bytes) {
  uint64_t value = 0;
  for (int i = bytes - 1; i >= 0; i--)
    value = value << 8 | (unsigned char)data[at + (size_t)i];
  return value;
}

int64_t elf_flash_bytes(const char *data, size_t len) {
  static const Fields elf32 = {32, 46, 48, 4, 8, 20, 4}, elf64 = {40, 58, 60, 4, 8, 32, 8};
  enum { HEADER = 64 };
  int64_t sum = 0;
  if (len < HEADER || memcmp(data, "\177ELF", 4) != 0 || data[DATA_AT] != LITTLE) return 0;
  const Fields *f = data[CLASS_AT] == CLASS_64 ? &elf64 : &elf32;
  uint64_t sections = field(data, f->sections, f->width);
  uint64_t entry = field(data, f->entry_size, 2), count = field(data, f->count, 2);
  if (sections > len || entry < f->size + (size_t)f->width || entry * count > len - sections)
    return 0;
  for (uint64_t i = 0; i < count; i++) {
    size_t at = (size_t)(sections + i * entry);
    bool is_loaded = field(data, at + f->flags, f->width) & ALLOC;
    uint64_t size = field(data, at + f->size, f->width);
    if (is_loaded && field(data, at + f->type, 4) != NOBITS && size <= len) sum += (int64_t)size;
  }
  return sum;
}

int64_t elf_red_zone(const char *data, size_t len) {
  bool is_elf = len > MACHINE_AT + 1 && memcmp(data, "\177ELF", 4) == 0;
  return is_elf && data[DATA_AT] == LITTLE && field(data, MACHINE_AT, 2) == X86_64 ? RED_ZONE : 0;
}
