/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Shows progress after one second, then five times a second; see host_progress.h. */
#include "host_posix.h"

#include "host_bytes.h"
#include "host_progress.h"
#include "host_system.h"

#include <inttypes.h>

void host_progress_start(HostProgress *progress) {
  progress->start = host_system_seconds();
  progress->next = progress->start + 1;
}

static void progress_clock(HostText *text, double seconds) {
  uint64_t s = (uint64_t)seconds;
  host_text_add(text, "%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64, s / 3600, s / 60 % 60, s % 60);
}

static void progress_show(HostProgress *progress, uint64_t done, double elapsed) {
  HostText line = {{0}, 0};
  bool known = progress->total != HOST_SIZE_UNKNOWN && progress->total > 0;
  if (known) host_text_add(&line, "%3.0f %%  ", 100.0 * (double)done / (double)progress->total);
  if (progress->rate > 0) {
    progress_clock(&line, (double)done / progress->rate);
    if (known) {
      host_text_add(&line, " of ");
      progress_clock(&line, (double)progress->total / progress->rate);
    }
    host_text_add(&line, "  %.1f x real time", (double)done / progress->rate / elapsed);
  } else {
    host_text_add(&line, "%" PRIu64 " %s  %.0f per second", done, progress->unit,
                  (double)done / elapsed);
  }
  if (known && done)
    host_text_add(&line, "  %.0f s left",
                  elapsed * (double)(progress->total - done) / (double)done);
  fprintf(progress->log->err, "\r%s\033[K", line.s);
  fflush(progress->log->err);
  progress->shown = true;
}

void host_progress_update(HostProgress *progress, uint64_t done) {
  if (!progress->enabled) return;
  double now = host_system_seconds();
  if (now < progress->next) return;
  progress->next = now + 0.2;
  progress_show(progress, done, now - progress->start);
}

void host_progress_end(HostProgress *progress) {
  if (!progress->shown) return;
  fputs("\r\033[K", progress->log->err);
  fflush(progress->log->err);
  progress->shown = false;
}
