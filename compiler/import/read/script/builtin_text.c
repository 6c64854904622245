/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Texts that the program makes of values: format and str. */
#include "import/read/script/script.h"

#include "base/text.h"

/* A text that grus does not know in full, such as the digits of a real number. It may be part of a
 * message, but nothing can be decided by it. */
static ScriptValue *unknown_text(ScriptRun *r, const char *text) {
  ScriptValue *v = script_value(r->arena, VALUE_OPAQUE);
  v->text = text;
  return v;
}

bool script_is_unknown_text(const ScriptValue *v) {
  return v->kind == VALUE_OPAQUE && v->text;
}

static bool add_list(ScriptRun *r, Text *t, const ScriptValue *v, int depth);

static bool add_text(ScriptRun *r, Text *t, const ScriptValue *v, int depth) {
  if (!script_spend(r, 1)) return false;
  if (v->kind == VALUE_TEXT)
    text_add(t, v->text);
  else if (v->kind == VALUE_INT)
    text_printf(t, "%lld", (long long)v->i);
  else if (v->kind == VALUE_BOOL)
    text_add(t, v->i ? "True" : "False");
  else if (v->kind == VALUE_LIST && depth < SCRIPT_MAX_DEPTH)
    return add_list(r, t, v, depth);
  else
    return false;
  return true;
}

/* [1, 2]; texts in lists have quotes, which no program decides by. */
static bool add_list(ScriptRun *r, Text *t, const ScriptValue *v, int depth) {
  text_add(t, "[");
  for (int i = 0; i < v->n; i++) {
    if (i) text_add(t, ", ");
    if (v->item[i]->kind == VALUE_TEXT || !add_text(r, t, v->item[i], depth + 1)) return false;
  }
  text_add(t, "]");
  return true;
}

ScriptValue *script_joined_text(ScriptRun *r, const ScriptValue *a, const ScriptValue *b) {
  if (a->kind != VALUE_TEXT || b->kind != VALUE_TEXT) return unknown_text(r, "");
  return script_text(r->arena, arena_printf(r->arena, "%s%s", a->text, b->text));
}

/* format("layer_{}", 3): "layer_3" */
ScriptValue *script_format(ScriptRun *r, const ScriptArgs *args) {
  if (!args->n || args->value[0]->kind != VALUE_TEXT) return unknown_text(r, "");
  Text t = text_new(r->arena);
  int next = 1;
  bool known = true;
  for (const char *at = args->value[0]->text; *at; at++) {
    bool place = at[0] == '{' && at[1] == '}';
    char one[2] = {*at, 0};
    known = known && (place ? next < args->n && add_text(r, &t, args->value[next], 0) : *at != '{');
    if (!known) return unknown_text(r, args->value[0]->text);
    if (!place) text_add(&t, one);
    next += place;
    at += place;
  }
  return script_text(r->arena, text_str(&t));
}

ScriptValue *script_text_of(ScriptRun *r, const ScriptArgs *args) {
  Text t = text_new(r->arena);
  bool known = args->n == 1 && add_text(r, &t, args->value[0], 0);
  return known ? script_text(r->arena, text_str(&t)) : unknown_text(r, "");
}
