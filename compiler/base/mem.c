/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Counted allocation: mem_fail_at lets the tests walk every failure point of a command. */
#ifdef __linux__
#define _DEFAULT_SOURCE 1 /* madvise */
#endif
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

static long fail_in; /* 0: never; n: the n-th allocation from now fails; -1: all fail */

static unsigned long failures;

static int mem_refused(void) {
  if (fail_in == 0) return 0;
  if (fail_in > 0 && --fail_in > 0) return 0;
  fail_in = -1;
  return 1;
}

static void *mem_counted(void *p) {
  failures += !p;
  return p;
}

/* Asks for pages of 2 MiB where a piece of memory has several of them: writing to 100 MB for the
 * first time then costs 50 interruptions, and not 25,000. */
static void want_large_pages(void *p, size_t size) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  enum { PAGE = 2 << 20 };
  if (!p || size < 4 * (size_t)PAGE) return;
  uintptr_t begin = ((uintptr_t)p + PAGE - 1) / PAGE * PAGE,
            end = ((uintptr_t)p + size) / PAGE * PAGE;
  madvise((void *)begin, end - begin, MADV_HUGEPAGE); /* only a wish */
#else
  (void)p;
  (void)size;
#endif
}

void *mem_zeroed(size_t size) {
  void *p = mem_counted(mem_refused() ? NULL : calloc(1, size ? size : 1));
  want_large_pages(p, size);
  return p;
}

void *mem_alloc(size_t size) {
  return mem_counted(mem_refused() ? NULL : malloc(size ? size : 1));
}

void *mem_realloc(void *p, size_t size) {
  return mem_counted(mem_refused() ? NULL : realloc(p, size ? size : 1));
}

void mem_free(void *p) {
  free(p);
}

void mem_fail_at(long n) {
  fail_in = n;
}

unsigned long mem_failures(void) {
  return failures;
}
