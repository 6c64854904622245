/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Help, manual page and shell completions, made from commands.def and options.def. */
#include "driver/options.h"
#include "driver/version.h"

#include <stdio.h>
#include <string.h>

/* "-D, --define NAME=VALUE" */
static void add_spelling(Text *out, const OptionInfo *info) {
  for (const char *s = info->spelling; *s; s++) {
    if (*s == ' ') text_add(out, ", ");
    else text_add_char(out, *s);
  }
  if (*info->argument) text_printf(out, "%s%s", *info->argument == '[' ? "" : " ", info->argument);
}

static void add_options(Text *out, const char *command) {
  text_add(out, "\noptions:\n");
  for (int i = 0; i < OPTION_COUNT; i++) {
    if (!option_applies(&option_info[i], command)) continue;
    Text left = text_new(out->arena);
    add_spelling(&left, &option_info[i]);
    text_printf(out, "  %-30s %s%s\n", text_str(&left), left.len > 30 ? "\n                                 " : "",
                option_info[i].help);
  }
}

void help_general(Text *out) {
  text_add(out, "grus: an ahead-of-time compiler for recurrent neural networks\n\n"
                "usage: grus COMMAND [OPTION...] [FILE...]\n\ncommands:\n");
  for (int i = 0; i < CMD_COUNT; i++)
    text_printf(out, "  %-12s %-20s %s\n", command_info[i].name, command_info[i].arguments, command_info[i].summary);
  text_add(out, "\n`grus COMMAND --help` lists the options of a command.\n"
                "A FILE named `-` is standard input. Diagnostics go to standard error, results to standard output.\n"
                "exit codes: 0 done, 1 the model is wrong, 2 the command line is wrong,\n"
                "            3 a file or tool could not be used, 4 verify or a budget failed, 70 a bug in grus\n");
}

void help_command(Text *out, CommandId command) {
  const CommandInfo *info = &command_info[command];
  text_printf(out, "grus %s: %s\n\nusage: grus %s [OPTION...] %s\n", info->name, info->summary, info->name, info->arguments);
  add_options(out, info->name);
}

static void add_roff(Text *out, const char *s) {
  for (; *s; s++) {
    if (*s == '-') text_add(out, "\\-");
    else if (*s == '\\') text_add(out, "\\e");
    else text_add_char(out, *s);
  }
}

void help_man(Text *out) {
  text_printf(out, ".TH GRUS 1 \"\" \"grus %s\" \"User Commands\"\n", GRUS_VERSION);
  text_add(out, ".SH NAME\ngrus \\- an ahead\\-of\\-time compiler for recurrent neural networks\n"
                ".SH SYNOPSIS\n.B grus\n.I COMMAND\n[\\fIOPTION\\fR...] [\\fIFILE\\fR...]\n"
                ".SH DESCRIPTION\n"
                "grus reads a description of a stack of recurrent and other layers, checks every shape,\n"
                "binds trained weights and compiles the model to C, an object or a standalone program.\n"
                "A file named \\- is standard input. Diagnostics go to standard error.\n.SH COMMANDS\n");
  for (int i = 0; i < CMD_COUNT; i++) {
    text_printf(out, ".TP\n\\fB%s\\fR \\fI", command_info[i].name);
    add_roff(out, command_info[i].arguments);
    text_add(out, "\\fR\n");
    add_roff(out, command_info[i].summary);
    text_add_char(out, '\n');
  }
  text_add(out, ".SH OPTIONS\n");
  for (int i = 0; i < OPTION_COUNT; i++) {
    Text left = text_new(out->arena);
    add_spelling(&left, &option_info[i]);
    text_add(out, ".TP\n\\fB");
    add_roff(out, text_str(&left));
    text_add(out, "\\fR\n");
    add_roff(out, option_info[i].help);
    if (strcmp(option_info[i].commands, "*") != 0) text_printf(out, " (%s)", option_info[i].commands);
    text_add_char(out, '\n');
  }
  text_add(out, ".SH EXIT STATUS\n0 done; 1 the model is wrong, \\-\\-werror, or fmt \\-\\-check found differences;\n"
                "2 the command line is wrong; 3 a file or tool could not be used;\n"
                "4 verify or a budget failed; 70 a bug in grus.\n"
                ".SH ENVIRONMENT\n.TP\nNO_COLOR\nwhen set and not empty, output is not coloured.\n"
                ".TP\nCC\nthe C compiler that build uses for objects, libraries and programs.\n");
}

