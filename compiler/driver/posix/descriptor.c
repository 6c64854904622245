/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Permissions, copies and locks of open files; see descriptor.h. */
#define _DEFAULT_SOURCE /* flock */
#include "driver/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { HOLD_TRIES = 400, HOLD_PAUSE = 5000000 }; /* nanoseconds */

bool descriptor_may_write(const char *path) {
  return access(path, W_OK) == 0;
}

bool descriptor_permit(int fd, mode_t mode) {
  return fchmod(fd, mode) == 0;
}

bool descriptor_close_copy(int fd) {
  int copy = dup(fd);
  return copy < 0 || close(copy) == 0 || errno == EINTR;
}

int descriptor_hold(const char *folder) {
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (int i = 0; fd >= 0 && i < HOLD_TRIES; i++) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) break;
    nanosleep(&(struct timespec){.tv_nsec = HOLD_PAUSE}, NULL);
  }
  return fd;
}

void descriptor_release(int held) {
  if (held >= 0) close(held);
}
