/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The only exit() of the compiler. */
#include "driver/session.h"

#include <stdlib.h>

int main(int argc, char **argv) {
  exit(grus_command(argc, argv));
}
