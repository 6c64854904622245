/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One run of the compiler: the arena, the files read, the diagnostics, and how they are printed. */
#ifndef GRUS_DRIVER_SESSION_H
#define GRUS_DRIVER_SESSION_H

#include "driver/files.h"
#include "driver/options.h"

/* What is compiled for. */
typedef struct ChosenMachine {
  const struct Target *schedule;
  const char *name;           /* as the command line has it: "rp2040" */
  const char *llvm;           /* the target as the LLVM backend knows it; NULL: it does not */
  const char *cpu, *features; /* of LLVM, where the name implies them; else NULL */
  const char *flags, *needs;  /* of the C compiler: CMachine of backend/c.h */
  int64_t flash, ram;         /* bytes of a chip; 0: not known */
  bool has_small_stacks;      /* as tasks of microcontrollers have */
} ChosenMachine;

typedef struct Session {
  Arena *arena;
  Options *options;
  Sources sources;
  Diags *diags;
  bool file_trouble;             /* a file could not be read or written: EXIT_FILE */
  bool usage_trouble;            /* the command line asked for something that is not: EXIT_USAGE */
  const char *const *used_files; /* by `use`, of the model being built */
  int n_used_files;
  ChosenMachine machine;            /* set by machine_choose */
  bool calibrates;                  /* the model is not quantised yet */
  bool invents;                     /* no weights file was there: the weights are random */
  const char *ranges_path;          /* the file of ranges that was read; NULL: none */
  const struct Ranges *ranges;      /* what was in it */
  const struct Ranges *file_ranges; /* of a model of another framework, by its scales; NULL: none */
  const char *weights_path;         /* the weights file that was opened; NULL: none */
} Session;

/* Whether output to this file descriptor is coloured: --color, NO_COLOR, and whether it is a
 * terminal. */
bool session_colour(const Options *o, int fd);
/* Prints results to standard output. */
void session_out(const char *s, size_t len);
/* Prints "grus: error: ..." to standard error, for an error that is not in a model. */
void session_error(Session *s, const char *format, ...) GRUS_PRINTF(2, 3);
/* A line on standard error unless -q. */
void session_say(Session *s, const char *format, ...) GRUS_PRINTF(2, 3);
/* Like session_error, and remembers EXIT_FILE. */
void session_file_error(Session *s, const char *path, const char *what, const char *reason);

/* Reads a source file; NULL (after reporting) if it cannot be read. */
const Source *session_read(Session *s, const char *path);
/* Diagnostics so far, rendered to standard error as the options ask, then a summary line. */
void session_print_diags(Session *s);
/* Fresh diagnostics with the lint settings of the command line. */
void session_reset_diags(Session *s);
/* EXIT_FILE, EXIT_MODEL or EXIT_DONE, from what was reported. */
ExitCode session_exit_code(const Session *s);
/* The same for a command that could not go on: never EXIT_DONE. */
ExitCode session_failure_code(const Session *s);

/* Text to typed models: parse, resolve, infer, lint. Errors are in the diagnostics. */
Program *session_check_source(Session *s, const Source *source);
/* The same for a file, which may be a model of another framework (then its layers have their
 * weights); NULL if it could not be read. */
Program *session_load(Session *s, const char *path, const Source **source);

#define COMMAND(name, arguments, summary) ExitCode command_##name(Session *s);
#include "driver/commands.def"
#undef COMMAND

/* The page of a code, lint or stage ("E301", "dense_per_step", "GRU"); NULL if there is none. */
const char *explain_page(Arena *arena, const char *name);

/* All of grus but exit(): runs a command line and returns its exit code. */
int grus_command(int argc, char **argv);

/* The file that this command reads and that path names too: the model, its weights, what it uses,
 * --config; NULL if path is free to be written. */
const char *session_input_at(const Session *s, const char *model, const char *path);
/* False after a message if path is such a file. */
bool session_spares_inputs(Session *s, const char *model, const char *path);

#endif
