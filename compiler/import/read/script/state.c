/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Attributes that `forward` gives other values: tensors are state. Some modules begin with an empty
 * state, or None, and with numbers that say so. Such a state is settled by a second call: the graph
 * is that of a call after the first, and zeros are the start if with them it gives what the first
 * call gives. */
#include "import/read/script/script.h"

#include "base/splitmix.h"

#include <string.h>

ScriptValue *script_state(ScriptRun *r, const char *path, const GraphTensor *start) {
  ScriptValue *v = script_value(r->arena, VALUE_TENSOR);
  v->text = path;
  map_put(r->arena, &r->torch->buffers, path, (void *)(uintptr_t)path);
  map_put(r->arena, &r->torch->values, path, torch_variable(r->torch, path, start));
  script_describe_as(r, path, start->elem, start->rank, start->dim);
  return v;
}

bool script_found_state(ScriptRun *r, const char *path) {
  Script *s = r->script;
  if (map_get(&s->written, path)) return false;
  map_put(s->arena, &s->written, arena_strdup(s->arena, path), s);
  return s->written_more = true;
}

static void set(ScriptRun *r, const char *path, ScriptValue *was, ScriptValue *value) {
  if (was->kind == VALUE_TENSOR) script_found_state(r, path);
  for (int i = 0; i < r->n_set; i++)
    if (strcmp(r->set[i].name, path) == 0) {
      r->set[i].value = value;
      return;
    }
  ScriptBinding binding = {path, was, value};
  ARENA_PUSH(r->arena, r->set, r->n_set, r->cap_set, binding);
}

static bool holds_items(const ScriptValue *v) {
  return v->kind == VALUE_LIST || v->kind == VALUE_TUPLE || v->kind == VALUE_DICT;
}

/* Items of lists are attributes of their own, such as hs.0, if the list has as many as before. */
static void set_all(ScriptRun *r, const char *path, ScriptValue *was, ScriptValue *value) {
  bool same = holds_items(was) && was->kind == value->kind && was->n == value->n;
  for (int i = 0; same && was->kind == VALUE_DICT && i < was->n; i += 2)
    same = script_same(was->item[i], value->item[i]);
  if (!same) {
    set(r, path, was, value);
    return;
  }
  int step = was->kind == VALUE_DICT ? 2 : 1;
  for (int i = step - 1; i < was->n; i += step)
    set_all(r, arena_printf(r->arena, "%s.%d", path, i), was->item[i], value->item[i]);
}

/* Marks lists as those of an attribute. False after reporting one that another attribute has. */
static bool keep(ScriptRun *r, const char *path, ScriptValue *value, int depth) {
  if (!holds_items(value)) return true;
  bool other = value->is_kept && value->kind != VALUE_TUPLE && strcmp(value->text, path) != 0;
  if (other || depth > SCRIPT_MAX_DEPTH || !script_spend(r, value->n))
    return script_lacks(r, E902, "give the attribute a list of its own: `list(x)`",
                        "gives the attribute `%s` a list that others hold", path);
  value->is_kept = true;
  value->text = path;
  for (int i = 0; i < value->n; i++)
    if (!keep(r, arena_printf(r->arena, "%s.%d", path, i), value->item[i], depth + 1)) return false;
  return true;
}

bool script_set_attribute(ScriptRun *r, ScriptValue *module, const char *name, ScriptValue *value) {
  ScriptValue *old = script_attribute(r, module, name);
  const char *path = script_path(r, module, name);
  if (!old || !keep(r, path, value, 0)) return false;
  map_put(r->arena, &r->attributes, path, value);
  set_all(r, path, old, value);
  return true;
}

bool script_set_item(ScriptRun *r, ScriptValue *list, int64_t at, ScriptValue *value) {
  if (list->is_kept) {
    const char *path = arena_printf(r->arena, "%s.%lld", list->text, (long long)at);
    if (!keep(r, path, value, 0)) return false;
    script_note_change(r, list->text);
    set_all(r, path, list->item[at], value);
  }
  list->item[at] = value;
  return true;
}

ScriptValue *script_carried(ScriptRun *r, const char *path) {
  const GraphTensor *start = map_get(&r->script->starts, path);
  return start ? script_state(r, path, start) : map_get(&r->script->later, path);
}

/* The tensor that an attribute holds at the end; NULL: none. */
static const char *held_by(const ScriptRun *r, const char *path) {
  for (int i = 0; i < r->n_set; i++)
    if (strcmp(r->set[i].name, path) == 0)
      return r->set[i].value->kind == VALUE_TENSOR ? r->set[i].value->text : NULL;
  return path;
}

/* Whether an attribute holds something of another kind or shape than at the begin. */
static bool is_unsettled(ScriptRun *r, const ScriptBinding *set) {
  const ScriptValue *was = set->was, *is = set->value;
  if (was->kind != VALUE_TENSOR || is->kind != VALUE_TENSOR) return !script_same(was, is);
  int variable = graph_variable_find(r->torch->graph, set->name);
  const GraphTensor *start = variable >= 0 ? r->torch->graph->variable[variable].start : NULL,
                    *shape = script_shape(r, is->text);
  return !start || !shape || !graph_same_shape(start, shape);
}

