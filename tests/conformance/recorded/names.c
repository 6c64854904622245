/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See names.h. */
#include "names.h"

#include <ctype.h>
#include <string.h>

static bool same_letter(char a, char b) {
  return tolower((unsigned char)a) == tolower((unsigned char)b) ||
         (!isalnum((unsigned char)a) && b == '_');
}

/* What is left of a name after the letters of a port; NULL: they differ. */
static const char *rest_of(const char *name, const char *port) {
  while (*name && *port && same_letter(*name, *port)) {
    name++;
    port++;
  }
  return *port ? NULL : name;
}

bool name_fits(const char *name, const char *port) {
  const char *rest = rest_of(name, port);
  if (!rest || !*rest) return rest != NULL;
  return !isalnum((unsigned char)*rest) && rest[1] && !rest[1 + strspn(rest + 1, "0123456789")];
}

static bool is_taken(const char *const key[MAX_PORTS], int n, const char *name) {
  for (int i = 0; i < n; i++)
    if (key[i] == name) return true;
  return false;
}

/* The first key that no port has and that fits one: the whole name, the name without a number, or
 * any. */
typedef enum Way { WHOLE, WITHOUT_NUMBER, ANY, WAYS } Way;

static const char *next_key(json_t *recorded, const char *const key[MAX_PORTS], int n,
                            const char *port, Way way) {
  const char *name;
  json_t *value;
  json_object_foreach(recorded, name, value) {
    const char *rest = rest_of(name, port);
    bool fits = way == ANY || (way == WHOLE ? rest && !*rest : name_fits(name, port));
    if (fits && !is_taken(key, n, name)) return name;
  }
  return NULL;
}

void names_match(json_t *recorded, Port *const *port, int n, bool by_order,
                 const char *key[MAX_PORTS]) {
  for (int i = 0; i < n; i++)
    key[i] = NULL;
  for (Way way = WHOLE; way < (by_order ? WAYS : ANY); way++)
    for (int i = 0; i < n; i++)
      if (!key[i]) key[i] = next_key(recorded, key, n, port[i]->name, way);
}
