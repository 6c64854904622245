/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Looking up names.def. Besides its words, C keeps all names for itself that begin with two
 * underscores, or with one and a capital; and all of the runtime's begin with its own. */
#include "base/names.h"

#include <stddef.h>
#include <string.h>

static const struct {
  const char *what;
  const char *const *lines; /* each word between blanks; NULL after the last */
} groups[NAME_GROUP_COUNT] = {
#define NAMES(group, what, ...) [NAMES_##group] = {what, (const char *const[]){__VA_ARGS__, NULL}},
#include "base/names.def"
#undef NAMES
};

static bool line_has(const char *line, const char *name) {
  size_t n = strlen(name);
  for (const char *at = line; n && (at = strstr(at, name)) != NULL; at += n)
    if (at[-1] == ' ' && at[n] == ' ') return true;
  return false;
}

bool name_in(NameGroup group, const char *name) {
  const char *const *line = groups[group].lines;
  while (*line && !line_has(*line, name))
    line++;
  return *line != NULL;
}

static bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

const char *name_taken_in_c(const char *name) {
  static const NameGroup in_c[] = {NAMES_C, NAMES_CXX, NAMES_OWN, NAMES_PREDEFINED, NAMES_MACRO};
  if (name[0] == '_' && (name[1] == '_' || is_upper(name[1])))
    return "a name that C keeps for compilers and libraries";
  if (strncmp(name, "GRUS_", 5) == 0 || strncmp(name, "grus_", 5) == 0)
    return groups[NAMES_OWN].what;
  for (size_t i = 0; i < sizeof in_c / sizeof *in_c; i++)
    if (name_in(in_c[i], name)) return groups[in_c[i]].what;
  return NULL;
}

bool name_taken(const char *name) {
  for (int i = 0; i < NAME_GROUP_COUNT; i++)
    if (name_in((NameGroup)i, name)) return true;
  return name_taken_in_c(name) != NULL;
}
