/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Damaged copies of a file: cut off, bits turned, runs of bytes and numbers written over, blocks
 * exchanged, lengthened. The same copy for the same file, seed and number on every machine. */
#ifndef GRUS_TESTS_HOSTILE_MUTATE_H
#define GRUS_TESTS_HOSTILE_MUTATE_H

#include <stddef.h>
#include <stdint.h>

typedef enum Damage { CUT, BIT, BITS, RUN, NUMBER, SWAP, LONGER, DAMAGES } Damage;
extern const char *const damage_name[DAMAGES];

/* Writes the damaged copy to out, which has room for len + MUTATE_MORE bytes; returns its
 * length. */
enum { MUTATE_MORE = 64 };
size_t mutate(const uint8_t *data, size_t len, uint64_t seed, unsigned number, uint8_t *out,
              Damage *damage);

#endif
