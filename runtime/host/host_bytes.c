/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Buffered input that returns what a pipe has instead of waiting for a full buffer. */
#include "host_posix.h"

#include "host_bytes.h"
#include "host_signal.h"
#include "host_system.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BYTES_CAPACITY = 65536 };

bool host_bytes_open(HostBytes *bytes, const char *path) {
  memset(bytes, 0, sizeof *bytes);
  bytes->size = HOST_SIZE_UNKNOWN;
  bytes->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : host_system_open(path);
  if (bytes->fd < 0) return false;
  struct stat info;
  int failure = fstat(bytes->fd, &info) ? errno : S_ISDIR(info.st_mode) ? EISDIR : 0;
  if (!failure) {
    bytes->buffer = malloc(BYTES_CAPACITY);
    if (!bytes->buffer) failure = ENOMEM;
  }
  if (failure) {
    host_bytes_close(bytes);
    errno = failure;
    return false;
  }
  /* Standard input may be a file that somebody has read from already. */
  off_t start = S_ISREG(info.st_mode) ? lseek(bytes->fd, 0, SEEK_CUR) : -1;
  if (start >= 0 && info.st_size >= start) bytes->size = (uint64_t)(info.st_size - start);
  host_system_identify(bytes->fd, path, &info, &bytes->device, &bytes->inode);
  return true;
}

void host_bytes_memory(HostBytes *bytes, const void *memory, size_t size) {
  memset(bytes, 0, sizeof *bytes);
  bytes->fd = -1;
  bytes->buffer = (unsigned char *)(uintptr_t)memory;
  bytes->length = size;
  bytes->size = size;
}

void host_bytes_close(HostBytes *bytes) {
  if (bytes->fd < 0) return;
  free(bytes->buffer);
  if (bytes->fd != STDIN_FILENO) close(bytes->fd);
  bytes->fd = -1;
  bytes->buffer = NULL;
  bytes->position = bytes->length = 0;
}

size_t host_bytes_want(HostBytes *bytes, size_t want) {
  while (bytes->length - bytes->position < want && bytes->fd >= 0 && !bytes->failure) {
    if (bytes->position) {
      memmove(bytes->buffer, bytes->buffer + bytes->position, bytes->length - bytes->position);
      bytes->length -= bytes->position;
      bytes->position = 0;
    }
    if (host_signal_seen()) break;
    ssize_t n =
        read(bytes->fd, bytes->buffer + bytes->length, (unsigned)(BYTES_CAPACITY - bytes->length));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) bytes->failure = errno;
    if (n <= 0) break;
    bytes->length += (size_t)n;
  }
  return bytes->length - bytes->position;
}

const unsigned char *host_bytes_take(HostBytes *bytes, size_t n) {
  const unsigned char *at = bytes->buffer + bytes->position;
  bytes->position += n;
  bytes->taken += n;
  return at;
}

int host_bytes_next(HostBytes *bytes) {
  if (bytes->position == bytes->length && host_bytes_want(bytes, 1) == 0) return -1;
  return *host_bytes_take(bytes, 1);
}

bool host_bytes_skip(HostBytes *bytes, uint64_t n) {
  while (n) {
    size_t some = host_bytes_want(bytes, 1);
    if (!some) return false;
    if (some > n) some = (size_t)n;
    host_bytes_take(bytes, some);
    n -= some;
  }
  return true;
}
