/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Libraries of the system; see module.h. */
#include "base/module.h"

#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif
#include <dlfcn.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#ifdef __APPLE__
bool module_self(char *path, size_t size) {
  uint32_t n = (uint32_t)size;
  return _NSGetExecutablePath(path, &n) == 0;
}
#else
bool module_self(char *path, size_t size) {
  ssize_t n = readlink("/proc/self/exe", path, size - 1);
  if (n <= 0 || (size_t)n >= size - 1) return false;
  path[n] = 0;
  return true;
}
#endif

void *module_load(const char *path, const char **reason) {
  void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!module) *reason = dlerror();
  return module;
}

void module_close(void *module) {
  dlclose(module);
}

/* ISO C has no conversion from void * to a pointer to function: the bytes are copied. */
bool module_take(void *module, const char *name, void *function) {
  void *symbol = dlsym(module, name);
  memcpy(function, &symbol, sizeof symbol);
  return symbol != NULL;
}
