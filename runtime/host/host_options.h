/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The command line of a program made from a model. */
#ifndef GRUS_HOST_OPTIONS_H
#define GRUS_HOST_OPTIONS_H

#include "host_source.h"

typedef enum HostWhen { HOST_AUTO, HOST_ALWAYS, HOST_NEVER } HostWhen;

typedef struct HostOptions {
  const char **values;  /* per port: a path, "-", numbers; NULL if not given */
  const char **lengths; /* per length: likewise */
  const char *folder;   /* --out, NULL if not given */
  HostStyle in_style, out_style;
  int wav_bits;                     /* 16, 24, 32; 0 float; -1: as the input */
  const char *id_name, *skip_names; /* of columns of .csv inputs */
  double rate;                      /* 0: from the model or the input */
  bool no_names, allow_nan, quiet, help, version;
  bool finite_only; /* not an option: the caller sets it */
  bool print;       /* no output was given a place: show them all as text */
  HostWhen colour, progress;
} HostOptions;

/* options->values and lengths are arrays of NULL, one per port and length. Returns GRUS_EXIT_OK or
 * the status of the printed error. Checks that every input is there unless help or version is
 * asked. */
int host_options_parse(const GrusProgram *program, const HostLog *log, int argc, char **argv,
                       HostOptions *options);

/* How many words of a command line an option takes, its value included: 0 if there is none of that
 * name. */
int host_option_words(const char *text);

/* Are these numbers rather than the name of a file? "2", "0.1,-3e4". */
bool host_is_numbers(const char *text);

/* The style in which to read `path`: by its name, --in-format for standard input and unknown
 * names. */
HostStyle host_options_in_style(const HostOptions *options, const char *path);

/* A source of numbers for a port that is not open yet, which reads as the command line says. */
void host_options_source(const HostOptions *options, const GrusProgram *program, const HostLog *log,
                         const GrusPort *port, HostSource *source);

/* The interface of the model, on standard output. */
void host_help(const GrusProgram *program, const char *name, FILE *file);

#endif
