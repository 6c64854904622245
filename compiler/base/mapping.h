/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The bytes of a file as memory. One file a system: posix/, windows/ and wasi/. */
#ifndef GRUS_BASE_MAPPING_H
#define GRUS_BASE_MAPPING_H

#include "base/input.h"

/* The bytes of an open file as memory, until the arena ends. If the file becomes shorter, a read
 * beyond its end leaves through the arena (LEAVE_FILE_SHRANK). False with *reason. */
bool mapping_make(Arena *arena, int fd, size_t len, Mapped *out, const char **reason);

#endif
