/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any bytes as a file of one format, read as a graph. */
#include "../evaluate.h"

#ifndef GRAPH_READER
#define GRAPH_READER onnx_graph
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_read(data, size, GRAPH_READER);
  return 0;
}
