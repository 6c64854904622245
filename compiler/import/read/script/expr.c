/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The values of expressions. */
#include "import/read/script/script.h"

#include <math.h>
#include <string.h>

static ScriptValue *name_value(ScriptRun *r, ScriptScope *scope, const char *name) {
  ScriptValue *known = map_get(&scope->names, name);
  if (known) return known;
  if (strcmp(name, "None") == 0) return script_value(r->arena, VALUE_NONE);
  if (strcmp(name, "True") == 0) return script_bool(r->arena, true);
  if (strcmp(name, "False") == 0) return script_bool(r->arena, false);
  if (strcmp(name, "inf") == 0) return script_float(r->arena, INFINITY);
  if (strcmp(name, "nan") == 0) return script_float(r->arena, NAN);
  ScriptValue *v = script_value(r->arena, VALUE_NAME);
  v->text = name;
  return v;
}

static ScriptValue *items(ScriptRun *r, ScriptScope *scope, const ScriptExpr *e, ScriptKind kind) {
  ScriptValue *out = script_value(r->arena, kind);
  for (int i = 0; i < e->n; i++) {
    ScriptValue *v = script_eval(r, scope, e->item[i]);
    if (!v) return NULL;
    script_push(r->arena, out, v);
  }
  return out;
}

/* The attribute of a module; of a name, a longer name. */
static ScriptValue *attribute(ScriptRun *r, ScriptScope *scope, const ScriptExpr *e) {
  ScriptValue *of = script_eval(r, scope, e->item[0]);
  if (!of) return NULL;
  if (of->kind == VALUE_MODULE) return script_attribute(r, of, e->text);
  if (of->kind != VALUE_NAME) {
    script_lacks(r, E902, script_export, "reads `.%s` of something that is no module", e->text);
    return NULL;
  }
  if (strcmp(of->text, "CONSTANTS") == 0) return script_constant(r, e->text);
  ScriptValue *v = script_value(r->arena, VALUE_NAME);
  v->text = arena_printf(r->arena, "%s.%s", of->text, e->text);
  return v;
}

static ScriptValue *indexed(ScriptRun *r, ScriptScope *scope, const ScriptExpr *e) {
  ScriptValue *of = script_eval(r, scope, e->item[0]);
  ScriptValue *at = of ? script_eval(r, scope, e->item[1]) : NULL;
  if (!at) return NULL;
  if (of->kind == VALUE_DICT)
    for (int i = 0; i + 1 < of->n; i += 2)
      if (script_same(of->item[i], at)) return of->item[i + 1];
  if ((of->kind == VALUE_LIST || of->kind == VALUE_TUPLE) && at->kind == VALUE_INT) {
    int64_t place = at->i < 0 ? at->i + of->n : at->i;
    if (place >= 0 && place < of->n) return of->item[place];
  }
  script_lacks(r, E902, script_export, "takes an item that is not there");
  return NULL;
}

static ScriptValue *negative(ScriptRun *r, ScriptScope *scope, const ScriptExpr *e) {
  ScriptValue *v = script_eval(r, scope, e->item[0]);
  if (v && v->kind == VALUE_INT && v->i != INT64_MIN) return script_int(r->arena, -v->i);
  if (v && v->kind == VALUE_FLOAT) return script_float(r->arena, -v->f);
  if (v)
    script_lacks(r, E902, script_export, "has a minus in front of something that is no number");
  return NULL;
}

static ScriptValue *choice(ScriptRun *r, ScriptScope *scope, const ScriptExpr *e) {
  bool is;
  if (!script_condition(r, scope, e->item[1], &is)) return NULL;
  return script_eval(r, scope, e->item[is ? 0 : 2]);
}

/* ---- calls ---- */

static bool arguments(ScriptRun *r, ScriptScope *scope, const ScriptExpr *e, int from,
                      ScriptArgs *out) {
  out->n = 0;
  for (int i = from; i < e->n; i++) {
    if (out->n == SCRIPT_MAX_ARGS)
      return script_lacks(r, E902, "pass the values as a list or as one tensor",
                          "has a call with many arguments");
    out->keyword[out->n] = e->keyword[i];
    out->value[out->n] = script_eval(r, scope, e->item[i]);
    if (!out->value[out->n++]) return false;
  }
  return true;
}

/* isinstance(x, Tensor) */
static ScriptValue *is_instance(ScriptRun *r, ScriptScope *scope, const ScriptExpr *e) {
  static const struct {
    const char *name;
    ScriptKind kind;
  } types[] = {{"Tensor", VALUE_TENSOR}, {"int", VALUE_INT},    {"float", VALUE_FLOAT},
               {"bool", VALUE_BOOL},     {"str", VALUE_TEXT},   {"NoneType", VALUE_NONE},
               {"None", VALUE_NONE},     {"List", VALUE_LIST},  {"Tuple", VALUE_TUPLE},
               {"list", VALUE_LIST},     {"tuple", VALUE_TUPLE}};
  ScriptValue *v = e->n == 3 ? script_eval(r, scope, e->item[1]) : NULL;
  const ScriptExpr *type = e->n == 3 ? e->item[2] : NULL;
  if (type && type->kind == EXPR_INDEX) type = type->item[0];
  for (size_t i = 0; v && type->kind == EXPR_NAME && i < sizeof types / sizeof *types; i++)
    if (strcmp(types[i].name, type->text) == 0)
      return script_bool(r->arena, v->kind == types[i].kind);
  if (v || e->n != 3) script_lacks(r, E902, script_export, "asks for a type that is not known");
  return NULL;
}

