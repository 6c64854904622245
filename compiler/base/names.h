/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Names that mean something already where grus prints them: names.def. */
#ifndef GRUS_BASE_NAMES_H
#define GRUS_BASE_NAMES_H

#include <stdbool.h>

typedef enum NameGroup {
#define NAMES(group, what, ...) NAMES_##group,
#include "base/names.def"
#undef NAMES
  NAME_GROUP_COUNT
} NameGroup;

/* Whether the name is one of the group. */
bool name_in(NameGroup group, const char *name);
/* What stands in the way of a parameter of this name in C and C++: "a keyword of C"; NULL:
 * nothing. */
const char *name_taken_in_c(const char *name);
/* Whether any language of the list knows the name. */
bool name_taken(const char *name);

#endif
