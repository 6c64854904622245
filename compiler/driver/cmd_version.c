/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus version: what this is, made of which commit, and who can make machine code. */
#include "backend/llvm.h"
#include "driver/commit.h"
#include "driver/session.h"
#include "driver/version.h"

ExitCode command_version(Session *s) {
  const char *llvm = backend_llvm_version();
  Text out = text_new(s->arena);
  text_printf(&out, "grus %s", GRUS_VERSION);
  if (*GRUS_COMMIT) text_printf(&out, " (commit %s)", GRUS_COMMIT);
  text_printf(&out, "\nbackends: c%s%s\n", llvm ? ", llvm " : "", llvm ? llvm : "");
  session_out(text_str(&out), out.len);
  return EXIT_DONE;
}
