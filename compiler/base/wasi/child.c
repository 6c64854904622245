/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* WASI starts no process. See child.h. */
#include "base/child.h"

bool child_start(Child *child, ChildLimits limits, const ChildWork *work, const void *input,
                 size_t n) {
  (void)limits, (void)work, (void)input, (void)n;
  *child = (Child){0, -1};
  return false;
}

const char *child_end(Child *child) {
  (void)child;
  return NULL;
}

bool child_put(int socket, const void *data, size_t n) {
  (void)socket, (void)data, (void)n;
  return false;
}

bool child_get(int socket, void *data, size_t n) {
  (void)socket, (void)data, (void)n;
  return false;
}
