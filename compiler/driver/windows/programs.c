/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The part of the runtime that runs programs of models is written for POSIX: here the C that grus
 * writes is called, and nothing is run. */
#include "runtime/host/grus_host.h"
#include "runtime/host/host_signal.h"

static int refuse(FILE *err) {
  fputs(
      "grus: error: on Windows this compiler runs no models and reads no recordings; write C with "
      "`grus build --emit=c` and call it\n",
      err);
  return GRUS_EXIT_FILE;
}

/* Nothing of the runtime is interrupted: Ctrl-C ends the process. */
int host_signal_seen(void) {
  return 0;
}

int grus_host_run(const GrusProgram *program, int argc, char **argv, FILE *err) {
  (void)program, (void)argc, (void)argv;
  return refuse(err);
}

int grus_main(const GrusProgram *program, int argc, char **argv) {
  (void)program, (void)argc, (void)argv;
  return refuse(stderr);
}
