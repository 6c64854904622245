/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The tiles of AMX: Linux gives their registers to a process that asks, once, and to all threads
 * that begin later. Needs no library. */
#ifndef GRUS_HOST_TILES_H
#define GRUS_HOST_TILES_H

/* Asks, on a processor that has them; whether this process may use them. Elsewhere nobody has to
 * ask. */
static inline int host_tiles_allowed(void) {
#if defined(__linux__) && defined(__x86_64__) && defined(__GNUC__) && !defined(GRUS_SHARED_WINDOWS)
  enum { ARCH_PRCTL = 158, REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
  long result = ARCH_PRCTL;
  __asm__ volatile("syscall"
                   : "+a"(result)
                   : "D"((long)REQUEST_PERMISSION), "S"((long)TILE_DATA)
                   : "rcx", "r11", "memory");
  return result == 0;
#else
  return 1;
#endif
}

#endif
