/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The loops that run a model. Each reads all inputs, writes all outputs, and returns a GRUS_EXIT_
 * code or 128 + the number of a signal. */
#ifndef GRUS_HOST_RUN_H
#define GRUS_HOST_RUN_H

#include "host_options.h"

/* Runs a model of whole sequences, sample by sample or batch by batch. */
int host_run_whole(const GrusProgram *program, const HostLog *log, const HostOptions *options,
                   bool progress);

/* Runs a stream or a model of windows, in constant memory. */
int host_run_stream(const GrusProgram *program, const HostLog *log, const HostOptions *options,
                    bool progress);

/* Memory for a buffer of the model: all zeros, aligned to at least 64 bytes. NULL if there is none.
 */
void *host_buffer_new(size_t size, size_t align);

#endif
