/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Completions for bash, zsh and fish: commands, the options of each, and what can stand after them
 * (values.def). Written from the tables when they are asked for. */
#include "driver/values.h"

#include <string.h>

static bool takes_value(const OptionInfo *info) {
  return *info->argument != 0;
}
static bool attached(const OptionInfo *info) {
  return *info->argument == '[';
}

/* ---- bash ---- */

static void bash_files(Text *out, const char *endings) {
  if (strcmp(endings, "/") == 0)
    text_add(out, "_grus_files -d");
  else
    text_printf(out, "_grus_files '%s'", strcmp(endings, "*") == 0 ? "" : endings);
}

static void bash_values(Text *out, Values v) {
  if (v.words)
    text_printf(out, "COMPREPLY=($(compgen -W '%s' -- \"$cur\"))", v.words);
  else if (v.endings)
    bash_files(out, v.endings);
  else
    text_add(out, ":");
}

static void bash_options(Text *out) {
  text_add(out, "  case $prev in\n");
  for (int i = 0; i < OPTION_COUNT; i++) {
    const OptionInfo *info = &option_info[i];
    if (!takes_value(info)) continue;
    const char *rest = info->spelling;
    TextWord word;
    if (attached(info)) text_add(out, "  # only with `=`\n");
    text_add(out, "  ");
    for (int k = 0; words_next(&rest, &word); k++)
      text_printf(out, "%s%.*s%s", k ? " | " : "", (int)word.len, word.s,
                  attached(info) ? "=" : "");
    text_add(out, ") ");
    bash_values(out, option_values(out->arena, (OptionId)i));
    text_add(out, "; return ;;\n");
  }
  text_add(out, "  esac\n");
}

static void bash_commands(Text *out) {
  text_add(out, "  case ${COMP_WORDS[1]} in\n");
  for (int c = 0; c < CMD_COUNT; c++) {
    text_printf(out, "  %s) words='", command_info[c].name);
    for (int i = 0, n = 0; i < OPTION_COUNT; i++)
      if (option_applies(&option_info[i], command_info[c].name))
        text_printf(out, "%s%s", n++ ? " " : "", option_info[i].spelling);
    text_add(out, "'\n    case $cur in -*) ;; *) ");
    bash_values(out, command_values(out->arena, (CommandId)c));
    text_add(out, "; return ;; esac ;;\n");
  }
  text_add(out, "  esac\n");
}

static void completions_bash(Text *out) {
  text_add(out, "# bash completion for grus\n\n"
                "# Files with one of the endings of $1 (any where it is empty), and folders; -d: "
                "folders alone.\n"
                "_grus_files() {\n"
                "  local IFS=$'\\n' ending\n"
                "  COMPREPLY=($(compgen -d -- \"$cur\"))\n"
                "  [ \"$1\" = -d ] && return\n"
                "  [ -n \"$1\" ] || COMPREPLY=($(compgen -f -- \"$cur\"))\n"
                "  for ending in ${1// /$'\\n'}; do\n"
                "    COMPREPLY+=($(compgen -f -X \"!*.$ending\" -- \"$cur\"))\n"
                "  done\n}\n\n"
                "_grus() {\n"
                "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words\n"
                "  COMPREPLY=()\n"
                "  # bash cuts `--emit=c` into three words\n"
                "  if [ \"$cur\" = '=' ]; then\n    cur=\n  elif [ \"$prev\" = '=' ]; then\n    "
                "prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
                "    case $prev in --fix | --werror) prev=$prev= ;; esac\n  fi\n"
                "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    COMPREPLY=($(compgen -W '");
  for (int i = 0; i < CMD_COUNT; i++)
    text_printf(out, "%s%s", i ? " " : "", command_info[i].name);
  text_add(out, " --help --version' -- \"$cur\"))\n    return\n  fi\n");
  bash_options(out);
  bash_commands(out);
  text_add(out, "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -o filenames -o "
                "bashdefault -F _grus grus\n");
}

/* ---- fish ---- */

static void add_shell_quoted(Text *out, const char *s) {
  text_add_char(out, '\'');
  for (; *s; s++) {
    if (*s == '\'')
      text_add(out, "'\\''");
    else
      text_add_char(out, *s);
  }
  text_add_char(out, '\'');
}

static void add_fish_quoted(Text *out, const char *s) {
  text_add_char(out, '\'');
  for (; *s; s++) {
    if (*s == '\'' || *s == '\\') text_add_char(out, '\\');
    text_add_char(out, *s);
  }
  text_add_char(out, '\'');
}

static void fish_values(Text *out, Values v) {
  const char *rest = v.endings;
  TextWord word;
  if (v.words) {
    text_add(out, " -x -a ");
    add_fish_quoted(out, v.words);
  } else if (v.endings && strcmp(v.endings, "*") == 0)
    text_add(out, " -r -F");
  else if (v.endings && strcmp(v.endings, "/") == 0)
    text_add(out, " -x -a '(__fish_complete_directories)'");
  else if (v.endings) {
    text_add(out, " -k -x -a '(");
    for (int k = 0; words_next(&rest, &word); k++) {
      if (k) text_add(out, "; ");
      if (*word.s == '/')
        text_add(out, "__fish_complete_directories");
      else
        text_printf(out, "__fish_complete_suffix .%.*s", (int)word.len, word.s);
    }
    text_add(out, ")'");
  } else
    text_add(out, " -x");
}

