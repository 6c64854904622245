/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Functions of lists and dictionaries. Those in place change the value itself, which all names of
 * it see, as in Python. */
#include "import/read/script/script.h"

#include <string.h>

static ScriptValue *wrong(ScriptRun *r, const char *name) {
  script_lacks(r, E902, script_export, "calls `%s` with arguments that are not supported", name);
  return NULL;
}

/* Whether a list may be changed; false after reporting. */
static bool may_change(ScriptRun *r, const ScriptValue *list) {
  if (!list->is_kept) return true;
  return script_lacks(
      r, E902, "give the attribute a new value: `self.past = [x]`, or keep one tensor: `torch.cat`",
      "changes a list that is an attribute; states have to be tensors");
}

/* The place of argument k in a list, of the n places from its front; -1: it has none. */
static int64_t place_of(const ScriptArgs *args, int k, int64_t n) {
  const ScriptValue *at = k < args->n ? args->value[k] : NULL;
  if (!at || at->kind != VALUE_INT) return -1;
  int64_t place = at->i < 0 ? at->i + n : at->i;
  return place < n ? place : -1;
}

/* The key in a dictionary is the one; its place, or n. */
static int find(const ScriptValue *in, const ScriptValue *what) {
  int i = 0, step = in->kind == VALUE_DICT ? 2 : 1;
  while (i < in->n && !script_same(in->item[i], what))
    i += step;
  return i;
}

/* Takes n items at a place out. */
static void take_out(ScriptValue *list, int64_t place, int n) {
  for (int64_t i = place; i + n < list->n; i++)
    list->item[i] = list->item[i + n];
  list->n -= n;
}

/* ---- lists ---- */

static ScriptValue *append(ScriptRun *r, const ScriptArgs *args) {
  ScriptValue *list = args->value[0];
  if (args->n != 2) return wrong(r, "append");
  if (!may_change(r, list)) return NULL;
  script_push(r->arena, list, args->value[1]);
  return list;
}

/* The items of the second list, which may be the first, come at the end of the first. */
static ScriptValue *extend(ScriptRun *r, const ScriptArgs *args) {
  ScriptValue *list = args->value[0];
  const ScriptValue *more = args->n == 2 ? args->value[1] : NULL;
  if (!more || more->kind != VALUE_LIST) return wrong(r, "extend");
  if (!may_change(r, list) || !script_spend(r, more->n)) return NULL;
  for (int i = 0, n = more->n; i < n; i++)
    script_push(r->arena, list, more->item[i]);
  return list;
}

static ScriptValue *insert(ScriptRun *r, const ScriptArgs *args) {
  ScriptValue *list = args->value[0];
  if (args->n != 3 || args->value[1]->kind != VALUE_INT) return wrong(r, "insert");
  if (!may_change(r, list) || !script_spend(r, list->n)) return NULL;
  int64_t at = args->value[1]->i < 0 ? args->value[1]->i + list->n : args->value[1]->i;
  at = at < 0 ? 0 : at > list->n ? list->n : at;
  script_push(r->arena, list, args->value[2]);
  for (int64_t i = list->n - 1; i > at; i--)
    list->item[i] = list->item[i - 1];
  list->item[at] = args->value[2];
  return list;
}

static ScriptValue *pop(ScriptRun *r, const ScriptArgs *args) {
  ScriptValue *list = args->value[0];
  int64_t at = args->n == 1 ? list->n - 1 : place_of(args, 1, list->n);
  if (at < 0) return wrong(r, "pop");
  if (!may_change(r, list) || !script_spend(r, list->n)) return NULL;
  ScriptValue *out = list->item[at];
  take_out(list, at, 1);
  return out;
}

static ScriptValue *remove_at(ScriptRun *r, const ScriptArgs *args) {
  return pop(r, args) ? script_value(r->arena, VALUE_NONE) : NULL;
}

static ScriptValue *clear(ScriptRun *r, const ScriptArgs *args) {
  if (!may_change(r, args->value[0])) return NULL;
  args->value[0]->n = 0;
  return script_value(r->arena, VALUE_NONE);
}

static ScriptValue *reverse(ScriptRun *r, const ScriptArgs *args) {
  ScriptValue *list = args->value[0];
  if (!may_change(r, list) || !script_spend(r, list->n)) return NULL;
  for (int i = 0, k = list->n - 1; i < k; i++, k--) {
    ScriptValue *other = list->item[i];
    list->item[i] = list->item[k];
    list->item[k] = other;
  }
  return list;
}

static ScriptValue *set_item(ScriptRun *r, const ScriptArgs *args) {
  ScriptValue *list = args->value[0];
  int64_t at = place_of(args, 1, list->n);
  if (args->n != 3 || at < 0) return wrong(r, "_set_item");
  return script_set_item(r, list, at, args->value[2]) ? list : NULL;
}

static ScriptValue *place(ScriptRun *r, const ScriptArgs *args) {
  int at = args->n == 2 ? find(args->value[0], args->value[1]) : args->value[0]->n;
  return at < args->value[0]->n ? script_int(r->arena, at) : wrong(r, "index");
}

