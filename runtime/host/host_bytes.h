/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Bytes of a file, a pipe or a piece of memory, through one buffer of fixed size. */
#ifndef GRUS_HOST_BYTES_H
#define GRUS_HOST_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST_SIZE_UNKNOWN UINT64_MAX

typedef struct HostBytes {
  int fd; /* -1: memory */
  unsigned char *buffer;
  size_t position, length; /* unread bytes are buffer[position .. length) */
  uint64_t taken;          /* bytes handed out so far */
  uint64_t size;           /* of a regular file or memory, otherwise HOST_SIZE_UNKNOWN */
  uint64_t device, inode;
  int failure; /* errno of a failed read */
} HostBytes;

/* Opens a file; "-" is standard input. False with errno set if it cannot. */
bool host_bytes_open(HostBytes *bytes, const char *path);
/* The memory must outlive `bytes`; it is not changed. */
void host_bytes_memory(HostBytes *bytes, const void *memory, size_t size);
void host_bytes_close(HostBytes *bytes);

/* Waits until the buffer has at least `want` unread bytes (want <= 65536), or the data ends, a read
 * fails or a signal comes. Returns how many unread bytes there are. */
size_t host_bytes_want(HostBytes *bytes, size_t want);
/* Takes n bytes that `host_bytes_want` has shown to be there. */
const unsigned char *host_bytes_take(HostBytes *bytes, size_t n);
/* The next byte; -1 at the end. */
int host_bytes_next(HostBytes *bytes);
/* Skips n bytes; false if the data ends first. */
bool host_bytes_skip(HostBytes *bytes, uint64_t n);

#endif
