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

/* ---- counting ---- */

typedef struct Inputs {
  Script *s;
  const char **name;
  int n;
} Inputs;

static bool count(Inputs *in, const ScriptExpr *type, const char *name, int depth) {
  const ScriptExpr *tuple = inside(type, "Tuple");
  if (!type || is_type(type, "Tensor")) {
    if (in->n == SCRIPT_MAX_INPUTS || depth > 4) {
      foreign_report(in->s->diags, in->s->file, E902, "`forward` has more than %d inputs",
                     SCRIPT_MAX_INPUTS);
      return false;
    }
    in->name[in->n++] = name;
    return true;
  }
  int n = tuple && tuple->kind == EXPR_TUPLE ? tuple->n : tuple ? 1 : 0;
  for (int i = 0; i < n; i++)
    if (!count(in, tuple->kind == EXPR_TUPLE ? tuple->item[i] : tuple,
               arena_printf(in->s->arena, "%s_%d", name, i), depth + 1))
      return false;
  return true;
}

int script_count_inputs(Script *s, const ScriptFunction *forward, const char **name) {
  Inputs in = {s, name, 0};
  for (int i = 1; i < forward->n_params; i++) {
    const ScriptParam *p = &forward->param[i];
    if (p->usual && !is_type(p->type, "Tensor") && p->type) continue;
    if (p->usual) continue;
    if (!count(&in, p->type, p->name, 0)) return -1;
  }
  return in.n;
}

/* ---- values ---- */

bool script_is_input(const ScriptRun *r, const char *name) {
  for (int i = 0; i < r->n_inputs; i++)
    if (strcmp(r->input_name[i], name) == 0) return true;
  return false;
}

bool script_needs(ScriptRun *r, const ScriptValue *v) {
  for (int i = 0; v->kind == VALUE_TENSOR && i < r->n_inputs; i++)
    if (strcmp(r->input_name[i], v->text) == 0 && r->input[i].rank < 0) {
      r->needed = i;
      return true;
    }
  return false;
}

static ScriptValue *tensor_input(ScriptRun *r, const char *name) {
  int k = 0;
  while (k < r->n_inputs && strcmp(r->input_name[k], name) != 0)
    k++;
  if (k == r->n_inputs) {
    script_refuse(r, E902, "has too many inputs");
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
                                     arena_printf(r->script->arena, "%s_%d", name, i), depth + 1);
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
  Diag *d = foreign_report(r->torch->diags, r->script->file, number ? E904 : E902,
                           number ? "`forward` takes the number `%s`, which has to be constant"
                                  : "`forward` takes `%s`, which is neither a tensor nor a number",
                           name);
  if (number) diag_fix(d, FIX_MAYBE, "give it a value: --set %s=VALUE", name);
  return NULL;
}

bool script_inputs(ScriptRun *r, const ScriptFunction *forward, ScriptArgs *out) {
  out->n = 0;
  for (int i = 1; i < forward->n_params; i++) {
    const ScriptParam *p = &forward->param[i];
    double set;
    if (p->usual && !script_set(r->script, p->name, &set)) continue;
    if (out->n == SCRIPT_MAX_ARGS) return script_refuse(r, E902, "has too many parameters");
    ScriptValue *v = value_of_type(r, p, p->type, p->name, 0);
    if (!v) return false;
    out->keyword[out->n] = p->name;
    out->value[out->n++] = v;
  }
  return true;
}
