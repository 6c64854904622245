/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The LLVM backend is a module of its own, opened when it is first needed: loading LLVM costs more
 * than checking a model does. It stands beside the executable, in ../lib.../grus. A compiler built
 * with GRUS_LLVM=OFF, or one that does not find its module, has no LLVM backend and says so; a
 * module that is there and cannot be loaded, as without memory, is no fault of the model. */
#include "backend/llvm.h"
#include "base/module.h"

#include <stdio.h>
#include <string.h>

typedef struct LlvmModule {
  const char *(*version)(void);
  bool (*has_target)(const char *target);
  bool (*compile)(const KirModule *m, const LlvmOptions *options, LlvmOutput output, Diags *diags,
                  Text *out);
  void (*abandon)(void);
  bool (*jit)(const KirModule *m, const LlvmOptions *options, Diags *diags, LlvmEntries *out);
} LlvmModule;

enum { REASON_BYTES = 256 };
static char unloadable[REASON_BYTES]; /* why the module, which is there, cannot be loaded */

static bool open_module(LlvmModule *module) {
#ifdef GRUS_LLVM_MODULE
  const char *reason;
  void *opened = module_open(GRUS_LLVM_MODULE, &reason);
  /* A loader without memory for the path of a file says, too, that there is no such file. */
  if (reason) opened = module_open(GRUS_LLVM_MODULE, &reason);
  if (reason) snprintf(unloadable, sizeof unloadable, "%s", reason);
  return opened && module_take(opened, "backend_llvm_version", &module->version) &&
         module_take(opened, "backend_llvm_has_target", &module->has_target) &&
         module_take(opened, "backend_llvm", &module->compile) &&
         module_take(opened, "backend_llvm_abandon", &module->abandon) &&
         module_take(opened, "backend_llvm_jit", &module->jit);
#else
  (void)module;
  return false;
#endif
}

static const LlvmModule *llvm_module(void) {
  static LlvmModule module;
  static enum { UNTRIED, THERE, MISSING } state;
  if (state == UNTRIED) {
    state = MISSING; /* also if loading it is left in the middle */
    if (open_module(&module)) state = THERE;
  }
  return state == THERE ? &module : NULL;
}

const char *backend_llvm_version(void) {
  const LlvmModule *module = llvm_module();
  return module ? module->version() : NULL;
}

bool backend_llvm_failed(void) {
  return !llvm_module() && *unloadable && !strstr(unloadable, "No such file or directory");
}

bool backend_llvm_has_target(const char *target) {
  const LlvmModule *module = llvm_module();
  return module && module->has_target(target);
}

static bool is_unloadable(const KirModule *m, Diags *diags, const char *what) {
  Diag *d = diag_new(diags, E805, span_none(),
                     "the part of this compiler that makes %s cannot be loaded", what);
  d->file = m->source_path;
  d->is_outside = true;
  diag_note(d, "%s", unloadable);
  return false;
}

static bool is_missing(const KirModule *m, Diags *diags, const char *what) {
  if (*unloadable) return is_unloadable(m, diags, what);
  Diag *d = diag_new(diags, E805, span_none(),
                     "this compiler was built without LLVM, which makes %s", what);
  d->file = m->source_path;
  diag_fix(d, FIX_MAYBE,
           "`--emit=c` and the C compiler of the target make it too; or build grus with "
           "`-DGRUS_LLVM=ON`");
  return false;
}

bool backend_llvm(const KirModule *m, const LlvmOptions *options, LlvmOutput output, Diags *diags,
                  Text *out) {
  static const char *const what[] = {"an object", "assembly", "LLVM IR", "bitcode"};
  const LlvmModule *module = llvm_module();
  return module ? module->compile(m, options, output, diags, out)
                : is_missing(m, diags, what[output]);
}

bool backend_llvm_jit(const KirModule *m, const LlvmOptions *options, Diags *diags,
                      LlvmEntries *out) {
  const LlvmModule *module = llvm_module();
  return module ? module->jit(m, options, diags, out) : is_missing(m, diags, "code in memory");
}

void backend_llvm_abandon(void) {
  const LlvmModule *module = llvm_module();
  if (module) module->abandon();
}
