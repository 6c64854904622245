/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Functions of POSIX about files by the calls of Windows: see include/. Paths are UTF-8, which is
 * the code page of the process (driver/windows/grus.manifest). */
#include <errno.h>
#include <io.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <windows.h>

/* The number of errno that says what GetLastError said. */
static int fail(void) {
  switch (GetLastError()) {
  case ERROR_FILE_NOT_FOUND:
  case ERROR_PATH_NOT_FOUND: errno = ENOENT; break;
  case ERROR_ACCESS_DENIED:
  case ERROR_SHARING_VIOLATION:
  case ERROR_LOCK_VIOLATION: errno = EACCES; break;
  case ERROR_ALREADY_EXISTS:
  case ERROR_FILE_EXISTS: errno = EEXIST; break;
  case ERROR_DISK_FULL:
  case ERROR_HANDLE_DISK_FULL: errno = ENOSPC; break;
  default: errno = EIO; break;
  }
  return -1;
}

int windows_fsync(int fd) {
  return FlushFileBuffers((HANDLE)_get_osfhandle(fd)) ? 0 : fail();
}

enum { MOST_BYTES = 1 << 30 }; /* at once: counts of Windows have 32 bits */

ssize_t windows_read(int fd, void *to, size_t n) {
  return _read(fd, to, n < MOST_BYTES ? (unsigned)n : MOST_BYTES);
}

ssize_t windows_write(int fd, const void *from, size_t n) {
  return _write(fd, from, n < MOST_BYTES ? (unsigned)n : MOST_BYTES);
}

int windows_link(const char *from, const char *to) {
  return CreateHardLinkA(to, from, NULL) ? 0 : fail();
}

int windows_rename(const char *from, const char *to) {
  return MoveFileExA(from, to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH) ? 0 : fail();
}

ssize_t windows_pread(int fd, void *to, size_t n, off_t at) {
  OVERLAPPED place = {.Offset = (DWORD)at, .OffsetHigh = (DWORD)((uint64_t)at >> 32)};
  DWORD got = 0;
  DWORD most = n < MOST_BYTES ? (DWORD)n : MOST_BYTES;
  if (ReadFile((HANDLE)_get_osfhandle(fd), to, most, &got, &place)) return (ssize_t)got;
  return GetLastError() == ERROR_HANDLE_EOF ? 0 : fail();
}

/* A pipe says how much waits in it; consoles and files are always ready. */
int poll(struct pollfd *files, unsigned n, int milliseconds) {
  enum { PIECE_MS = 5 };
  HANDLE handle = (HANDLE)_get_osfhandle(files->fd);
  (void)n;
  if (files->events == POLLOUT || GetFileType(handle) != FILE_TYPE_PIPE) {
    if (files->events == POLLOUT) Sleep(PIECE_MS);
    return 1;
  }
  for (int waited = 0;; waited += PIECE_MS) {
    DWORD bytes = 0;
    if (!PeekNamedPipe(handle, NULL, 0, NULL, &bytes, NULL) || bytes)
      return 1; /* ended: read says so */
    if (milliseconds >= 0 && waited >= milliseconds) return 0;
    Sleep(PIECE_MS);
  }
}
