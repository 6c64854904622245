/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Where an output really goes when its path has links. */
#ifndef GRUS_DRIVER_LINKS_H
#define GRUS_DRIVER_LINKS_H

#include "base/arena.h"

/* The path with its links followed, also when what it names is not there yet. NULL with *reason:
 * they go in circles, or one of them was laid by another user in a folder that all may write to, as
 * /tmp is. Such a link is followed only if it belongs to this user or to the owner of the folder,
 * which is the kernel's rule fs.protected_symlinks, for it does not hold for a rename. */
const char *links_follow(Arena *arena, const char *path, const char **reason);

#endif
