/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which form of an operator a call means, and the names of its arguments. */
#include "import/read/script/script.h"

#include <string.h>

static const ScriptSchema rows[] = {
#define SCHEMA(op, args, results) {op, args, results},
#include "import/read/script/schemas.def"
};

static bool is_list_of(const ScriptValue *v, ScriptKind kind, ScriptKind other) {
  if (v->kind != VALUE_LIST && v->kind != VALUE_TUPLE) return false;
  for (int i = 0; i < v->n; i++)
    if (v->item[i]->kind != kind && v->item[i]->kind != other) return false;
  return true;
}

/* Whether a value can be an argument of this type. */
static bool fits(char type, const ScriptValue *v) {
  bool none = v->kind == VALUE_NONE, number = v->kind == VALUE_INT || v->kind == VALUE_FLOAT;
  switch (type) {
  case 't': return none || v->kind == VALUE_TENSOR;
  case 'T': return v->kind == VALUE_TENSOR;
  case 'l': return is_list_of(v, VALUE_TENSOR, VALUE_NONE);
  case 'L': return is_list_of(v, VALUE_TENSOR, VALUE_TENSOR);
  case 'j': return none || v->kind == VALUE_INT;
  case 'i': return v->kind == VALUE_INT;
  case 'J': return none || v->kind == VALUE_INT || is_list_of(v, VALUE_INT, VALUE_INT);
  case 'I': return v->kind == VALUE_INT || is_list_of(v, VALUE_INT, VALUE_INT);
  case 'g': return none || number;
  case 'f': return number;
  case 'G': return none || number || is_list_of(v, VALUE_FLOAT, VALUE_INT);
  case 'F': return number || is_list_of(v, VALUE_FLOAT, VALUE_INT);
  case 'r': return none || number || v->kind == VALUE_BOOL;
  case 's': return number || v->kind == VALUE_BOOL;
  case 'c': return none || v->kind == VALUE_BOOL;
  case 'b': return v->kind == VALUE_BOOL;
  case 'v': return none || v->kind == VALUE_TEXT;
  case 'w': return v->kind == VALUE_TEXT;
  case 'e': return none || v->kind == VALUE_INT;
  case 'd': return v->kind == VALUE_INT;
  default: return none || v->kind == VALUE_OPAQUE || v->kind == VALUE_INT;
  }
}

/* The argument of a row that a given one is; NULL: the row has none. */
static const char *arg_at(const char *args, int place, const char *keyword, char *type,
                          const char **name, size_t *len) {
  const char *at = args;
  for (int i = 0; *at; i++) {
    if (*at == '|') {
      if (!keyword) return NULL;
      at += strspn(at, "| ");
      continue;
    }
    size_t n = strcspn(at, ":");
    if (keyword ? strlen(keyword) == n && strncmp(keyword, at, n) == 0 : i == place) {
      *type = at[n + 1];
      *name = at;
      *len = n;
      return at;
    }
    at += strcspn(at, " ");
    at += strspn(at, " ");
  }
  return NULL;
}

static int n_needed(const char *args) {
  int n = 0;
  for (const char *at = args; *at;) {
    size_t len = strcspn(at, " ");
    n += *at != '|' && at[len - 1] != '=';
    at += len;
    at += strspn(at, " ");
  }
  return n;
}

static bool is_needed(const char *arg) {
  size_t len = strcspn(arg, " ");
  return arg[len - 1] != '=';
}

static bool row_fits(Arena *arena, const ScriptSchema *row, const ScriptArgs *given,
                     ScriptArg *arg) {
  int needed = 0;
  for (int k = 0; k < given->n; k++) {
    size_t len;
    const char *at = arg_at(row->args, k, given->keyword[k], &arg[k].type, &arg[k].name, &len);
    if (!at || !fits(arg[k].type, given->value[k])) return false;
    for (int i = 0; i < k; i++)
      if (strlen(arg[i].name) == len && strncmp(arg[i].name, at, len) == 0) return false;
    arg[k].name = arena_strndup(arena, at, len);
    needed += is_needed(at);
  }
  return needed == n_needed(row->args);
}

bool script_has_schema(const char *op) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (strcmp(rows[i].op, op) == 0) return true;
  return false;
}

const ScriptSchema *script_match(Arena *arena, const char *op, const ScriptArgs *given,
                                 ScriptArg *arg) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (strcmp(rows[i].op, op) == 0 && row_fits(arena, &rows[i], given, arg)) return &rows[i];
  return NULL;
}
