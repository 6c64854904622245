/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The command line: one table of commands, one of options, one parser. */
#ifndef GRUS_DRIVER_OPTIONS_H
#define GRUS_DRIVER_OPTIONS_H

#include "base/render.h"
#include "driver/emit_kinds.h"
#include "front/front.h"

typedef enum CommandId {
#define COMMAND(name, arguments, summary) CMD_##name,
#include "driver/commands.def"
#undef COMMAND
  CMD_COUNT
} CommandId;

typedef enum OptionId {
#define OPTION(group, id, spelling, argument, commands, help) OPTION_##id,
#include "driver/options.def"
  OPTION_COUNT
} OptionId;

typedef enum OptionGroup {
#define GROUP(group, title) GROUP_##group,
#include "driver/options.def"
  GROUP_COUNT
} OptionGroup;

typedef struct CommandInfo {
  const char *name, *arguments, *summary;
} CommandInfo;

typedef struct OptionInfo {
  OptionGroup group;
  const char *spelling, *argument, *commands, *help;
} OptionInfo;

extern const CommandInfo command_info[CMD_COUNT];
/* The command of a name of len bytes; CMD_COUNT: there is none. */
CommandId command_find(const char *name, size_t len);
extern const OptionInfo option_info[OPTION_COUNT];
extern const char *const option_group_title[GROUP_COUNT];

/* Exit codes. */
typedef enum ExitCode {
  EXIT_DONE = 0,   /* done */
  EXIT_MODEL = 1,  /* the model is wrong, or --werror, or fmt --check found differences */
  EXIT_USAGE = 2,  /* the command line is wrong */
  EXIT_FILE = 3,   /* a file or tool could not be used */
  EXIT_FAILED = 4, /* verify failed, or a budget was exceeded */
  EXIT_BUG = 70    /* an internal error of grus */
} ExitCode;

typedef enum FixMode { FIXES_SHOW, FIXES_APPLY, FIXES_ASK } FixMode;
typedef enum ColorMode { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER } ColorMode;

typedef struct Options {
  CommandId command; /* CMD_COUNT: none */
  const char **args; /* the words that are not options: files, codes */
  size_t n_args, cap_args;
  Define *define;
  size_t n_defines, cap_defines;
  const char **include;
  size_t n_includes, cap_includes;
  const char **warn; /* "dense_per_step", "no-late_first", "all", "notes" */
  size_t n_warns, cap_warns;
  bool werror_all;
  const char **werror;
  size_t n_werrors, cap_werrors;
  RenderFormat format;
  ColorMode color;
  long max_errors;
  FixMode fix;
  const char *model, *out, *emit, *weights, *target, *optimise, *prefix, *against, *dump_after;
  const char *precision, *ranges;
  const char *root; /* nothing outside is read; NULL: no limit */
  const char *dep_file, *dep_target, *backend, *cpu, *features, *cc, *run_with;
  long batch, chunk, steps, queue, timeout;
  int scratch;   /* CScratch */
  int c_weights; /* CWeights */
  bool scratch_given;
  bool math_fast;
  bool flat_arrays, iso;                 /* --c-arrays=flat, --vectors=iso */
  int64_t max_ram, max_flash, max_stack; /* bytes; 0: no limit */
  long max_cycles;                       /* 0: no limit */
  double size;                           /* --size; has_size: it is given */
  bool has_size;
  double atol, rtol, snr; /* rtol below 0: the default for the model; snr 0: not set */
  bool argmax, write;     /* --metric argmax, --write */
  double argmax_share;    /* the share of answers that may differ */
  double prune;           /* the share of blocks; 0: not set */
  const char *config, *time, *input, *signature; /* of foreign models */
  const char **state;
  size_t n_states, cap_states;
  bool debug, dep, dep_phony, json, dot, svg, html;
  const char **set;
  size_t n_sets, cap_sets;
  bool stream, list, template, dispatch, no_check, flush, selftest, trace, zip, allow_nan,
      keep_zeros;
  const char *selftest_code; /* verify --selftest=CODE */
  bool check, quiet, verbose, help, version;
} Options;

/* Parses argv[1..]. On a mistake returns false with a message in *problem (arena). */
bool options_parse(Arena *arena, int argc, char **argv, Options *out, const char **problem);
/* "check" is one of the command names in a blank-separated list, or the list is "*". */
bool option_applies(const OptionInfo *info, const char *command);
/* Whether a command has an option of a group; a command of NULL stands for all commands. */
bool option_group_applies(OptionGroup group, const char *command);

/* The help of an option in the words for one command: of "build: A; run: B" it is A for build, and
 * B for run. What names no command is for all. */
const char *option_help(Arena *arena, const OptionInfo *info, const char *command);

typedef struct CommandExample {
  CommandId command;
  const char *line, *what;
} CommandExample;
extern const CommandExample command_example[];
extern const size_t n_command_examples;

/* Help, manual page and completions, all made from the tables. */
void help_general(Text *out);
void help_command(Text *out, CommandId command);
/* What NAME=DATA stands for in the arguments of a command; NULL if it has none. */
const char *help_data(CommandId command);
void help_man(Text *out);
void help_man_command(Text *out, CommandId command);
bool help_completions(Text *out, const char *shell);

#endif
