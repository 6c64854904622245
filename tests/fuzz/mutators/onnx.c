/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* ONNX files, with the changes of tests/hostile/reshape_onnx.c. */
#include "mutators.h"

#include "tests/hostile/reshape_onnx.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
  static uint8_t room[MUTATOR_ROOM];
  uint64_t state = seed;
  if (mutator_below(&state, 2) == 0) return LLVMFuzzerMutate(data, size, max_size);
  size_t n = reshape_onnx(data, size, mutator_next(&state), room,
                          max_size < sizeof room ? max_size : sizeof room);
  if (!n) return LLVMFuzzerMutate(data, size, max_size);
  memcpy(data, room, n);
  return n;
}
