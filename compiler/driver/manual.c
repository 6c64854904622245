/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Manual pages, made from the tables: grus(1), and a page for each command, grus-build(1). */
#include "driver/values.h"
#include "driver/version.h"
#include "lower/target.h"

#include <string.h>

/* Text of a line; a line that would begin with a control character begins with nothing before
 * it. */
static void add_roff(Text *out, const char *s) {
  if (*s == '.' || *s == '\'') text_add(out, "\\&");
  for (; *s; s++) {
    if (*s == '-')
      text_add(out, "\\-");
    else if (*s == '\\')
      text_add(out, "\\e");
    else if (*s == '~')
      text_add(out, "\\(ti");
    else if (*s == '^')
      text_add(out, "\\(ha");
    else if (*s == '`')
      text_add(out, "\\(ga");
    else
      text_add_char(out, *s);
  }
}

static void add_title(Text *out, const char *name, const char *what) {
  text_printf(out, ".TH %s 1 \"\" \"grus %s\" \"User Commands\"\n.SH NAME\n", name, GRUS_VERSION);
  for (const char *s = name; *s; s++) {
    if (*s == '-')
      text_add(out, "\\-");
    else
      text_add_char(out, *s >= 'A' && *s <= 'Z' ? (char)(*s - 'A' + 'a') : *s);
  }
  text_add(out, " \\- ");
  add_roff(out, what);
  text_add(out, "\n.SH SYNOPSIS\n");
}

/* An option on the page of a command, or of all commands if that is NULL. */
static void add_option(Text *out, int i, const char *command) {
  const OptionInfo *info = &option_info[i];
  text_add(out, ".TP\n\\fB");
  for (const char *s = info->spelling; *s; s++) {
    if (*s == ' ')
      text_add(out, "\\fR, \\fB");
    else if (*s == '-')
      text_add(out, "\\-");
    else
      text_add_char(out, *s);
  }
  text_add(out, "\\fR");
  if (*info->argument) {
    text_add(out, *info->argument == '[' ? "\\fI" : " \\fI");
    add_roff(out, info->argument);
    text_add(out, "\\fR");
  }
  text_add_char(out, '\n');
  add_roff(out, command ? option_help(out->arena, info, command) : info->help);
  if (!command && strcmp(info->commands, "*") != 0) text_printf(out, " (%s)", info->commands);
  text_add_char(out, '\n');
}

/* The options of a command, or of all commands if that is NULL, under the titles of their groups.
 */
static void add_options(Text *out, const char *command) {
  text_add(out, ".SH OPTIONS\n");
  for (OptionGroup group = 0; group < GROUP_COUNT; group++) {
    if (!option_group_applies(group, command)) continue;
    text_add(out, ".SS ");
    add_roff(out, option_group_title[group]);
    text_add_char(out, '\n');
    for (int i = 0; i < OPTION_COUNT; i++)
      if (option_info[i].group == group && (!command || option_applies(&option_info[i], command)))
        add_option(out, i, command);
  }
}

static void add_examples(Text *out, CommandId command) {
  text_add(out, ".SH EXAMPLES\n");
  for (size_t i = 0; i < n_command_examples; i++) {
    const CommandExample *example = &command_example[i];
    if (command != CMD_COUNT && example->command != command) continue;
    text_add(out, ".TP\n\\fB");
    add_roff(out, example->line);
    text_add(out, "\\fR\n");
    add_roff(out, example->what);
    text_add_char(out, '\n');
  }
}

static void add_exit_status(Text *out) {
  text_add(out, ".SH EXIT STATUS\n.TP\n0\nthe command succeeded\n.TP\n1\nthe model has errors, or "
                "warnings with \\fB\\-\\-werror\\fR, "
                "or \\fBfmt \\-\\-check\\fR found differences\n"
                ".TP\n2\nthe command line is wrong\n.TP\n3\na file or a tool could not be used\n"
                ".TP\n4\nverify found a difference, or the model exceeds a budget\n.TP\n70\nan "
                "internal error of grus\n");
}

