/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The only door to malloc in the compiler, so that a test can make any allocation fail. */
#ifndef GRUS_BASE_MEM_H
#define GRUS_BASE_MEM_H

#include <stddef.h>

/* As malloc, realloc and free; NULL when memory is exhausted or a failure was asked for. */
void *mem_alloc(size_t size);
void *mem_zeroed(size_t size); /* as calloc of one element */
void *mem_realloc(void *p, size_t size);
void mem_free(void *p);

/* Makes the n-th allocation from now (1 is the next) and all later ones fail; 0 switches it off. */
void mem_fail_at(long n);

/* Allocations that failed so far. A library that is given these functions may hide the cause of its
 * failure; the count tells. */
unsigned long mem_failures(void);

#endif
