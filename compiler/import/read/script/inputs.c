/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The parameters of `forward`: tensors are inputs of the graph, and so are those in a tuple;
 * numbers have to be given by the text or by --set. */
#include "import/read/script/script.h"

#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool script_set(const Script *s, const char *name, double *out) {
  for (int i = 0; i < s->options->n_sets; i++) {
    const char *set = s->options->set[i], *equal = strchr(set, '=');
    size_t len = equal ? (size_t)(equal - set) : 0;
    if (!equal || strlen(name) != len || strncmp(name, set, len) != 0) continue;
    char *end;
    *out = strtod(equal + 1, &end);
    return end != equal + 1 && !*end && isfinite(*out);
  }
  return false;
}

static bool is_type(const ScriptExpr *type, const char *name) {
  return type && type->kind == EXPR_NAME && strcmp(type->text, name) == 0;
}

/* T of Name[T]; NULL: it is another type. */
static const ScriptExpr *inside(const ScriptExpr *type, const char *name) {
  return type && type->kind == EXPR_INDEX && is_type(type->item[0], name) ? type->item[1] : NULL;
}

/* ---- names ---- */

static bool add_names(Script *s, const ScriptExpr *type, const char *name, int depth) {
  const ScriptExpr *tuple = inside(type, "Tuple");
  if (!type || is_type(type, "Tensor")) {
    if (s->n_inputs == SCRIPT_MAX_INPUTS || depth > 4) {
      foreign_lacks(s->diags, s->file, E902, "pass them together, as one tensor",
                    "`forward` has more than %d inputs", SCRIPT_MAX_INPUTS);
      return false;
    }
    s->input_name[s->n_inputs++] = name;
    return true;
  }
  int n = tuple && tuple->kind == EXPR_TUPLE ? tuple->n : tuple ? 1 : 0;
  for (int i = 0; i < n; i++)
    if (!add_names(s, tuple->kind == EXPR_TUPLE ? tuple->item[i] : tuple,
                   arena_printf(s->arena, "%s_%d", name, i), depth + 1))
      return false;
  return true;
}

bool script_name_inputs(Script *s, const ScriptFunction *forward) {
  for (int i = 1; i < forward->n_params; i++) {
    const ScriptParam *p = &forward->param[i];
    if (!p->usual && !add_names(s, p->type, p->name, 0)) return false;
  }
  return true;
}

/* ---- values ---- */

/* Which input a tensor is; -1: none. */
static int input_of(const Script *s, const char *name) {
  int k = s->n_inputs - 1;
  while (k >= 0 && strcmp(s->input_name[k], name) != 0)
    k--;
  return k;
}

int script_input(const ScriptRun *r, const ScriptValue *v) {
  return v->kind == VALUE_TENSOR ? input_of(r->script, v->text) : -1;
}

bool script_needs(ScriptRun *r, const ScriptValue *v) {
  int k = script_input(r, v);
  if (k < 0 || r->input[k].rank >= 0) return false;
  r->needed = k;
  return true;
}

static ScriptValue *tensor_input(ScriptRun *r, const char *name) {
  int k = input_of(r->script, name);
  if (k < 0) {
    script_lacks(r, E902, "pass them together, as one tensor", "has too many inputs");
    return NULL;
  }
  const ScriptShape *shape = &r->input[k];
  bool whole = map_get(&r->script->whole, name) != NULL;
  ScriptValue *v = script_value(r->arena, VALUE_TENSOR);
  v->text = name;
  GraphInput *in = graph_input(r->torch->graph, name, whole ? GRAPH_I64 : GRAPH_FLOAT);
  map_put(r->arena, &r->torch->values, name, in->value);
  if (shape->rank < 0) return v;
  in->rank = shape->rank;
  for (int i = 0; i < shape->rank; i++)
    in->dim[i].n = i == shape->open ? GRAPH_OPEN : shape->dim[i];
  script_describe_as(r, name, in->elem, shape->rank, shape->dim);
  return v;
}

static ScriptValue *value_of_type(ScriptRun *r, const ScriptParam *p, const ScriptExpr *type,
                                  const char *name, int depth) {
  const ScriptExpr *tuple = inside(type, "Tuple");
  double set;
  if (!type || is_type(type, "Tensor")) return tensor_input(r, name);
  if (tuple && depth < 4) {
    int n = tuple->kind == EXPR_TUPLE ? tuple->n : 1;
    ScriptValue *all = script_value(r->arena, VALUE_TUPLE);
    for (int i = 0; i < n; i++) {
      ScriptValue *v = value_of_type(r, p, tuple->kind == EXPR_TUPLE ? tuple->item[i] : tuple,
                                     arena_printf(r->arena, "%s_%d", name, i), depth + 1);
      if (!v) return NULL;
      script_push(r->arena, all, v);
    }
    return all;
  }
  bool number = is_type(type, "int") || is_type(type, "float") || is_type(type, "bool");
  if (number && script_set(r->script, name, &set)) {
    graph_input(r->torch->graph, name, GRAPH_FLOAT)->rank = 0;
    return is_type(type, "float")  ? script_float(r->arena, set)
           : is_type(type, "bool") ? script_bool(r->arena, set != 0)
                                   : script_int(r->arena, (int64_t)set);
  }
  foreign_lacks(r->torch->diags, r->script->file, number ? E904 : E902,
                number ? arena_printf(r->arena, "give it a value: --set %s=VALUE", name)
                       : "let `forward` take tensors and numbers, alone or in tuples and lists",
                number ? "`forward` takes the number `%s`, which has to be constant"
                       : "`forward` takes `%s`, which is neither a tensor nor a number",
                name);
  return NULL;
}

bool script_inputs(ScriptRun *r, const ScriptFunction *forward, ScriptArgs *out) {
  out->n = 0;
  for (int i = 1; i < forward->n_params; i++) {
    const ScriptParam *p = &forward->param[i];
    double set;
    if (p->usual && !script_set(r->script, p->name, &set)) continue;
    if (out->n == SCRIPT_MAX_ARGS)
      return script_lacks(r, E902, "pass them together, as one tensor", "has too many parameters");
    ScriptValue *v = value_of_type(r, p, p->type, p->name, 0);
    if (!v) return false;
    out->keyword[out->n] = p->name;
    out->value[out->n++] = v;
  }
  return true;
}
