/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What not every system does with an open file. One file a system: posix/, windows/ and wasi/. */
#ifndef GRUS_DRIVER_DESCRIPTOR_H
#define GRUS_DRIVER_DESCRIPTOR_H

#include <stdbool.h>
#include <sys/types.h>

/* Whether this file, which is there, may be written; false with errno. */
bool descriptor_may_write(const char *path);
/* Gives it these permissions; false with errno. */
bool descriptor_permit(int fd, mode_t mode);
/* Closes a copy of it, since some file systems find out only then that a write failed: false with
 * errno. */
bool descriptor_close_copy(int fd);

/* Waits until no other grus places files in this folder, for two seconds at most: somebody else may
 * hold it for longer. What it returns ends with descriptor_release, or with the process. */
int descriptor_hold(const char *folder);
void descriptor_release(int held);

#endif
