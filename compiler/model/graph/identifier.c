/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From a name of another framework to a name that the lexer reads as a name; see identifier.h. */
#include "model/graph/identifier.h"

#include "base/names.h"
#include "model/graph/layers.h"

#include <ctype.h>
#include <string.h>

enum { IDENTIFIER_MAX = 40 };

static const char *const keywords[] = {
#define STATEMENT(word, token) #word,
#define KEYWORD(word, token)   #word,
#include "model/graph/keywords.def"
};

bool identifier_has(char c) {
  return ((unsigned char)c < 128 && isalnum((unsigned char)c)) || c == '_';
}

size_t identifier_length(const char *s) {
  size_t n = 0;
  while (identifier_has(s[n]))
    n++;
  return isdigit((unsigned char)*s) ? 0 : n;
}

char *identifier_clean(Arena *arena, const char *name) {
  size_t len = strlen(name);
  if (len > 2 && strcmp(name + len - 2, ":0") == 0) len -= 2;
  if (len > IDENTIFIER_MAX) len = IDENTIFIER_MAX;
  char *out = arena_strndup(arena, name, len);
  for (char *s = out; *s; s++)
    if (!identifier_has(*s)) *s = '_';
  while (*out == '_')
    out++;
  for (size_t n = strlen(out); n && out[n - 1] == '_'; n--)
    out[n - 1] = 0;
  return !*out || isdigit((unsigned char)*out) ? arena_printf(arena, "v%s%s", *out ? "_" : "", out)
                                               : out;
}

bool identifier_reserved(const char *name) {
  for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
    if (strcmp(name, keywords[i]) == 0) return true;
  return name_taken_in_c(name) || layer_info_find(name) != NULL;
}

const char *identifier_of(Arena *arena, const char *wanted) {
  const char *name = identifier_clean(arena, wanted);
  return identifier_reserved(name) ? arena_printf(arena, "%s_1", name) : name;
}
