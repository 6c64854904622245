/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* stack ARGUMENTS: calls ENTRY, a function of so many pointers, on a stack that was painted before,
 * and prints how many bytes of it the call wrote over, its return address included. The pointers
 * lead to zeros. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

enum { STACK_BYTES = 4 << 20, ZERO_BYTES = 1 << 22, PAINT = 0xa5, MOST = 6 };

void ENTRY(void *a, void *b, void *c, void *d, void *e, void *f);

static unsigned char stack[STACK_BYTES] __attribute__((aligned(64)));
static ucontext_t here, there;
static void *pointer[MOST];
static int empty;

static __attribute__((noinline)) void nothing(void *a, void *b, void *c, void *d, void *e,
                                              void *f) {
  __asm__ volatile("" : : "r"(a), "r"(b), "r"(c), "r"(d), "r"(e), "r"(f));
}

static void on_stack(void) {
  void (*volatile call)(void *, void *, void *, void *, void *, void *) = empty ? nothing : ENTRY;
  call(pointer[0], pointer[1], pointer[2], pointer[3], pointer[4], pointer[5]);
}

static long depth(int of_nothing) {
  long low = 0;
  empty = of_nothing;
  memset(stack, PAINT, sizeof stack);
  getcontext(&there);
  there.uc_stack.ss_sp = stack;
  there.uc_stack.ss_size = sizeof stack;
  there.uc_link = &here;
  makecontext(&there, on_stack, 0);
  swapcontext(&here, &there);
  while (low < STACK_BYTES && stack[low] == PAINT)
    low++;
  return STACK_BYTES - low;
}

int main(void) {
  for (int i = 0; i < MOST; i++)
    pointer[i] = calloc(1, ZERO_BYTES);
#if defined(__x86_64__)
  const long address = (long)sizeof(void *); /* which a call pushes */
#else
  const long address = 0;
#endif
  long base = depth(1);
  printf("%ld\n", depth(0) - base + address);
  return 0;
}
