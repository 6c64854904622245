/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What POSIX has in <unistd.h> and mingw-w64 has not: base/windows/names.c. */
#ifndef GRUS_WINDOWS_UNISTD_H
#define GRUS_WINDOWS_UNISTD_H
#include_next <unistd.h>

int windows_fsync(int fd);
int windows_link(const char *from, const char *to);
ssize_t windows_read(int fd, void *to, size_t n);
ssize_t windows_write(int fd, const void *from, size_t n);
ssize_t windows_pread(int fd, void *to, size_t n, off_t at);

#define fsync(fd)            windows_fsync(fd)
#define link(from, to)       windows_link(from, to)
#define read(fd, to, n)      windows_read(fd, to, n)
#define pread(fd, to, n, at) windows_pread(fd, to, n, at)
#define write(fd, from, n)   windows_write(fd, from, n)

#endif
