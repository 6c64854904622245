/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The three ways a model runs. Each reads all inputs and writes all outputs, and returns a
 * GRUS_EXIT_ code or 128 + signal. */
#ifndef GRUS_HOST_RUN_H
#define GRUS_HOST_RUN_H

#include "host_options.h"

/* Whole sequences, sample by sample or batch by batch. */
int host_run_whole(const GrusProgram *program, const HostLog *log, const HostOptions *options,
                   bool progress);

/* Streams and windows, in constant memory. */
int host_run_stream(const GrusProgram *program, const HostLog *log, const HostOptions *options,
                    bool progress);

/* Memory for the model's buffers: zeroed, aligned to at least 64 bytes. NULL if there is none. */
void *host_buffer_new(size_t size, size_t align);

#endif