/* Functions whose arguments are types or names: NULL with *known false for others. */
static ScriptValue *special(ScriptRun *r, ScriptScope *scope, const ScriptExpr *e, bool *known) {
  const ScriptExpr *of = e->item[0];
  const char *name = of->kind == EXPR_NAME ? of->text : "";
  *known = true;
  if (strcmp(name, "isinstance") == 0) return is_instance(r, scope, e);
  if (strcmp(name, "uninitialized") == 0) return script_value(r->arena, VALUE_NONE);
  bool cast = strcmp(name, "annotate") == 0 || strcmp(name, "unchecked_cast") == 0;
  if (cast && e->n == 3) return script_eval(r, scope, e->item[2]);
  if (strcmp(name, "getattr") == 0 && e->n == 3 && e->item[2]->kind == EXPR_TEXT) {
    ScriptValue *module = script_eval(r, scope, e->item[1]);
    if (module && module->kind == VALUE_MODULE)
      return script_attribute(r, module, e->item[2]->text);
    if (module)
      script_lacks(r, E902, script_export, "reads an attribute of something that is no module");
    return NULL;
  }
  *known = false;
  return NULL;
}

/* A class that is called makes a tuple if it is one with names for its items. */
static ScriptValue *construct(ScriptRun *r, const char *name, const ScriptArgs *args) {
  ScriptValue *out = script_value(r->arena, VALUE_TUPLE);
  for (int i = 0; i < args->n; i++)
    script_push(r->arena, out, args->value[i]);
  if (!script_has_methods(r, name)) return out;
  script_lacks(
      r, E902,
      "keep what the object holds in the module itself, or in tuples, lists and dictionaries",
      "makes an object of the class `%s`, which is not supported", name);
  return NULL;
}

static ScriptValue *call_named(ScriptRun *r, const char *name, const ScriptArgs *args) {
  bool known;
  if (strncmp(name, "__torch__.", 10) == 0) {
    const ScriptFunction *f = script_function(r, name);
    if (f) return script_call(r, f, NULL, args);
    if (script_is_class(r, name)) return construct(r, name, args);
    if (!r->torch->diags->n_errors)
      script_lacks(r, E902, script_export, "calls `%s`, which is not in the archive", name);
    return NULL;
  }
  ScriptValue *out = script_builtin(r, name, args, &known);
  if (known) return out;
  if (strncmp(name, "torch.", 6) == 0 && !strchr(name + 6, '.'))
    return script_aten(r, name + 6, args);
  if (strncmp(name, "torch._C._nn.", 13) == 0) return script_aten(r, name + 13, args);
  if (strncmp(name, "ops.aten.", 9) == 0) return script_aten(r, name + 9, args);
  script_lacks(r, E902, script_export, "calls `%s`, which is not supported", name);
  return NULL;
}

static ScriptValue *call(ScriptRun *r, ScriptScope *scope, const ScriptExpr *e) {
  bool known;
  ScriptArgs args;
  const ScriptExpr *of = e->item[0];
  ScriptValue *out = special(r, scope, e, &known), *self = NULL;
  if (known) return out;
  if (of->kind == EXPR_ATTRIBUTE) {
    self = script_eval(r, scope, of->item[0]);
    if (!self) return NULL;
    if (self->kind == VALUE_MODULE) {
      const ScriptFunction *f = script_method(r, self, of->text);
      if (f) return arguments(r, scope, e, 1, &args) ? script_call(r, f, self, &args) : NULL;
      if (!r->torch->diags->n_errors)
        script_refuse(r, E901, "calls the method `%s` of `%s`, which is not in the archive",
                      of->text, self->text);
      return NULL;
    }
  }
  ScriptValue *callee = script_eval(r, scope, of);
  if (!callee || !arguments(r, scope, e, 1, &args)) return NULL;
  if (callee->kind == VALUE_NAME) return call_named(r, callee->text, &args);
  script_lacks(r, E902, script_export, "calls something that is no function");
  return NULL;
}

ScriptValue *script_eval(ScriptRun *r, ScriptScope *scope, const ScriptExpr *e) {
  ScriptValue *out = NULL;
  r->line = e->line;
  if (!script_spend(r, 1)) return NULL;
  if (++r->depth > 8 * SCRIPT_MAX_DEPTH) {
    script_lacks(r, E902, "give parts of it names: `a = f(x)`, then `g(a)`",
                 "is nested too deeply");
    return NULL;
  }
  switch (e->kind) {
  case EXPR_NAME: out = name_value(r, scope, e->text); break;
  case EXPR_INT: out = script_int(r->arena, e->i); break;
  case EXPR_FLOAT: out = script_float(r->arena, e->f); break;
  case EXPR_TEXT: out = script_text(r->arena, e->text); break;
  case EXPR_ATTRIBUTE: out = attribute(r, scope, e); break;
  case EXPR_CALL: out = call(r, scope, e); break;
  case EXPR_INDEX: out = indexed(r, scope, e); break;
  case EXPR_TUPLE: out = items(r, scope, e, VALUE_TUPLE); break;
  case EXPR_LIST: out = items(r, scope, e, VALUE_LIST); break;
  case EXPR_DICT: out = items(r, scope, e, VALUE_DICT); break;
  case EXPR_NEGATIVE: out = negative(r, scope, e); break;
  case EXPR_CHOICE: out = choice(r, scope, e); break;
  }
  r->depth--;
  return out;
}
