/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Standard output and standard error; see streams.h. No stdio: what it says at the end of a full
 * disk is less than what write says at once. */
#include "driver/streams.h"

#include "driver/descriptor.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 15 };

static char buffer[BUFFER_BYTES];
static size_t held;
static int wrote;                  /* something went to standard output */
static int out_error, error_error; /* errno of the first failure */

static int write_all(int fd, const char *s, size_t len) {
  while (len) {
    ssize_t n = write(fd, s, len);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) { /* it is non-blocking */
      struct pollfd wait = {.fd = fd, .events = POLLOUT};
      poll(&wait, 1, -1);
    } else if (n < 0 && errno != EINTR)
      return errno;
    if (n <= 0) continue;
    s += n;
    len -= (size_t)n;
  }
  return 0;
}

void stream_flush(void) {
  if (!out_error) out_error = write_all(STDOUT_FILENO, buffer, held);
  held = 0;
}

void stream_out(const char *s, size_t len) {
  wrote |= len > 0;
  if (len > BUFFER_BYTES - held) stream_flush();
  if (len > BUFFER_BYTES) {
    if (!out_error) out_error = write_all(STDOUT_FILENO, s, len);
    return;
  }
  memcpy(buffer + held, s, len);
  held += len;
}

void stream_error(const char *s, size_t len) {
  int error = write_all(STDERR_FILENO, s, len);
  if (!error_error && error != EBADF) error_error = error; /* 2>&-: nothing to report */
}

int stream_end(void) {
  stream_flush();
  if (!out_error && wrote && !descriptor_close_copy(STDOUT_FILENO))
    out_error = errno; /* which stays open */
  int error = out_error ? out_error : error_error;
  out_error = error_error = wrote = 0; /* for the next command of a process that runs several */
  return error;
}
