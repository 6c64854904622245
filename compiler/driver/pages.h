/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The pages of docs/errors, embedded. pages.c is made by cmake/EmbedPages.cmake. */
#ifndef GRUS_DRIVER_PAGES_H
#define GRUS_DRIVER_PAGES_H

#include <stddef.h>

typedef struct Page {
  const char *name;         /* "E301", "GRU" */
  const char *const *lines; /* each with its "\n"; NULL ends them */
} Page;

extern const Page pages[];
extern const size_t n_pages;

#endif
