/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Objects and data -> a shared library, without a linker: ELF for x86-64 and AArch64. */
#ifndef GRUS_BACKEND_ELF_LINK_H
#define GRUS_BACKEND_ELF_LINK_H

#include "base/text.h"

#include <stdint.h>

/* An object as a compiler writes it (position-independent, ELF64). */
typedef struct ElfObject {
  const char *data;
  size_t len;
} ElfObject;

/* A pointer in the image: to a function of some object, or (symbol NULL) into the image itself. */
typedef struct ElfPointer {
  size_t at;
  const char *symbol;
  size_t offset;
} ElfPointer;

/* A name that stands for a place in the image. */
typedef struct ElfName {
  const char *name;
  size_t at, size;
} ElfName;

/* Data that is made here rather than compiled. */
typedef struct ElfImage {
  Text bytes;
  ElfPointer *pointer;
  int n_pointers;
  size_t cap_pointers;
  ElfName *name;
  int n_names;
  size_t cap_names;
  const char *alias, *alias_of; /* another name of a function of some object; NULL: none */
} ElfImage;

ElfImage elf_image_new(Arena *arena);
/* Places bytes, aligned to 8, and returns where. data NULL: zeros. */
size_t elf_image_add(ElfImage *image, const void *data, size_t size);
void elf_image_pointer(ElfImage *image, size_t at, const char *symbol, size_t offset);
void elf_image_name(ElfImage *image, const char *name, size_t at, size_t size);

/* Appends the library to out; exported: the names that can be seen from outside, NULL-terminated.
 * False with the reason if an object asks for what is not provided here. */
bool elf_link(const ElfObject *object, int n, const ElfImage *image, const char *const *exported,
              Text *out, const char **reason);

#endif
