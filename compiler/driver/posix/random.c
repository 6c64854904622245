/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Letters from the kernel's random numbers; without them (no /dev/urandom in a bare folder tree)
 * from the clock and the number of the process. Either way a name that is taken is not used
 * (files.c). */
#include "driver/random.h"

#include <fcntl.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

static uint64_t random_bits(void) {
  static uint64_t count;
  uint64_t bits = 0;
  int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
  if (fd >= 0 && read(fd, &bits, sizeof bits) != (ssize_t)sizeof bits) bits = 0;
  if (fd >= 0) close(fd);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  bits ^=
      ((uint64_t)now.tv_nsec << 32) ^ (uint64_t)now.tv_sec ^ ((uint64_t)getpid() << 16) ^ ++count;
  return bits * UINT64_C(0x9E3779B97F4A7C15);
}

void random_letters(char *to) {
  static const char letters[] = RANDOM_ALPHABET;
  uint64_t bits = random_bits();
  bits ^= bits >> 32;
  for (int i = 0; i < RANDOM_LETTERS; i++, bits >>= 5)
    to[i] = letters[bits & 31];
}
