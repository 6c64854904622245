/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any bytes as the configuration of a Keras model. */
#include "import_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return fuzz_in_arena(import_config, data, size);
}
