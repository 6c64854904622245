/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Counted allocation: mem_fail_at lets the tests walk every failure point of a command. */
#include "base/mem.h"

#include <stdlib.h>

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
