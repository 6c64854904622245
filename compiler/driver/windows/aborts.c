/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* No LLVM here whose aborts would have to be caught. See aborts.h. */
#include "driver/aborts.h"

void aborts_guard(Arena *arena) {
  (void)arena;
}
void aborts_release(void) {}
