/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Where files are. One file a system: posix/, windows/ and wasi/. */
#ifndef GRUS_BASE_PLACE_H
#define GRUS_BASE_PLACE_H

#include "base/arena.h"

#include <stdbool.h>
#include <sys/stat.h>

/* Where a path leads once links are followed, from the root; NULL: nowhere. */
const char *place_real(Arena *arena, const char *path);

/* Whether an open file lies where files_confine (input.h) allows. */
bool place_is_allowed(int fd, const char *path);

/* Whether two paths name one file that is there. */
bool place_is_same(const char *a, const char *b);
/* Whether a file was written to last at the same time, as finely as the system says. */
bool place_same_time(const struct stat *a, const struct stat *b);

#endif
