/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Opening modules beside the executable; see module.h. */
#include "base/module.h"

#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 4096 };

void *module_open(const char *relative) {
  char self[PATH_BYTES], path[2 * PATH_BYTES];
  const char *reason;
  if (!module_self(self, sizeof self)) return NULL;
  char *slash = strrchr(self, '/');
  if (!slash) return NULL;
  int len = snprintf(path, sizeof path, "%.*s/%s", (int)(slash - self), self, relative);
  return len < (int)sizeof path ? module_load(path, &reason) : NULL;
}
