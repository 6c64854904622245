/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The rows of values.def, with the names of the tables they refer to. */
#include "driver/values.h"

#include "driver/pages.h"
#include "lower/target.h"

typedef const char *Table(Arena *arena);

static const char *table_targets(Arena *arena) {
  Text out = text_new(arena);
  text_add(&out, "native help");
  for (int i = 0; target_table[i]; i++)
    text_printf(&out, " %s", target_table[i]->name);
  return text_str(&out);
}

static void add_lints(Text *out) {
  for (int i = 0; i < DIAG_CODE_COUNT; i++)
    if (diag_info[i].name) text_printf(out, " %s", diag_info[i].name);
}

static const char *table_lints(Arena *arena) {
  Text out = text_new(arena);
  text_add(&out, "all notes");
  add_lints(&out);
  return text_str(&out);
}

static const char *table_dump(Arena *arena) {
  (void)arena;
  return ""
#define STAGE(name, what) #name " "
#include "driver/stages.def"
#undef STAGE
      ;
}

static const char *table_pages(Arena *arena) {
  Text out = text_new(arena);
  text_add(&out, "errors lints stages");
  for (size_t i = 0; i < n_pages; i++)
    text_printf(&out, " %s", pages[i].name);
  add_lints(&out);
  return text_str(&out);
}

static const char *table_commands(Arena *arena) {
  (void)arena;
  return ""
#define COMMAND(name, arguments, summary) #name " "
#include "driver/commands.def"
#undef COMMAND
      ;
}

typedef struct ValueRow {
  const char *words, *endings;
  Table *table;
} ValueRow;

#define ARGUMENT_FILES(command, endings)
#define ARGUMENT_WORDS(command, words)
#define ARGUMENT_TABLE(command, table)
static const ValueRow option_rows[OPTION_COUNT] = {
#define VALUE_WORDS(option, w) [OPTION_##option] = {.words = w},
#define VALUE_TABLE(option, t) [OPTION_##option] = {.table = table_##t},
#define VALUE_FILES(option, e) [OPTION_##option] = {.endings = e},
#include "driver/values.def"
};
#undef VALUE_WORDS
#undef VALUE_TABLE
#undef VALUE_FILES
#undef ARGUMENT_FILES
#undef ARGUMENT_WORDS
#undef ARGUMENT_TABLE

#define VALUE_WORDS(option, words)
#define VALUE_TABLE(option, table)
#define VALUE_FILES(option, endings)
static const ValueRow command_rows[] = {
#define ARGUMENT_FILES(command, e) [CMD_##command] = {.endings = e},
#define ARGUMENT_WORDS(command, w) [CMD_##command] = {.words = w},
#define ARGUMENT_TABLE(command, t) [CMD_##command] = {.table = table_##t},
#include "driver/values.def"
};
_Static_assert(sizeof command_rows / sizeof *command_rows == CMD_COUNT,
               "every command has a row in values.def");

static Values values_of(Arena *arena, const ValueRow *row) {
  return (Values){row->table ? row->table(arena) : row->words, row->endings};
}

Values option_values(Arena *arena, OptionId option) {
  return values_of(arena, &option_rows[option]);
}
Values command_values(Arena *arena, CommandId command) {
  return values_of(arena, &command_rows[command]);
}
