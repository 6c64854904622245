/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files inherit their permissions from their folder; see descriptor.h. */
#include "driver/descriptor.h"

#include <errno.h>
#include <unistd.h>

bool descriptor_may_write(const char *path) {
  return access(path, W_OK) == 0;
}

bool descriptor_permit(int fd, mode_t mode) {
  (void)fd, (void)mode;
  return true;
}

bool descriptor_close_copy(int fd) {
  int copy = dup(fd);
  return copy < 0 || close(copy) == 0 || errno == EINTR;
}

int descriptor_hold(const char *folder) {
  (void)folder;
  return -1;
}

void descriptor_release(int held) {
  (void)held;
}