static ScriptValue *copy(ScriptRun *r, const ScriptArgs *args) {
  if (args->n != 1) return wrong(r, "list");
  if (!script_spend(r, args->value[0]->n)) return NULL;
  ScriptKind kind = args->value[0]->kind;
  ScriptValue *out = script_value(r->arena, kind == VALUE_TUPLE ? VALUE_LIST : kind);
  for (int i = 0; i < args->value[0]->n; i++)
    script_push(r->arena, out, args->value[0]->item[i]);
  return out;
}

static ScriptValue *joined(ScriptRun *r, const ScriptArgs *args) {
  if (args->n != 2 || args->value[1]->kind != VALUE_LIST) return wrong(r, "add");
  if (!script_spend(r, args->value[0]->n + args->value[1]->n)) return NULL;
  ScriptValue *out = script_value(r->arena, VALUE_LIST);
  for (int k = 0; k < 2; k++)
    for (int i = 0; i < args->value[k]->n; i++)
      script_push(r->arena, out, args->value[k]->item[i]);
  return out;
}

/* [1] * 3 */
static ScriptValue *repeated(ScriptRun *r, const ScriptArgs *args) {
  enum { LONGEST = 4096 };
  ScriptValue *out = script_value(r->arena, VALUE_LIST);
  const ScriptValue *times = args->n == 2 ? args->value[1] : args->value[0];
  if (times->kind != VALUE_INT || times->i > LONGEST || args->value[0]->n > LONGEST)
    return wrong(r, "mul");
  if (times->i > 0 && !script_spend(r, times->i * args->value[0]->n)) return NULL;
  for (int64_t k = 0; k < times->i; k++)
    for (int i = 0; i < args->value[0]->n; i++)
      script_push(r->arena, out, args->value[0]->item[i]);
  return out;
}

/* A part of a list: slice(list, start, end, step). */
static ScriptValue *slice(ScriptRun *r, const ScriptArgs *args) {
  int64_t bound[3] = {0, args->value[0]->n, 1}, n = args->value[0]->n;
  for (int k = 1; k < args->n && k < 4; k++) {
    const ScriptValue *v = args->value[k];
    if (v->kind == VALUE_NONE) continue;
    if (v->kind != VALUE_INT) return wrong(r, "slice");
    bound[k - 1] = v->i < 0 && k < 3 ? v->i + n : v->i;
  }
  if (bound[2] < 1) return wrong(r, "slice");
  if (!script_spend(r, n)) return NULL;
  ScriptValue *out = script_value(r->arena, VALUE_LIST);
  for (int64_t i = bound[0] < 0 ? 0 : bound[0]; i < n && i < bound[1]; i += bound[2])
    script_push(r->arena, out, args->value[0]->item[i]);
  return out;
}

/* ---- numbers of lists ---- */

/* Computes OP of all items from the left. */
static ScriptValue *over_all(ScriptRun *r, const char *op, const ScriptArgs *args,
                             ScriptValue *out) {
  bool known;
  for (int i = 0; out && i < args->value[0]->n; i++) {
    ScriptArgs two = {.n = 2, .value = {out, args->value[0]->item[i]}};
    if (!script_spend(r, 1)) return NULL;
    out = script_arithmetic(r, op, &two, &known);
    if (!known) return wrong(r, op);
  }
  return out;
}

static ScriptValue *sum(ScriptRun *r, const ScriptArgs *args) {
  return args->n == 1 ? over_all(r, "add", args, script_int(r->arena, 0)) : wrong(r, "sum");
}

static ScriptValue *least(ScriptRun *r, const ScriptArgs *args) {
  if (args->n != 1 || !args->value[0]->n) return wrong(r, "min");
  return over_all(r, "min", args, args->value[0]->item[0]);
}

static ScriptValue *greatest(ScriptRun *r, const ScriptArgs *args) {
  if (args->n != 1 || !args->value[0]->n) return wrong(r, "max");
  return over_all(r, "max", args, args->value[0]->item[0]);
}

/* Whether some item has this truth; NULL: one is not known. */
static ScriptValue *some(ScriptRun *r, const ScriptArgs *args, const char *name, bool wanted) {
  bool is, found = false;
  for (int i = 0; i < args->value[0]->n; i++) {
    if (args->n != 1 || !script_truth(r, args->value[0]->item[i], &is)) return wrong(r, name);
    found = found || is == wanted;
  }
  return script_bool(r->arena, found == wanted);
}

static ScriptValue *any(ScriptRun *r, const ScriptArgs *args) {
  return some(r, args, "any", true);
}

static ScriptValue *all(ScriptRun *r, const ScriptArgs *args) {
  return some(r, args, "all", false);
}

/* ---- dictionaries ---- */

static ScriptValue *keys(ScriptRun *r, const ScriptArgs *args) {
  ScriptValue *out = script_value(r->arena, VALUE_LIST);
  if (!script_spend(r, args->value[0]->n)) return NULL;
  for (int i = 0; i + 1 < args->value[0]->n; i += 2)
    script_push(r->arena, out, args->value[0]->item[i]);
  return out;
}