static void add_see_also(Text *out, CommandId command) {
  text_add(out, ".SH SEE ALSO\n");
  if (command != CMD_COUNT) text_add(out, "\\fBgrus\\fR(1)");
  for (int i = 0, n = command != CMD_COUNT; i < CMD_COUNT; i++)
    if (i != (int)command)
      text_printf(out, "%s\\fBgrus\\-%s\\fR(1)", n++ ? ", " : "", command_info[i].name);
  text_add_char(out, '\n');
}

void help_man(Text *out) {
  add_title(out, "GRUS", "an ahead-of-time compiler for recurrent neural networks");
  text_add(
      out,
      ".B grus\n.I COMMAND\n[\\fIOPTION\\fR...] [\\fIFILE\\fR...]\n"
      ".SH DESCRIPTION\n"
      "grus compiles recurrent neural networks to C, an object, a library or a program. You write\n"
      "a model in a small language, or import it from another framework. grus checks every shape\n"
      "of the model and compiles its trained weights with it.\n"
      "A file named \\- is standard input. Diagnostics go to standard error.\n.SH COMMANDS\n");
  for (int i = 0; i < CMD_COUNT; i++) {
    text_printf(out, ".TP\n\\fB%s\\fR", command_info[i].name);
    if (*command_info[i].arguments) {
      text_add(out, " \\fI");
      add_roff(out, command_info[i].arguments);
      text_add(out, "\\fR");
    }
    text_add_char(out, '\n');
    add_roff(out, command_info[i].summary);
    text_add_char(out, '\n');
  }
  add_options(out, NULL);
  text_add(out, ".SH TARGETS\nNames for \\fB\\-\\-target\\fR, which also takes an LLVM "
                "triple.\n.TP\nnative\nthis machine\n");
  for (int i = 0; target_table[i]; i++) {
    text_add(out, ".TP\n");
    add_roff(out, target_table[i]->name);
    text_add_char(out, '\n');
    add_roff(out, target_table[i]->doc);
    text_add_char(out, '\n');
  }
  text_add(out, ".SH STAGES\nThe stages of the language with their shape rules. \\fBgrus "
                "explain\\fR \\fINAME\\fR prints the page of one.\n");
  for (int i = 0; i < LAYER_KIND_COUNT; i++) {
    const LayerInfo *info = layer_info((LayerKind)i);
    if (info->flags & OPERATOR) continue;
    text_printf(out, ".TP\n\\fB%s\\fR\n", info->name);
    add_roff(out, info->rule);
    text_add_char(out, '\n');
  }
  add_examples(out, CMD_COUNT);
  add_exit_status(out);
  text_add(out, ".SH ENVIRONMENT\n.TP\nNO_COLOR\nwhen set and not empty, output is not coloured.\n"
                ".TP\nCC\nthe C compiler that build uses for objects, libraries and programs.\n"
                ".SH FILES\n.TP\n.I *.grus\nmodels; the language is described in language.md of "
                "the documentation.\n"
                ".TP\n.I *.safetensors, *.npz, *.npy\nweights and data.\n");
  add_see_also(out, CMD_COUNT);
}

void help_man_command(Text *out, CommandId command) {
  const CommandInfo *info = &command_info[command];
  add_title(out, arena_printf(out->arena, "GRUS-%s", text_upper(out->arena, info->name)),
            info->summary);
  text_printf(out, ".B grus %s\n[\\fIOPTION\\fR...]", info->name);
  if (*info->arguments) {
    text_add(out, " \\fI");
    add_roff(out, info->arguments);
    text_add(out, "\\fR");
  }
  if (help_data(command)) {
    text_add(out, "\n.SH DESCRIPTION\n");
    add_roff(out, help_data(command));
  }
  text_add_char(out, '\n');
  add_options(out, info->name);
  add_examples(out, command);
  add_exit_status(out);
  add_see_also(out, command);
}
