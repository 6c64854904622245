/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Where files are. One file a system: posix/ and wasi/. */
#ifndef GRUS_BASE_PLACE_H
#define GRUS_BASE_PLACE_H

#include "base/arena.h"

#include <stdbool.h>

/* Where a path leads once links are followed, from the root; NULL: nowhere. */
const char *place_real(Arena *arena, const char *path);

/* Whether an open file lies where files_confine (input.h) allows. */
bool place_is_allowed(int fd, const char *path);

#endif
