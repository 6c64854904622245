/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* LLVM ends the process when memory runs out in it: it calls abort. While its calls are guarded,
 * that ends the command instead, as running out of memory elsewhere does: files as they were,
 * nothing left. */
#ifndef GRUS_DRIVER_ABORTS_H
#define GRUS_DRIVER_ABORTS_H

#include "base/arena.h"

/* From here an abort leaves through the arena (LEAVE_ABORTED), until as many releases. The whole of
 * a command is guarded where assertions are compiled out: LLVM may abort while it is loaded,
 * too. */
void aborts_guard(Arena *arena);
void aborts_release(void);

#endif
