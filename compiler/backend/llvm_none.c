/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What stands for the LLVM backend in a compiler built with GRUS_LLVM=OFF. */
#include "backend/llvm.h"

const char *backend_llvm_version(void) {
  return NULL;
}

bool backend_llvm_has_target(const char *target) {
  (void)target;
  return false;
}

bool backend_llvm(const KirModule *m, const LlvmOptions *options, LlvmOutput output, Diags *diags,
                  Text *out) {
  static const char *const what[] = {"an object", "assembly", "LLVM IR", "bitcode"};
  (void)options;
  (void)out;
  Diag *d = diag_new(diags, E805, span_none(),
                     "this compiler was built without LLVM, which makes %s", what[output]);
  d->file = m->source_path;
  diag_fix(d, FIX_MAYBE,
           "`--emit=c` and the C compiler of the target make it too; or build grus with "
           "`-DGRUS_LLVM=ON`");
  return false;
}
