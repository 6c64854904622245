/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One input of a stream, read in blocks of constant size: one for each call of the model. */
#ifndef GRUS_HOST_FEED_H
#define GRUS_HOST_FEED_H

#include "host_options.h"

typedef struct HostFeed {
  HostSource source;
  const GrusPort *port;
  size_t need;     /* numbers per call */
  size_t features; /* numbers per step */
  double *block;   /* numbers that were read ahead: block[at .. length) */
  size_t capacity, at, length;
  uint64_t steps; /* handed out so far */
} HostFeed;

int host_feed_open(HostFeed *feed, const GrusProgram *program, const HostLog *log,
                   const HostOptions *options, const GrusPort *port, const char *value);
/* Whether host_feed_take would have to wait for another program. */
bool host_feed_would_wait(const HostFeed *feed);
/* Writes the numbers of the next call, padded with zeros, to a buffer of the model. *out_steps
 * becomes the number of steps from the file, 0 at the end. Returns GRUS_EXIT_OK, or the status of
 * the printed error or of a signal. */
int host_feed_take(HostFeed *feed, void *buffer, size_t *out_steps);
/* How many steps the file has; HOST_SIZE_UNKNOWN if it does not tell. */
uint64_t host_feed_total(const HostFeed *feed);
void host_feed_close(HostFeed *feed);

#endif
