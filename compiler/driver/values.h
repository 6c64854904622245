/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What can stand after an option or a command, for completions and the manual: values.def. */
#ifndef GRUS_DRIVER_VALUES_H
#define GRUS_DRIVER_VALUES_H

#include "driver/options.h"

typedef struct Values {
  const char *words;   /* separated by blanks; NULL: none are known */
  const char *endings; /* of files, separated by blanks; "*" any, "/" folders; NULL: no files */
} Values;

Values option_values(Arena *arena, OptionId option);
Values command_values(Arena *arena, CommandId command);

#endif
