/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* No libraries that could be opened, and no path of an executable. See module.h. */
#include "base/module.h"

void *module_load(const char *path, const char **reason) {
  (void)path;
  *reason = "grus as WebAssembly cannot load libraries";
  return NULL;
}

void module_close(void *module) {
  (void)module;
}

bool module_take(void *module, const char *name, void *function) {
  (void)module, (void)name, (void)function;
  return false;
}

bool module_self(char *path, size_t size) {
  (void)path, (void)size;
  return false;
}
