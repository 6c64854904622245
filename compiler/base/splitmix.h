/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* SplitMix64 (Steele, Lea and Flood 2014): 64 random bits from a counter, the same on every
 * machine, for random weights and inputs. */
#ifndef GRUS_BASE_SPLITMIX_H
#define GRUS_BASE_SPLITMIX_H

#include <stdint.h>

static inline uint64_t splitmix_next(uint64_t *state) {
  uint64_t z = *state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

#endif
