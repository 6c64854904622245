/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One streamed input, handed to the model call by call. */
#ifndef GRUS_HOST_FEED_H
#define GRUS_HOST_FEED_H

#include "host_options.h"

typedef struct HostFeed {
  HostSource source;
  const GrusPort *port;
  size_t need;     /* numbers per call */
  size_t features; /* numbers per step */
  double *block;   /* read ahead: block[at .. length) */
  size_t capacity, at, length;
  uint64_t steps; /* handed out so far */
} HostFeed;

int host_feed_open(HostFeed *feed, const GrusProgram *program, const HostLog *log,
                   const HostOptions *options, const GrusPort *port, const char *value);
/* Will host_feed_take have to wait for another program? */
bool host_feed_would_wait(const HostFeed *feed);
/* The numbers of the next call, padded with zeros, into the model's buffer. out_steps: how many
 * steps are real; 0 at the end. Returns GRUS_EXIT_OK or the status of the printed error or
 * signal. */
int host_feed_take(HostFeed *feed, void *buffer, size_t *out_steps);
/* Steps in the file, HOST_SIZE_UNKNOWN if it does not tell. */
uint64_t host_feed_total(const HostFeed *feed);
void host_feed_close(HostFeed *feed);

#endif
