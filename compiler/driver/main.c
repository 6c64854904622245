/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The only exit() of the compiler. */
#include "driver/session.h"

#include <stdlib.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

int main(int argc, char **argv) {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD,
          256 * 1024); /* what is larger goes back to the system when it is freed */
#endif
  exit(grus_command(argc, argv));
}
