/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Links are followed by whoever gave the folders. See links.h. */
#include "driver/links.h"

const char *links_follow(Arena *arena, const char *path, const char **reason) {
  (void)arena, (void)reason;
  return path;
}
