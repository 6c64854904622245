/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A sink writes the numbers of one output to a file of some format.
 *
 * A regular file has a temporary name in the same folder until host_sink_commit renames it, so a
 * sink that is discarded before leaves no trace. Standard output, devices and pipes are written
 * directly. The order of calls is open, begin, write (any number of times), finish, then commit or
 * discard. */
#ifndef GRUS_HOST_SINK_H
#define GRUS_HOST_SINK_H

#include "host_source.h"

typedef struct HostSink {
  const HostLog *log;
  const GrusProgram *program;
  const GrusPort *port;
  const char *name; /* for messages */
  HostStyle style;
  HostNumber number; /* npy, wav, raw: how a number is stored */
  double scale;      /* wav, .s16: a value times scale is the stored integer */
  bool names;        /* csv: the first line has the names of the columns */
  double rate;       /* wav: frames per second */

  FILE *file;
  char *path, *temporary; /* NULL when written directly */
  bool held;              /* standard output, held back until commit */
  bool archived;          /* held, to become a member of an archive */
  bool seekable;
  uint64_t device, inode; /* of the file that has this name already; inode 0: there is none */

  size_t columns; /* numbers per row of a csv, channels of a wav */
  uint64_t
      block;    /* csv: how many rows a sample has; a blank line follows each. 0: no blank lines */
  int row_rank; /* json: the shape of one line */
  uint64_t row_shape[GRUS_HOST_MAX_RANK + 1];
  int rank;                               /* npy */
  uint64_t shape[GRUS_HOST_MAX_RANK + 1]; /* shape[0] may be HOST_SIZE_UNKNOWN until the end */
  uint64_t count;                         /* numbers written */
  uint64_t clipped;                       /* samples beyond -1..1 in PCM */
  int status;
} HostSink;

/* Each function returns GRUS_EXIT_OK or the status of the printed error. */

/* Opens the file; "-" is standard output. The caller has set style, log, program and port. */
int host_sink_open(HostSink *sink, const char *path);
/* Opens standard output, which gets the numbers only on commit, so that several sinks can share it.
 */
int host_sink_open_held(HostSink *sink);
/* Opens a member of an archive, which is kept until the archive takes it. name: for messages. */
int host_sink_open_archived(HostSink *sink, const char *name);
/* Writes the header. The caller has set columns, rank, shape, rate, names and block. */
int host_sink_begin(HostSink *sink);
int host_sink_write(HostSink *sink, const double *values, size_t n);
int host_sink_flush(HostSink *sink);
/* Completes the header and closes the file, which keeps its temporary name. */
int host_sink_finish(HostSink *sink);
/* Gives the file its name, or shows what was held back. */
int host_sink_commit(HostSink *sink);
/* Removes what was not committed, and frees the memory. Must be called once, also after commit. */
void host_sink_discard(HostSink *sink);

/* host_write.c: the formats. These functions write to sink->file, whose error flag tells of errors.
 */
void host_write_head(HostSink *sink);
void host_write_numbers(HostSink *sink, const double *values, size_t n);
void host_write_tail(HostSink *sink);

#endif
