/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Help, made from commands.def and options.def. */
#include "driver/options.h"

#include <stdio.h>
#include <string.h>

/* "-D, --define NAME=VALUE" */
static void add_spelling(Text *out, const OptionInfo *info) {
  for (const char *s = info->spelling; *s; s++) {
    if (*s == ' ')
      text_add(out, ", ");
    else
      text_add_char(out, *s);
  }
  if (*info->argument) text_printf(out, "%s%s", *info->argument == '[' ? "" : " ", info->argument);
}

static void add_options(Text *out, const char *command) {
  text_add(out, "\noptions:\n");
  for (int i = 0; i < OPTION_COUNT; i++) {
    if (!option_applies(&option_info[i], command)) continue;
    Text left = text_new(out->arena);
    add_spelling(&left, &option_info[i]);
    text_printf(out, "  %-30s %s%s\n", text_str(&left),
                left.len > 30 ? "\n                                 " : "", option_info[i].help);
  }
}

void help_general(Text *out) {
  text_add(out, "grus: an ahead-of-time compiler for recurrent neural networks\n\n"
                "usage: grus COMMAND [OPTION...] [FILE...]\n\ncommands:\n");
  for (int i = 0; i < CMD_COUNT; i++)
    text_printf(out, "  %-12s %-20s %s\n", command_info[i].name, command_info[i].arguments,
                command_info[i].summary);
  text_add(out, "\n`grus COMMAND --help` lists the options of a command.\n"
                "A FILE named `-` is standard input. Diagnostics go to standard error, results to "
                "standard output.\n"
                "exit codes: 0 success, 1 the model has errors, 2 the command line is wrong,\n"
                "            3 a file or a tool could not be used, 4 verify found a difference or "
                "the model\n"
                "            exceeds a budget, 70 an internal error of grus\n");
}

void help_command(Text *out, CommandId command) {
  const CommandInfo *info = &command_info[command];
  text_printf(out, "grus %s: %s\n\nusage: grus %s [OPTION...]%s%s\n", info->name, info->summary,
              info->name, *info->arguments ? " " : "", info->arguments);
  add_options(out, info->name);
}
