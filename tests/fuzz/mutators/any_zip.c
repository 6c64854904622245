/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Archives whose members hold any bytes. */
#include "mutators.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
  return mutator_archive(data, size, max_size, NULL, seed);
}
