/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The LLVM backend is a module of its own, opened when it is first needed: loading LLVM costs more
 * than checking a model does. It stands beside the executable, in ../lib.../grus. A compiler built
 * with GRUS_LLVM=OFF, or one that does not find its module, has no LLVM backend and says so. */
#include "backend/llvm.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct LlvmModule {
  const char *(*version)(void);
  bool (*has_target)(const char *target);
  bool (*compile)(const KirModule *m, const LlvmOptions *options, LlvmOutput output, Diags *diags, Text *out);
} LlvmModule;

#ifdef GRUS_LLVM_MODULE
/* A function of the module; ISO C has no conversion from void * to it. */
static bool take(void *library, const char *name, void *function) {
  void *symbol = dlsym(library, name);
  memcpy(function, &symbol, sizeof symbol);
  return symbol != NULL;
}

static bool open_module(LlvmModule *module) {
  char path[4096 + sizeof GRUS_LLVM_MODULE];
  ssize_t n = readlink("/proc/self/exe", path, 4095);
  if (n <= 0) return false;
  path[n] = 0;
  char *slash = strrchr(path, '/');
  if (!slash) return false;
  snprintf(slash + 1, sizeof GRUS_LLVM_MODULE, "%s", GRUS_LLVM_MODULE);
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* kept open: LLVM does not like to be closed */
  return library && take(library, "backend_llvm_version", &module->version) &&
         take(library, "backend_llvm_has_target", &module->has_target) && take(library, "backend_llvm", &module->compile);
}
#else
static bool open_module(LlvmModule *module) {
  (void)module;
  return false;
}
#endif

static const LlvmModule *llvm_module(void) {
  static LlvmModule module;
  static enum { UNTRIED, THERE, MISSING } state;
  if (state == UNTRIED) state = open_module(&module) ? THERE : MISSING;
  return state == THERE ? &module : NULL;
}

const char *backend_llvm_version(void) {
  const LlvmModule *module = llvm_module();
  return module ? module->version() : NULL;
}

bool backend_llvm_has_target(const char *target) {
  const LlvmModule *module = llvm_module();
  return module && module->has_target(target);
}

bool backend_llvm(const KirModule *m, const LlvmOptions *options, LlvmOutput output, Diags *diags, Text *out) {
  static const char *const what[] = {"an object", "assembly", "LLVM IR", "bitcode"};
  const LlvmModule *module = llvm_module();
  if (module) return module->compile(m, options, output, diags, out);
  Diag *d = diag_new(diags, E805, span_none(), "this compiler was built without LLVM, which makes %s", what[output]);
  d->file = m->source_path;
  diag_fix(d, FIX_MAYBE,
           "`--emit=c` and the C compiler of the target make it too; or build grus with "
           "`-DGRUS_LLVM=ON`");
  return false;
}
