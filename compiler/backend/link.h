/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Objects and data -> a shared library, without a linker, for x86-64 and AArch64: ELF, PE of
 * Windows, Mach-O of macOS. Objects are ELF for each of them: what differs is the file around the
 * code, and the calling convention, which whoever compiles the objects chooses. */
#ifndef GRUS_BACKEND_LINK_H
#define GRUS_BACKEND_LINK_H

#include "base/text.h"

#include <stdint.h>

/* An object as a compiler writes it (position-independent, ELF64). */
typedef struct LinkObject {
  const char *data;
  size_t len;
} LinkObject;

/* A pointer in the image: to a function of some object, or (symbol NULL) into the image itself. */
typedef struct LinkPointer {
  size_t at;
  const char *symbol;
  size_t offset;
} LinkPointer;

/* A name that stands for a place in the image. */
typedef struct LinkName {
  const char *name;
  size_t at, size;
} LinkName;

/* Data that is made here rather than compiled. */
typedef struct LinkImage {
  Text bytes;
  LinkPointer *pointer;
  int n_pointers;
  size_t cap_pointers;
  LinkName *name;
  int n_names;
  size_t cap_names;
  const char *alias, *alias_of; /* another name of a function of some object; NULL: none */
} LinkImage;

LinkImage link_image_new(Arena *arena);
/* Places bytes, aligned to 8, and returns where. data NULL: zeros. */
size_t link_image_add(LinkImage *image, const void *data, size_t size);
void link_image_pointer(LinkImage *image, size_t at, const char *symbol, size_t offset);
void link_image_name(LinkImage *image, const char *name, size_t at, size_t size);

typedef enum LinkFormat { LINK_ELF, LINK_PE, LINK_MACHO } LinkFormat;

/* Appends the library to out, which is empty. name: of its file; exported: the names that can be
 * seen from outside, NULL-terminated, in alphabetical order. False with the reason if an object
 * asks for what is not provided here. */
bool link_library(LinkFormat format, const LinkObject *object, int n, const LinkImage *image,
                  const char *name, const char *const *exported, Text *out, const char **reason);

#endif
