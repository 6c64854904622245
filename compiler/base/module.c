/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Opening modules beside the executable. */
#include "base/module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

void *module_open(const char *relative) {
  char self[PATH_BYTES], path[2 * PATH_BYTES];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n <= 0) return NULL;
  self[n] = 0;
  char *slash = strrchr(self, '/');
  if (!slash) return NULL;
  int len = snprintf(path, sizeof path, "%.*s/%s", (int)(slash - self), self, relative);
  return len < (int)sizeof path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
}

/* ISO C has no conversion from void * to a pointer to function: the bytes are copied. */
bool module_take(void *module, const char *name, void *function) {
  void *symbol = dlsym(module, name);
  memcpy(function, &symbol, sizeof symbol);
  return symbol != NULL;
}