static void fish_option(Text *out, int i) {
  const OptionInfo *info = &option_info[i];
  const char *rest = info->spelling;
  TextWord word;
  text_add(out, "complete -c grus");
  if (strcmp(info->commands, "*") != 0)
    text_printf(out, " -n '__fish_seen_subcommand_from %s'", info->commands);
  while (words_next(&rest, &word)) {
    if (word.s[1] == '-')
      text_printf(out, " -l %.*s", (int)word.len - 2, word.s + 2);
    else
      text_printf(out, " %s %.*s", word.len == 2 ? "-s" : "-o", (int)word.len - 1, word.s + 1);
  }
  if (takes_value(info) && !attached(info))
    fish_values(out, option_values(out->arena, (OptionId)i));
  text_add(out, " -d ");
  add_fish_quoted(out, info->help);
  text_add_char(out, '\n');
}

static void completions_fish(Text *out) {
  text_add(out, "# fish completion for grus\ncomplete -c grus -f\n");
  for (int i = 0; i < CMD_COUNT; i++) {
    text_printf(out, "complete -c grus -n __fish_use_subcommand -a %s -d ", command_info[i].name);
    add_fish_quoted(out, command_info[i].summary);
    text_add_char(out, '\n');
  }
  for (int i = 0; i < CMD_COUNT; i++) {
    Values v = command_values(out->arena, (CommandId)i);
    if (v.words && !*v.words) continue;
    text_printf(out, "complete -c grus -n '__fish_seen_subcommand_from %s'", command_info[i].name);
    fish_values(out, v);
    text_add_char(out, '\n');
  }
  for (int i = 0; i < OPTION_COUNT; i++)
    fish_option(out, i);
}

/* ---- zsh ---- */

/* Inside of [...] and :...: of a specification. */
static void add_zsh_text(Text *out, const char *s) {
  for (; *s; s++) {
    if (strchr("[]:\\", *s)) text_add_char(out, '\\');
    text_add_char(out, *s);
  }
}

static const char *zsh_glob(Arena *arena, const char *endings) {
  Text out = text_new(arena);
  const char *rest = endings;
  TextWord word;
  text_add(&out, "_files -g \"*.(");
  for (int k = 0; words_next(&rest, &word); k++)
    if (*word.s != '/') text_printf(&out, "%s%.*s", k ? "|" : "", (int)word.len, word.s);
  text_add(&out, ")(-.)\"");
  return text_str(&out);
}

static void zsh_values(Text *out, const char *what, Values v) {
  text_add_char(out, ':');
  add_zsh_text(out, what);
  text_add_char(out, ':');
  if (v.words)
    text_printf(out, "(%s)", v.words);
  else if (v.endings && strcmp(v.endings, "/") == 0)
    text_add(out, "_files -/");
  else if (v.endings && strcmp(v.endings, "*") == 0)
    text_add(out, "_files");
  else if (v.endings)
    text_add(out, zsh_glob(out->arena, v.endings));
}

static void zsh_option(Text *out, int i) {
  const OptionInfo *info = &option_info[i];
  const char *rest = info->spelling;
  TextWord word;
  while (words_next(&rest, &word)) {
    Text spec = text_new(out->arena);
    bool is_long = word.len > 2 && word.s[1] == '-';
    text_printf(&spec, "*%.*s%s[", (int)word.len, word.s,
                !takes_value(info) ? ""
                : attached(info)   ? "=-"
                : is_long          ? "="
                : word.len == 2    ? "+"
                                   : "");
    add_zsh_text(&spec, info->help);
    text_add_char(&spec, ']');
    if (takes_value(info)) {
      if (attached(info)) text_add_char(&spec, ':');
      zsh_values(&spec, info->argument, option_values(out->arena, (OptionId)i));
    }
    text_add(out, "      ");
    add_shell_quoted(out, text_str(&spec));
    text_add(out, " \\\n");
  }
}

static void zsh_command(Text *out, int c) {
  text_printf(out, "  %s)\n    _arguments -s -S \\\n", command_info[c].name);
  for (int i = 0; i < OPTION_COUNT; i++)
    if (option_applies(&option_info[i], command_info[c].name)) zsh_option(out, i);
  Values v = command_values(out->arena, (CommandId)c);
  Text spec = text_new(out->arena);
  text_add_char(&spec, '*');
  zsh_values(&spec, command_info[c].arguments, v);
  text_add(out, "      ");
  add_shell_quoted(out, v.words && !*v.words ? "*::: :" : text_str(&spec));
  text_add(out, "\n    ;;\n");
}

static void completions_zsh(Text *out) {
  text_add(out, "#compdef grus\n_grus() {\n  local -a commands\n  commands=(\n");
  for (int i = 0; i < CMD_COUNT; i++) {
    text_add(out, "    ");
    add_shell_quoted(
        out, arena_printf(out->arena, "%s:%s", command_info[i].name, command_info[i].summary));
    text_add_char(out, '\n');
  }
  text_add(out,
           "  )\n  if (( CURRENT == 2 )); then _describe command commands; return; fi\n"
           "  local command=$words[2]\n  shift words\n  (( CURRENT-- ))\n  case $command in\n");
  for (int i = 0; i < CMD_COUNT; i++)
    zsh_command(out, i);
  text_add(out, "  esac\n}\n_grus \"$@\"\n");
}

bool help_completions(Text *out, const char *shell) {
  if (strcmp(shell, "bash") == 0)
    completions_bash(out);
  else if (strcmp(shell, "zsh") == 0)
    completions_zsh(out);
  else if (strcmp(shell, "fish") == 0)
    completions_fish(out);
  else
    return false;
  return true;
}
