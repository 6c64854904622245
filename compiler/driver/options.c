/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Parsing the command line against options.def. An option may stand before or after the files;
 * `--` ends the options; `-` is standard input. */
#include "driver/option_set.h"

#include "runtime/host/host_options.h"

#include <string.h>

const CommandInfo command_info[CMD_COUNT] = {
#define COMMAND(name, arguments, summary) {#name, arguments, summary},
#include "driver/commands.def"
#undef COMMAND
};

const OptionInfo option_info[OPTION_COUNT] = {
#define OPTION(group, id, spelling, argument, commands, help)                                      \
  {GROUP_##group, spelling, argument, commands, help},
#include "driver/options.def"
};

const char *const option_group_title[GROUP_COUNT] = {
#define GROUP(group, title) title,
#include "driver/options.def"
};

bool option_applies(const OptionInfo *info, const char *command) {
  return strcmp(info->commands, "*") == 0 || words_index(info->commands, command) >= 0;
}

bool option_group_applies(OptionGroup group, const char *command) {
  for (int i = 0; i < OPTION_COUNT; i++)
    if (option_info[i].group == group && (!command || option_applies(&option_info[i], command)))
      return true;
  return false;
}

static bool takes_argument(const OptionInfo *info) {
  return *info->argument && strncmp(info->argument, "[=", 2) != 0;
}

/* The option that arg spells: exactly, as --long=value, or as -Xvalue. *value gets what is
 * attached. */
static OptionId option_find(const char *arg, const char **value) {
  size_t name = strcspn(arg, "=");
  *value = NULL;
  for (int i = 0; i < OPTION_COUNT; i++)
    if (words_index(option_info[i].spelling, arg) >= 0) return (OptionId)i;
  for (int i = 0; i < OPTION_COUNT; i++)
    if (arg[name] == '=' && words_find(option_info[i].spelling, arg, name) >= 0) {
      *value = arg + name + 1;
      return (OptionId)i;
    }
  for (int i = 0; i < OPTION_COUNT; i++)
    if (takes_argument(&option_info[i]) && arg[1] != '-' &&
        words_find(option_info[i].spelling, arg, 2) >= 0) {
      *value = arg + 2;
      return (OptionId)i;
    }
  return OPTION_COUNT;
}

CommandId command_find(const char *name, size_t len) {
  int i = 0;
  while (i < CMD_COUNT &&
         (strlen(command_info[i].name) != len || memcmp(command_info[i].name, name, len) != 0))
    i++;
  return (CommandId)i;
}

static const char *nearest_command(const char *name) {
  const char *best = NULL;
  size_t least = 3;
  for (int i = 0; i < CMD_COUNT; i++) {
    size_t d = text_distance(name, command_info[i].name, 2);
    if (d < least) {
      least = d;
      best = command_info[i].name;
    }
  }
  return best;
}

static const char *nearest_option(const char *arg, const char *command, Arena *arena) {
  const char *best = NULL;
  size_t least = strcspn(arg, "=") / 3 + 1;
  arg = arena_strndup(arena, arg, strcspn(arg, "="));
  for (int i = 0; i < OPTION_COUNT; i++) {
    if (!option_applies(&option_info[i], command)) continue;
    const char *s = strstr(option_info[i].spelling, "--");
    if (!s) continue;
    size_t d = text_distance(arg, s, least);
    if (d < least) {
      least = d;
      best = arena_strdup(arena, s);
    }
  }
  return best;
}

/* Word number i of argv is an option; advances *i when its value is the next word. */
static bool parse_option(Arena *arena, int argc, char **argv, int *i, Options *o,
                         const char **problem) {
  const char *arg = argv[*i], *value;
  OptionId id = option_find(arg, &value);
  const char *command = o->command < CMD_COUNT ? command_info[o->command].name : "";
  bool is_ours =
      id != OPTION_COUNT && (o->command == CMD_COUNT || option_applies(&option_info[id], command));
  int words = !is_ours && o->command == CMD_run && o->n_args ? host_option_words(arg) : 0;
  if (*i + words > argc) words = 1; /* the program says what is missing */
  if (words) {                      /* an option of the program that the model becomes */
    for (int k = 0; k < words; k++)
      ARENA_PUSH(arena, o->args, o->n_args, o->cap_args, argv[*i + k]);
    *i += words - 1;
    return true;
  }
  if (id == OPTION_COUNT) {
    const char *near = nearest_option(arg, command, arena);
    *problem = near ? arena_printf(arena, "no option `%s`; did you mean `%s`?", arg, near)
                    : arena_printf(arena, "no option `%s`", arg);
    return false;
  }
  const OptionInfo *info = &option_info[id];
  if (o->command < CMD_COUNT && !option_applies(info, command)) {
    *problem = arena_printf(arena, "`grus %s` has no option `%s`", command, arg);
    return false;
  }
  if (value && !*info->argument) {
    *problem = arena_printf(arena, "`%.*s` takes no value", (int)strcspn(arg, "="), arg);
    return false;
  }
  if (!value && takes_argument(info)) {
    if (*i + 1 >= argc) {
      *problem = arena_printf(arena, "`%s` needs %s", arg, info->argument);
      return false;
    }
    value = argv[++*i];
  }
  return option_set(arena, o, id, value, problem);
}

bool options_parse(Arena *arena, int argc, char **argv, Options *o, const char **problem) {
  *o = (Options){.command = CMD_COUNT, .max_errors = 50, .atol = 1e-5, .rtol = -1};
  bool only_args = false;
  for (int i = 1; i < argc; i++) {
    const char *arg = argv[i];
    bool is_option = !only_args && arg[0] == '-' && arg[1];
    if (is_option && strcmp(arg, "--") == 0)
      only_args = true;
    else if (is_option) {
      if (!parse_option(arena, argc, argv, &i, o, problem)) return false;
    } else if (o->command == CMD_COUNT) {
      if (strcmp(arg, "help") == 0) {
        o->help = true;
        continue;
      }
      o->command = command_find(arg, strlen(arg));
      if (o->command == CMD_COUNT) {
        const char *near = nearest_command(arg);
        bool is_file = strpbrk(arg, "./");
        *problem =
            is_file ? arena_printf(arena, "a command comes before the file: `grus check %s`", arg)
            : near  ? arena_printf(arena, "no command `%s`; did you mean `%s`?", arg, near)
                    : arena_printf(arena, "no command `%s`", arg);
        return false;
      }
    } else
      ARENA_PUSH(arena, o->args, o->n_args, o->cap_args, arg);
  }
  return true;
}
