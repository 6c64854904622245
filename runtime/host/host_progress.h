/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Shows the progress of a long run on one line of a terminal, which is cleared at the end. */
#ifndef GRUS_HOST_PROGRESS_H
#define GRUS_HOST_PROGRESS_H

#include "host_log.h"

typedef struct HostProgress {
  const HostLog *log;
  bool enabled, shown;
  uint64_t total;     /* steps; HOST_SIZE_UNKNOWN if the input does not tell */
  double rate;        /* steps per second of the input; 0: unknown */
  const char *unit;   /* "steps", "samples" */
  double start, next; /* seconds */
} HostProgress;

void host_progress_start(HostProgress *progress);
void host_progress_update(HostProgress *progress, uint64_t done);
void host_progress_end(HostProgress *progress);

#endif