static ScriptValue *values(ScriptRun *r, const ScriptArgs *args) {
  ScriptValue *out = script_value(r->arena, VALUE_LIST);
  if (!script_spend(r, args->value[0]->n)) return NULL;
  for (int i = 0; i + 1 < args->value[0]->n; i += 2)
    script_push(r->arena, out, args->value[0]->item[i + 1]);
  return out;
}

static ScriptValue *items(ScriptRun *r, const ScriptArgs *args) {
  ScriptValue *out = script_value(r->arena, VALUE_LIST);
  if (!script_spend(r, args->value[0]->n)) return NULL;
  for (int i = 0; i + 1 < args->value[0]->n; i += 2) {
    ScriptValue *pair = script_value(r->arena, VALUE_TUPLE);
    script_push(r->arena, pair, args->value[0]->item[i]);
    script_push(r->arena, pair, args->value[0]->item[i + 1]);
    script_push(r->arena, out, pair);
  }
  return out;
}

static ScriptValue *get(ScriptRun *r, const ScriptArgs *args) {
  if (args->n < 2 || args->n > 3) return wrong(r, "get");
  int at = find(args->value[0], args->value[1]);
  return at < args->value[0]->n ? args->value[0]->item[at + 1]
         : args->n == 3         ? args->value[2]
                                : script_value(r->arena, VALUE_NONE);
}

static ScriptValue *put(ScriptRun *r, const ScriptArgs *args) {
  ScriptValue *dict = args->value[0];
  if (args->n != 3) return wrong(r, "_set_item");
  int at = find(dict, args->value[1]);
  if (!script_spend(r, dict->n) || (at == dict->n && !may_change(r, dict))) return NULL;
  if (at == dict->n) {
    script_push(r->arena, dict, args->value[1]);
    script_push(r->arena, dict, args->value[2]);
  }
  return script_set_item(r, dict, at + 1, args->value[2]) ? dict : NULL;
}

static ScriptValue *update(ScriptRun *r, const ScriptArgs *args) {
  const ScriptValue *more = args->n == 2 ? args->value[1] : NULL;
  if (!more || more->kind != VALUE_DICT) return wrong(r, "update");
  for (int i = 0; i + 1 < more->n; i += 2) {
    ScriptArgs one = {.n = 3, .value = {args->value[0], more->item[i], more->item[i + 1]}};
    if (!put(r, &one)) return NULL;
  }
  return args->value[0];
}

static ScriptValue *pop_key(ScriptRun *r, const ScriptArgs *args) {
  ScriptValue *dict = args->value[0];
  int at = args->n >= 2 ? find(dict, args->value[1]) : dict->n;
  if (!may_change(r, dict) || !script_spend(r, dict->n)) return NULL;
  if (at == dict->n) return args->n == 3 ? args->value[2] : wrong(r, "pop");
  ScriptValue *out = dict->item[at + 1];
  take_out(dict, at, 2);
  return out;
}

static ScriptValue *remove_key(ScriptRun *r, const ScriptArgs *args) {
  return pop_key(r, args) ? script_value(r->arena, VALUE_NONE) : NULL;
}

typedef ScriptValue *Function(ScriptRun *r, const ScriptArgs *args);

static const struct {
  const char *name;
  Function *of_list, *of_dict; /* NULL: there is none */
} functions[] = {
    {"append", append, NULL}, {"extend", extend, NULL},   {"add_", extend, NULL},
    {"insert", insert, NULL}, {"pop", pop, pop_key},      {"Delete", remove_at, remove_key},
    {"clear", clear, clear},  {"reverse", reverse, NULL}, {"_set_item", set_item, put},
    {"index", place, NULL},   {"list", copy, NULL},       {"copy", copy, copy},
    {"add", joined, NULL},    {"mul", repeated, NULL},    {"slice", slice, NULL},
    {"sum", sum, NULL},       {"min", least, NULL},       {"max", greatest, NULL},
    {"any", any, NULL},       {"all", all, NULL},         {"keys", NULL, keys},
    {"values", NULL, values}, {"items", NULL, items},     {"get", NULL, get},
    {"update", NULL, update}};

ScriptValue *script_of_list(ScriptRun *r, const char *op, const ScriptArgs *args, bool *known) {
  ScriptKind kind = args->n ? args->value[0]->kind : VALUE_NONE;
  bool dict = kind == VALUE_DICT;
  *known = false;
  bool list = kind == VALUE_LIST || (kind == VALUE_TUPLE && strcmp(op, "list") == 0);
  for (size_t i = 0; (list || dict) && i < sizeof functions / sizeof *functions; i++) {
    Function *function = dict ? functions[i].of_dict : functions[i].of_list;
    if (!function || strcmp(functions[i].name, op) != 0) continue;
    *known = true;
    return function(r, args);
  }
  return NULL;
}
