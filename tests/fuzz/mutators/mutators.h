/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Mutators that know how a file is built, for libFuzzer: a changed copy is again a message, a
 * FlatBuffers file or an archive with the right checksums, so that what reads it gets further than
 * to the first check. Each mutator defines LLVMFuzzerCustomMutator. Half of the changes
 * are the fuzzer's own, of bytes. */
#ifndef GRUS_TESTS_FUZZ_MUTATORS_H
#define GRUS_TESTS_FUZZ_MUTATORS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

enum { MUTATOR_ROOM = 1 << 20 };

/* A text that is changed, at most `max_size` long; the new size. */
typedef size_t MutateCode(uint8_t *data, size_t size, size_t max_size, uint64_t *state);
size_t mutator_archive(uint8_t *data, size_t size, size_t max_size, MutateCode *code,
                       unsigned seed);

/* splitmix64. */
static inline uint64_t mutator_next(uint64_t *state) {
  uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
  z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
  return z ^ z >> 31;
}

static inline size_t mutator_below(uint64_t *state, size_t n) {
  return n ? (size_t)(mutator_next(state) % n) : 0;
}

/* Numbers at the limits of what readers expect. */
static inline uint64_t mutator_number(uint64_t *state) {
  static const uint64_t numbers[] = {0,          1,
                                     2,          3,
                                     4,          7,
                                     8,          16,
                                     127,        128,
                                     255,        256,
                                     65535,      65536,
                                     INT32_MAX,  UINT64_C(0x80000000),
                                     UINT32_MAX, UINT64_C(1) << 40,
                                     INT64_MAX,  UINT64_MAX};
  return numbers[mutator_below(state, sizeof numbers / sizeof *numbers)];
}

#endif
