/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Whether a processor of AArch64 has dot products, which the system knows. It needs no library. */
#ifndef GRUS_HOST_DOTPROD_H
#define GRUS_HOST_DOTPROD_H

#if defined(__linux__) && defined(__aarch64__) && defined(__GNUC__)

static inline long host_dotprod_call(long number, long a, long b, long c) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
  return x0;
}

/* Looks in the auxiliary vector that Linux gives a process: pairs of a kind and a value. */
static inline int host_has_dotprod(void) {
  enum { OPENAT = 56, CLOSE = 57, READ = 63, FROM_HERE = -100, HWCAP = 16, DOTPROD = 1 << 20 };
  long pair[2] = {1, 0};
  long file = host_dotprod_call(OPENAT, FROM_HERE, (long)"/proc/self/auxv", 0);
  int has = 0;
  while (file >= 0 && pair[0] != 0 &&
         host_dotprod_call(READ, file, (long)pair, sizeof pair) == (long)sizeof pair)
    if (pair[0] == HWCAP) has = (pair[1] & DOTPROD) != 0;
  if (file >= 0) host_dotprod_call(CLOSE, file, 0, 0);
  return has;
}

#else

/* Every Mac with an Arm processor has them. On other systems, only the options of the compiler
 * tell. */
static inline int host_has_dotprod(void) {
#if defined(__ARM_FEATURE_DOTPROD) || (defined(__APPLE__) && defined(__aarch64__))
  return 1;
#else
  return 0;
#endif
}

#endif

#endif
