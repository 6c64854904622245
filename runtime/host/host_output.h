/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The outputs of one run of the program. They are opened together and committed together. */
#ifndef GRUS_HOST_OUTPUT_H
#define GRUS_HOST_OUTPUT_H

#include "host_options.h"
#include "host_sink.h"

typedef struct HostOutputs {
  const GrusProgram *program;
  const HostLog *log;
  const HostOptions *options;
  size_t count;     /* of output ports */
  HostSink *sinks;  /* count of them; its port is NULL if the output is not wanted */
  char **paths;     /* the paths that were made from --out */
  HostSink archive; /* of all outputs, if --out names an .npz; port NULL: none */
  bool made_folder; /* the folder of --out did not exist */
} HostOutputs;

/* Opens all outputs. inputs: the sources, which no output may overwrite, and which tell the format
 * of .wav outputs. Returns GRUS_EXIT_OK or the status of the printed error; close it either way. */
int host_outputs_open(HostOutputs *outputs, const GrusProgram *program, const HostLog *log,
                      const HostOptions *options, const HostSource *const *inputs,
                      size_t input_count);
/* Flushes standard output, pipes and devices, so that their readers get what was written. */
int host_outputs_flush(HostOutputs *outputs);
/* Finishes all files, then renames all. */
int host_outputs_commit(HostOutputs *outputs);
/* Frees the outputs. Without a commit it removes all files. */
void host_outputs_close(HostOutputs *outputs, bool committed);

#endif
