/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any bytes as the saved_model.pb of a folder whose checkpoint is that of a fixture: variables have
 * their weights as long as their names are right. */
#include "../evaluate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const ImportOptions options = {0};
  fuzz_read_at(SAVED_MODEL "/saved_model.pb", data, size, &options, saved_model_graph);
  return 0;
}
