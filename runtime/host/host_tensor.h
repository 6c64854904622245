/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One whole input: a sample, or many samples along an extra first axis. */
#ifndef GRUS_HOST_TENSOR_H
#define GRUS_HOST_TENSOR_H

#include "host_options.h"

typedef struct HostTensor {
  HostSource source;
  const GrusPort *port;
  bool many;            /* the file has a first axis of samples */
  uint64_t samples;     /* 1 unless many */
  size_t steps;         /* of each sample in the file; 1 without a time axis */
  bool time_major;      /* in the file, steps come before all other axes */
  size_t per_sample;    /* numbers of one sample in the file */
  double *values;       /* the current sample, or all of them */
  size_t count;         /* numbers in values if all were read at once */
  bool whole;           /* values holds all samples */
  uint64_t next;        /* sample that host_tensor_next reads */
  bool varies;          /* samples have their own numbers of steps, padded to `steps` */
  size_t sample_steps;  /* how many steps the sample has that host_tensor_next gave */
  const double *sample; /* that sample, for its caller */
} HostTensor;

/* Opens `value`, a path or numbers, and finds its layout. Returns GRUS_EXIT_OK or the status of the
 * printed error; close it either way. single: many samples are an error. */
int host_tensor_open(HostTensor *tensor, const GrusProgram *program, const HostLog *log,
                     const HostOptions *options, const GrusPort *port, const char *value,
                     bool single);
/* The same for the content of a file in memory, which must outlive the tensor. */
int host_tensor_memory(HostTensor *tensor, const GrusProgram *program, const HostLog *log,
                       const HostOptions *options, const GrusPort *port, const void *memory,
                       size_t size, HostStyle style, bool single);
/* The numbers of the next sample, in the file's order; NULL after an error or interruption. A
 * tensor without many samples gives the same one again. */
const double *host_tensor_next(HostTensor *tensor);
void host_tensor_close(HostTensor *tensor);

#endif
