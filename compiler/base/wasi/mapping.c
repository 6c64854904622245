/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Memory of WebAssembly has no place for files that are too large to copy. */
#include "base/mapping.h"

bool mapping_make(Arena *arena, int fd, size_t len, Mapped *out, const char **reason) {
  (void)arena, (void)fd, (void)len, (void)out;
  *reason = "it is larger than 256 MiB, the limit of grus as WebAssembly";
  return false;
}
