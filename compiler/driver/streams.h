/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Standard output and standard error: what could not be written is known at the end. */
#ifndef GRUS_DRIVER_STREAMS_H
#define GRUS_DRIVER_STREAMS_H

#include <stddef.h>

/* Results to standard output, buffered. */
void stream_out(const char *s, size_t len);
/* Writes everything so far to standard output, so that results come before later messages. */
void stream_flush(void);
/* Messages to standard error, at once. */
void stream_error(const char *s, size_t len);
/* At the end of a command: writes what is left. 0 if all of it was written, else the system's
 * number for why standard output or standard error is not whole; EPIPE: the reader of a pipe had
 * seen enough. */
int stream_end(void);

#endif
