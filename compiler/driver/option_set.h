/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What an option of the command line stores. */
#ifndef GRUS_DRIVER_OPTION_SET_H
#define GRUS_DRIVER_OPTION_SET_H

#include "driver/options.h"

/* Stores one option. False, with *problem, if its value is not one that the option takes. */
bool option_set(Arena *arena, Options *o, OptionId id, const char *value, const char **problem);

#endif
