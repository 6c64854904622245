/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* dlopen for host.c on Windows. */
#ifndef GRUS_TESTS_DLFCN_H
#define GRUS_TESTS_DLFCN_H

#include <string.h>
#include <windows.h>

#undef near /* words of 16-bit compilers, which headers of Windows still define */
#undef far

enum { RTLD_NOW, RTLD_LOCAL };

static void *dlopen(const char *path, int how) {
  (void)how;
  return (void *)LoadLibraryA(path);
}

static void *dlsym(void *handle, const char *name) {
  FARPROC at = GetProcAddress((HMODULE)handle, name);
  void *symbol;
  memcpy(&symbol, &at, sizeof symbol);
  return symbol;
}

static const char *dlerror(void) {
  return "the system does not load it";
}

#endif