/* Long and short spellings of the options of a command, blank-separated. */
static void add_words(Text *out, const char *command) {
  for (int i = 0; i < OPTION_COUNT; i++)
    if (option_applies(&option_info[i], command)) text_printf(out, " %s", option_info[i].spelling);
}

static void completions_bash(Text *out) {
  text_add(out, "# bash completion for grus\n_grus() {\n  local cur=${COMP_WORDS[COMP_CWORD]} words\n"
                "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    words=\"");
  for (int i = 0; i < CMD_COUNT; i++)
    text_printf(out, "%s%s", i ? " " : "", command_info[i].name);
  text_add(out, "\"\n    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n    return\n  fi\n"
                "  case ${COMP_WORDS[1]} in\n");
  for (int i = 0; i < CMD_COUNT; i++) {
    text_printf(out, "  %s) words=\"", command_info[i].name);
    add_words(out, command_info[i].name);
    text_add(out, "\" ;;\n");
  }
  text_add(out, "  esac\n  case $cur in\n  -*) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
                "  *) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n  esac\n}\n"
                "complete -o filenames -F _grus grus\n");
}

static void add_shell_quoted(Text *out, const char *s) {
  text_add_char(out, '\'');
  for (; *s; s++) {
    if (*s == '\'') text_add(out, "'\\''");
    else text_add_char(out, *s);
  }
  text_add_char(out, '\'');
}

static void completions_fish(Text *out) {
  text_add(out, "# fish completion for grus\n");
  for (int i = 0; i < CMD_COUNT; i++) {
    text_printf(out, "complete -c grus -n __fish_use_subcommand -a %s -d ", command_info[i].name);
    add_shell_quoted(out, command_info[i].summary);
    text_add_char(out, '\n');
  }
  for (int i = 0; i < OPTION_COUNT; i++) {
    text_add(out, "complete -c grus");
    if (strcmp(option_info[i].commands, "*") != 0)
      text_printf(out, " -n '__fish_seen_subcommand_from %s'", option_info[i].commands);
    for (const char *s = option_info[i].spelling; *s;) {
      size_t n = strcspn(s, " ");
      if (s[1] == '-') text_printf(out, " -l %.*s", (int)n - 2, s + 2);
      else text_printf(out, " %s %.*s", n == 2 ? "-s" : "-o", (int)n - 1, s + 1);
      s += n + (s[n] == ' ');
    }
    if (*option_info[i].argument && *option_info[i].argument != '[') text_add(out, " -r");
    text_add(out, " -d ");
    add_shell_quoted(out, option_info[i].help);
    text_add_char(out, '\n');
  }
}

static void completions_zsh(Text *out) {
  text_add(out, "#compdef grus\n_grus() {\n  local -a commands\n  commands=(\n");
  for (int i = 0; i < CMD_COUNT; i++) {
    text_add(out, "    ");
    Text entry = text_new(out->arena);
    text_printf(&entry, "%s:%s", command_info[i].name, command_info[i].summary);
    add_shell_quoted(out, text_str(&entry));
    text_add_char(out, '\n');
  }
  text_add(out, "  )\n  if (( CURRENT == 2 )); then _describe command commands; return; fi\n  case $words[2] in\n");
  for (int i = 0; i < CMD_COUNT; i++) {
    text_printf(out, "  %s) compadd --", command_info[i].name);
    add_words(out, command_info[i].name);
    text_add(out, "; _files ;;\n");
  }
  text_add(out, "  esac\n}\n_grus \"$@\"\n");
}

bool help_completions(Text *out, const char *shell) {
  if (strcmp(shell, "bash") == 0) completions_bash(out);
  else if (strcmp(shell, "zsh") == 0) completions_zsh(out);
  else if (strcmp(shell, "fish") == 0) completions_fish(out);
  else return false;
  return true;
}
