/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The command line of a program made from a model. */
#ifndef GRUS_HOST_OPTIONS_H
#define GRUS_HOST_OPTIONS_H

#include "host_source.h"

typedef enum HostWhen { HOST_AUTO, HOST_ALWAYS, HOST_NEVER } HostWhen;

typedef struct HostOptions {
  const char **values;  /* for each port: a path, "-" or numbers; NULL if not given */
  const char **lengths; /* the same for each length */
  const char *folder;   /* --out, NULL if not given */
  HostStyle in_style, out_style;
  int wav_bits;                     /* 16, 24, 32; 0 float; -1: as the input */
  const char *id_name, *skip_names; /* of columns of .csv inputs */
  double rate;                      /* 0: from the model or the input */
  bool no_names, allow_nan, quiet, help, version;
  bool finite_only; /* set by the caller, not an option: NaN and infinities are errors */
  bool print;       /* no output has a place, so all are printed as text */
  HostWhen colour, progress;
} HostOptions;

/* Reads the command line. options->values and lengths are arrays of NULL for all ports and lengths.
 * Reports a missing input, unless --help or --version is given. Returns GRUS_EXIT_OK or the status
 * of the printed error. */
int host_options_parse(const GrusProgram *program, const HostLog *log, int argc, char **argv,
                       HostOptions *options);

/* How many words of the command line an option takes, with its value; 0 if there is no such option.
 */
int host_option_words(const char *text);

/* Whether an argument is numbers, such as "2" or "0.1,-3e4", and not the name of a file. */
bool host_is_numbers(const char *text);

/* The format of an input: by the ending of its path; of standard input and of other names,
 * --in-format. */
HostStyle host_options_in_style(const HostOptions *options, const char *path);

/* Sets up a source that reads numbers for a port in the formats of the command line; the caller
 * opens it. */
void host_options_source(const HostOptions *options, const GrusProgram *program, const HostLog *log,
                         const GrusPort *port, HostSource *source);

/* Prints the interface of the model and the options. */
void host_help(const GrusProgram *program, const char *name, FILE *file);

/* The lines of that help about options for data files, which `grus run` takes too. */
const char *host_help_data(void);

#endif