/* The value of an attribute in the next call. */
static bool settle(ScriptRun *r, const ScriptBinding *set) {
  Script *s = r->script;
  const ScriptValue *is = set->value;
  if (is->kind == VALUE_TENSOR) {
    const GraphTensor *shape = script_shape(r, is->text);
    double *zeros;
    GraphTensor *start =
        shape ? graph_tensor(r->arena, shape->elem, shape->rank, shape->dim, &zeros) : NULL;
    if (start) map_put(r->arena, &s->starts, set->name, start);
    return start != NULL;
  }
  bool known = is->kind == VALUE_NONE || is->kind == VALUE_BOOL || is->kind == VALUE_INT ||
               is->kind == VALUE_FLOAT || is->kind == VALUE_TEXT;
  if (known) map_put(r->arena, &s->later, set->name, set->value);
  return known;
}

bool script_keep_state(ScriptRun *r) {
  Graph *graph = r->torch->graph;
  for (int i = 0; i < r->n_set; i++) {
    if (!script_fresh(r, r->set[i].value)) return false;
    if (!is_unsettled(r, &r->set[i])) continue;
    r->script->unsettled = true;
    if (r->script->is_second || !settle(r, &r->set[i])) {
      bool tensor = r->set[i].value->kind == VALUE_TENSOR;
      foreign_lacks(r->torch->diags, r->script->file, E902,
                    tensor ? "begin it with the shape that it keeps, as in `torch.zeros(1, 8)`"
                           : "keep it as a tensor, as in `torch.zeros(1)`",
                    tensor
                        ? "`forward` gives the attribute `%s` a value of another shape in each "
                          "call; a state has to keep its shape"
                        : "`forward` gives the attribute `%s`, which is no tensor, another value "
                          "in each call; a state has to be a tensor",
                    r->set[i].name);
      return false;
    }
  }
  for (int i = 0; i < graph->n_variables; i++) {
    const char *path = graph->variable[i].name, *held = held_by(r, path);
    GraphValue *value = held ? map_get(&r->torch->values, held) : NULL;
    const GraphTensor *shape = held ? script_shape(r, held) : NULL;
    bool same = shape && graph_same_shape(graph->variable[i].start, shape);
    bool stays = value && value->node && value->node->op == GRAPH_VarRead &&
                 graph_int(value->node, GRAPH_ATTR_variable, -1) == i;
    if (!value || !same || stays) continue;
    torch_assign(r->torch, i, value);
  }
  return true;
}

/* ---- the first call and the second ---- */

/* Numbers for the inputs, the same for both. */
static const GraphTensor **some_inputs(const ScriptRun *r, const Graph *graph) {
  const GraphTensor **in = ARENA_ARRAY(r->arena, const GraphTensor *, graph->n_in + 1);
  uint64_t seed = 1;
  for (int i = 0, k = 0; i < graph->n_in; i++) {
    double *data;
    bool number = graph->in[i].rank == 0;
    GraphTensor *t = number ? graph_tensor(r->arena, graph->in[i].elem, 0, NULL, &data)
                            : graph_tensor(r->arena, graph->in[i].elem, r->input[k].rank,
                                           r->input[k].dim, &data);
    if (!t) return NULL;
    k += !number;
    for (int64_t j = 0; j < t->count; j++) {
      double x = (double)(splitmix_next(&seed) >> 11) / 9007199254740992.0;
      data[j] = graph->in[i].elem == GRAPH_FLOAT ? 2 * x - 1 : 0;
    }
    in[i] = t;
  }
  return in;
}

static bool alike(const GraphTensor *a, const GraphTensor *b) {
  if (!a || !b || !graph_same_shape(a, b)) return false;
  for (int64_t i = 0; i < a->count; i++) {
    double x = graph_at(a, i), y = graph_at(b, i), gap = x > y ? x - y : y - x;
    if (!(gap <= 1e-9 * (1 + (x < 0 ? -x : x)))) return false;
  }
  return true;
}

bool script_same_calls(ScriptRun *first, Graph *second) {
  Arena *arena = first->arena;
  Graph *graph = first->torch->graph;
  int n_out = graph->n_out;
  GraphFault fault = {0};
  const GraphTensor **in = some_inputs(first, graph);
  for (int i = 0; i < first->n_set; i++) {
    const ScriptBinding *set = &first->set[i];
    GraphValue *value =
        set->value->kind == VALUE_TENSOR ? map_get(&first->torch->values, set->value->text) : NULL;
    if (value) graph_output(graph, arena_printf(arena, "state %s", set->name), value);
  }
  const GraphTensor **a = ARENA_ARRAY(arena, const GraphTensor *, graph->n_out + 1),
                    **b = ARENA_ARRAY(arena, const GraphTensor *, second->n_out + 1);
  GraphState *before = graph_state_new(arena, graph), *state = graph_state_new(arena, second);
  bool good = in && n_out == second->n_out &&
              graph_eval(graph, arena, before, NULL, in, a, &fault) &&
              graph_eval(second, arena, state, NULL, in, b, &fault);
  for (int i = 0; good && i < n_out; i++)
    good = alike(a[i], b[i]);
  for (int i = n_out; good && i < graph->n_out; i++) {
    int variable = graph_variable_find(second, graph->out[i].name + strlen("state "));
    good = variable < 0 || alike(a[i], state->variable[variable]);
  }
  if (!good)
    foreign_lacks(first->torch->diags, first->script->file, E902,
                  "begin the states in the module itself, as in `self.h = torch.zeros(1, 8)`, so "
                  "that every call is alike",
                  "`forward` computes something else in its first call than in others");
  return good;
}
