/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Help, made from commands.def and options.def. */
#include "driver/options.h"

#include "runtime/host/host_options.h"

#include <stdio.h>
#include <string.h>

const CommandExample command_example[] = {
#define EXAMPLE(command, line, what) {CMD_##command, line, what},
#include "driver/examples.def"
#undef EXAMPLE
};
const size_t n_command_examples = sizeof command_example / sizeof *command_example;

/* The length of "build, run: " at the start of a part of a help; 0 if it names no commands. *ours:
 * whether command is among them. */
static size_t part_commands(const char *part, size_t len, const char *command, bool *ours) {
  size_t at = 0;
  *ours = false;
  while (at < len) {
    size_t word = strcspn(part + at, ",: ");
    CommandId found = command_find(part + at, word);
    if (found == CMD_COUNT) return 0;
    *ours |= strcmp(command_info[found].name, command) == 0;
    at += word;
    if (part[at] == ':') return at + 2;
    if (part[at] != ',') return 0;
    at += 2;
  }
  return 0;
}

const char *option_help(Arena *arena, const OptionInfo *info, const char *command) {
  Text out = text_new(arena);
  bool keep = true; /* parts without commands belong to the part before them */
  for (const char *part = info->help, *end; *part; part = *end ? end + 2 : end) {
    end = strstr(part, "; ");
    if (!end) end = part + strlen(part);
    bool ours;
    size_t skip = part_commands(part, (size_t)(end - part), command, &ours);
    if (skip) keep = ours;
    if (!keep) continue;
    text_printf(&out, "%s%.*s", out.len ? "; " : "", (int)(end - part - (long)skip), part + skip);
  }
  return text_str(&out);
}

const char *help_data(CommandId command) {
  if (!strstr(command_info[command].arguments, "=DATA")) return NULL;
  return "NAME is an input of the model. DATA is a file (.npy .npz .csv .jsonl .wav, raw numbers) "
         "or "
         "the numbers themselves.";
}

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

static void add_group(Text *out, OptionGroup group, const char *command) {
  text_printf(out, "\n%s:\n", option_group_title[group]);
  for (int i = 0; i < OPTION_COUNT; i++) {
    if (option_info[i].group != group || !option_applies(&option_info[i], command)) continue;
    Text left = text_new(out->arena);
    add_spelling(&left, &option_info[i]);
    text_printf(out, "  %-30s %s%s\n", text_str(&left),
                left.len > 30 ? "\n                                 " : "",
                option_help(out->arena, &option_info[i], command));
  }
}

static void add_options(Text *out, const char *command) {
  for (OptionGroup group = 0; group < GROUP_COUNT; group++)
    if (option_group_applies(group, command)) add_group(out, group, command);
}

static void add_examples(Text *out, CommandId command) {
  text_add(out, "\nexamples:\n");
  for (size_t i = 0; i < n_command_examples; i++)
    if (command_example[i].command == command)
      text_printf(out, "  %s\n      %s\n", command_example[i].line, command_example[i].what);
}

void help_general(Text *out) {
  text_add(out, "grus: an ahead-of-time compiler for recurrent neural networks\n\n"
                "usage: grus COMMAND [OPTION...] [FILE...]\n\ncommands:\n");
  for (int i = 0; i < CMD_COUNT; i++)
    text_printf(out, "  %-12s %-20s %s\n", command_info[i].name, command_info[i].arguments,
                command_info[i].summary);
  text_add(
      out,
      "\nTo begin: `grus import MODEL -o model.grus` reads a file of Keras, ONNX, TensorFlow or "
      "PyTorch;\n          `grus build model.grus -o model.h` makes a C header of it. "
      "docs/language.md says how "
      "to write a model.\n"
      "`grus COMMAND --help` lists the options of a command.\n"
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
  if (help_data(command)) text_printf(out, "%s\n", help_data(command));
  add_examples(out, command);
  add_options(out, info->name);
  if (command == CMD_run)
    text_printf(out,
                "\noptions for data files, as a program of `grus build --emit=exe` has them:\n%s",
                host_help_data());
}
