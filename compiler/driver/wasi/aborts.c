/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* An abort traps: whoever runs the module sees it. See aborts.h. */
#include "driver/aborts.h"

void aborts_guard(Arena *arena) {
  (void)arena;
}
void aborts_release(void) {}
