/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Libraries of the system; see module.h. */
#include "base/module.h"

#include <string.h>
#include <windows.h>

bool module_self(char *path, size_t size) {
  DWORD n = GetModuleFileNameA(NULL, path, (DWORD)size);
  if (n == 0 || n >= size) return false;
  for (char *c = path; *c; c++)
    if (*c == '\\') *c = '/';
  return true;
}

void *module_load(const char *path, const char **reason) {
  HMODULE module = LoadLibraryA(path);
  if (!module) *reason = "the system cannot load it";
  return module;
}

void module_close(void *module) {
  FreeLibrary(module);
}

/* ISO C has no conversion between pointers to functions and to objects: the bytes are copied. */
bool module_take(void *module, const char *name, void *function) {
  FARPROC symbol = GetProcAddress(module, name);
  memcpy(function, &symbol, sizeof symbol);
  return symbol != NULL;
}
