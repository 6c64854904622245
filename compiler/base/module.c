/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Opening modules beside the executable; see module.h. */
#include "base/module.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

void *module_open(const char *relative, const char **reason) {
  char self[PATH_BYTES], path[2 * PATH_BYTES];
  *reason = NULL;
  if (!module_self(self, sizeof self)) return NULL;
  char *slash = strrchr(self, '/');
  if (!slash) return NULL;
  int len = snprintf(path, sizeof path, "%.*s/%s", (int)(slash - self), self, relative);
  if (len >= (int)sizeof path || access(path, F_OK) != 0) return NULL;
  void *module = module_load(path, reason);
  if (!module && !*reason) *reason = "out of memory"; /* also for the words that say so */
  return module;
}
