/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* How far a long run has come, on one line of a terminal that is wiped at the end. */
#ifndef GRUS_HOST_PROGRESS_H
#define GRUS_HOST_PROGRESS_H

#include "host_log.h"

typedef struct HostProgress {
  const HostLog *log;
  bool enabled, shown;
  uint64_t total;     /* steps, HOST_SIZE_UNKNOWN if the input does not tell */
  double rate;        /* steps per second of input, 0 if unknown */
  const char *unit;   /* "steps", "samples" */
  double start, next; /* seconds */
} HostProgress;

void host_progress_start(HostProgress *progress);
void host_progress_update(HostProgress *progress, uint64_t done);
void host_progress_end(HostProgress *progress);

#endif
