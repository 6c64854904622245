/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A sink takes the numbers of one output and writes them as a file of some format.
 *
 * A regular file is written under a temporary name beside its final one and renamed by
 * host_sink_commit; until then, discarding it leaves no trace. Standard output, devices and pipes
 * are written directly. Life: open, (begin, write..., finish), commit or discard. */
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
  double scale;      /* wav, .s16: value times scale = stored integer */
  bool names;        /* csv: begin with a line of column names */
  double rate;       /* wav: frames per second */

  FILE *file;
  char *path, *temporary; /* NULL when written directly */
  bool held;              /* standard output, held back until commit */
  bool archived;          /* held, to become a member of an archive */
  bool seekable;
  uint64_t device, inode; /* of the file that exists under this name; inode 0 if none */

  size_t columns; /* numbers per row of a csv, channels of a wav */
  uint64_t block; /* csv: rows between blank lines that part samples; 0 none */
  int row_rank;   /* json: the shape of one line */
  uint64_t row_shape[GRUS_HOST_MAX_RANK + 1];
  int rank;                               /* npy */
  uint64_t shape[GRUS_HOST_MAX_RANK + 1]; /* shape[0] HOST_SIZE_UNKNOWN: patched at the end */
  uint64_t count;                         /* numbers written */
  uint64_t clipped;                       /* samples beyond -1..1 in PCM */
  int status;
} HostSink;

/* Opens the file; "-" is standard output. Style, log, program and port are set. */
int host_sink_open(HostSink *sink, const char *path);
/* Standard output that appears only on commit, so that several sinks can share it. */
int host_sink_open_held(HostSink *sink);
/* A member of an archive: kept until the archive takes it. name: what messages call it. */
int host_sink_open_archived(HostSink *sink, const char *name);
/* Writes what stands before the numbers. columns, rank, shape, rate, names and block are set. */
int host_sink_begin(HostSink *sink);
int host_sink_write(HostSink *sink, const double *values, size_t n);
int host_sink_flush(HostSink *sink);
/* Completes the header and closes the file, still under its temporary name. */
int host_sink_finish(HostSink *sink);
int host_sink_commit(HostSink *sink);
/* Harmless after commit; always call it. */
void host_sink_discard(HostSink *sink);

/* The formats, in host_write.c. They write to sink->file and leave errors to its error flag. */
void host_write_head(HostSink *sink);
void host_write_numbers(HostSink *sink, const double *values, size_t n);
void host_write_tail(HostSink *sink);

#endif
