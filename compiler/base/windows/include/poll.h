/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Waiting for one file, as far as Windows knows how: base/windows/names.c. */
#ifndef GRUS_WINDOWS_POLL_H
#define GRUS_WINDOWS_POLL_H

enum { POLLIN = 1, POLLOUT = 4 };

struct pollfd {
  int fd;
  short events, revents;
};

/* Of one file. Milliseconds; -1: as long as it takes. 1: it is ready, or nobody knows. */
int poll(struct pollfd *files, unsigned n, int milliseconds);

#endif
