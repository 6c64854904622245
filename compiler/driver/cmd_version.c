/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus version: what this is, made of which commit, the version of the language that it knows, and
 * who can make machine code. */
#include "backend/llvm.h"
#include "driver/commit.h"
#include "driver/session.h"
#include "driver/version.h"
#include "front/front.h"

ExitCode command_version(Session *s) {
  const char *llvm = backend_llvm_version();
  Text out = text_new(s->arena);
  text_printf(&out, "grus %s", GRUS_VERSION);
  if (*GRUS_COMMIT) text_printf(&out, " (commit %s)", GRUS_COMMIT);
  text_printf(&out, "\nlanguage: grus %d\nbackends: c%s%s\n", GRUS_LANGUAGE, llvm ? ", llvm " : "",
              llvm ? llvm : "");
  session_out(text_str(&out), out.len);
  return EXIT_DONE;
}
