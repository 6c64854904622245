/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any bytes as a frozen graph of TensorFlow. */
#include "../evaluate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_read(data, size, graphdef_graph);
  return 0;
}
