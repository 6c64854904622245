/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Programs of models are not run by a compiler that is WebAssembly: a page runs the module that
 * `--emit=wasm` makes. */
#include "runtime/host/grus_host.h"

static int refuse(FILE *err) {
  fputs("grus: error: grus as WebAssembly runs no programs and reads no recordings; run the module "
        "that `grus build --emit=wasm` builds\n",
        err);
  return GRUS_EXIT_FILE;
}

int grus_host_run(const GrusProgram *program, int argc, char **argv, FILE *err) {
  (void)program, (void)argc, (void)argv;
  return refuse(err);
}

int grus_host_run_finite(const GrusProgram *program, int argc, char **argv, FILE *err) {
  (void)program, (void)argc, (void)argv;
  return refuse(err);
}

int grus_main(const GrusProgram *program, int argc, char **argv) {
  (void)program, (void)argc, (void)argv;
  return refuse(stderr);
}
