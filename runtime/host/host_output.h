/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The outputs of one run of the program: where each goes, opened together, committed together. */
#ifndef GRUS_HOST_OUTPUT_H
#define GRUS_HOST_OUTPUT_H

#include "host_options.h"
#include "host_sink.h"

typedef struct HostOutputs {
  const GrusProgram *program;
  const HostLog *log;
  const HostOptions *options;
  size_t count;     /* of output ports */
  HostSink *sinks;  /* count of them; port NULL where the output is not wanted */
  char **paths;     /* those built from --out */
  HostSink archive; /* of all outputs, if --out names an .npz; port NULL: none */
  bool made_folder; /* --out did not exist */
} HostOutputs;

/* inputs: what is read, to refuse writing over it and to take the format of .wav outputs from.
 * Returns GRUS_EXIT_OK or the status of the printed error; close it either way. */
int host_outputs_open(HostOutputs *outputs, const GrusProgram *program, const HostLog *log,
                      const HostOptions *options, const HostSource *const *inputs,
                      size_t input_count);
/* Hands what was written to standard output, pipes and devices to their readers. */
int host_outputs_flush(HostOutputs *outputs);
/* Finishes all files, then renames all. */
int host_outputs_commit(HostOutputs *outputs);
/* Without a commit, leaves nothing behind. */
void host_outputs_close(HostOutputs *outputs, bool committed);

#endif
