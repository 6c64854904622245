/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From a graph and sizes to a flat graph: see flat.h. A node whose operands are constants is
 * computed, and its results are constants. Any other node becomes nodes of the flat graph with
 * known shapes. */
#include "import/lift/flatten.h"

#include "base/shape.h"
#include "base/text.h"

bool flatten_fail(Flattening *f, const char *text) {
  f->fault->node = f->node;
  f->fault->text = text;
  return false;
}

bool flatten_misfit(Flattening *f, const char *text) {
  f->fault->misfit = true;
  return flatten_fail(f, text);
}

/* The frame of the graph that owns a value: this one, or one around it. */
static FlattenFrame *frame_of(FlattenFrame *frame, const GraphValue *value) {
  while (frame && !graph_owns(frame->graph, value))
    frame = frame->outer;
  return frame;
}

Meaning *flatten_meaning(Flattening *f, FlattenFrame *frame, const GraphValue *value) {
  FlattenFrame *home = frame_of(frame, value);
  if (!home) return NULL;
  Meaning *m = &home->meaning[value->id];
  if (!m->value && !m->list && value->constant)
    m->value = flat_constant(f->flat, value->name, value->constant);
  return m;
}

void flatten_define(FlattenFrame *frame, const GraphValue *value, Meaning meaning) {
  if (value) frame->meaning[value->id] = meaning;
}

GraphValue *flatten_operand(Flattening *f, FlattenFrame *frame, const GraphNode *node, int i) {
  if (i >= node->n_in || !node->in[i]) return NULL;
  Meaning *m = flatten_meaning(f, frame, node->in[i]);
  return m ? m->value : NULL;
}

FlatList *flatten_list_operand(Flattening *f, FlattenFrame *frame, const GraphNode *node, int i) {
  Meaning *m = i < node->n_in && node->in[i] ? flatten_meaning(f, frame, node->in[i]) : NULL;
  return m ? m->list : NULL;
}

bool flatten_number(const Flat *flat, const GraphValue *value, double *out) {
  const GraphTensor *t = value ? flat_type_of(flat, value) : NULL;
  if (!t || !graph_known(t) || t->count != 1) return false;
  *out = graph_at(t, 0);
  return true;
}

FlattenFrame *frame_new(Flattening *f, const Graph *graph, FlattenFrame *outer) {
  FlattenFrame *frame = ARENA_NEW(f->flat->arena, FlattenFrame);
  frame->graph = graph;
  frame->outer = outer;
  frame->meaning = ARENA_ARRAY(f->flat->arena, Meaning, graph->n_values ? graph->n_values : 1);
  return frame;
}

/* A VarRead is the value that the variable has now. A VarAssign gives it another value. */
static bool flatten_variable(Flattening *f, FlattenFrame *frame, const GraphNode *node) {
  int64_t which = graph_int(node, GRAPH_ATTR_variable, -1);
  if (which < 0 || which >= f->flat->n_variables)
    return flatten_fail(f, "names a variable that the file does not have");
  if (node->op == GRAPH_VarAssign) {
    f->variable[which] = flatten_operand(f, frame, node, 0);
    return f->variable[which] ? true
                              : flatten_fail(f, "sets a variable to a value that is not a tensor");
  }
  flatten_define(frame, node->out[0], (Meaning){.value = f->variable[which]});
  return true;
}

static bool flatten_node(Flattening *f, FlattenFrame *frame, const GraphNode *node) {
  f->node = node;
  static bool (*const rule[GRAPH_OP_COUNT])(Flattening *, FlattenFrame *, const GraphNode *) = {
      [GRAPH_If] = flatten_if,
      [GRAPH_Loop] = flatten_loop,
      [GRAPH_Scan] = flatten_scan,
      [GRAPH_While] = flatten_while,
      [GRAPH_VarRead] = flatten_variable,
      [GRAPH_VarAssign] = flatten_variable,
      [GRAPH_ListNew] = flatten_list,
      [GRAPH_ListFrom] = flatten_list,
      [GRAPH_ListGet] = flatten_list,
      [GRAPH_ListSet] = flatten_list,
      [GRAPH_ListPush] = flatten_list,
      [GRAPH_ListStack] = flatten_list,
      [GRAPH_ListConcat] = flatten_list,
      [GRAPH_ListSize] = flatten_list,
  };
  return rule[node->op] ? rule[node->op](f, frame, node) : flatten_call(f, frame, node);
}

bool flatten_graph(Flattening *f, FlattenFrame *frame) {
  for (int i = 0; i < frame->graph->n_nodes; i++)
    if (!flatten_node(f, frame, frame->graph->node[i])) return false;
  return true;
}

/* A new input of the flat graph; NULL: it is too large. */
static GraphValue *add_input(Flat *flat, const char *name, GraphElem elem, int rank,
                             const int64_t *dim) {
  GraphInput *in = graph_input(flat->graph, name, elem);
  GraphTensor *type = ARENA_NEW(flat->arena, GraphTensor);
  *type = (GraphTensor){.elem = elem, .rank = rank, .count = 1};
  in->rank = rank;
  for (int k = 0; k < rank; k++) {
    in->dim[k].n = type->dim[k] = dim[k];
    if (dim[k] < 0 || !size_mul(type->count, dim[k], &type->count) || type->count > INT32_MAX)
      return NULL;
  }
  flat_set_type(flat, in->value, type);
  return in->value;
}

/* Whether a result of the node is marked in `used`. */
static bool gives_used(const GraphNode *node, const bool *used) {
  for (int k = 0; k < node->n_out; k++)
    if (used[node->out[k]->id]) return true;
  return false;
}

/* Marks the values from which the marked values are computed. */
static void mark_sources(const Graph *graph, bool *used) {
  for (int i = graph->n_nodes; i-- > 0;) {
    const GraphNode *node = graph->node[i];
    for (int k = 0; k < node->n_in && gives_used(node, used); k++)
      if (node->in[k]) used[node->in[k]->id] = true;
  }
}

/* used[id]: an output of the graph depends on this value. */
static bool *mark_used(const Flat *flat) {
  const Graph *graph = flat->graph;
  bool *used = ARENA_ARRAY(flat->arena, bool, graph->n_values ? graph->n_values : 1);
  for (int i = 0; i < graph->n_out; i++)
    used[graph->out[i].value->id] = true;
  mark_sources(graph, used);
  return used;
}

/* Adds an output for what each variable holds after the call, if an output of the file depends on
 * it in this call or in a later one. Other variables are removed, such as counters of random
 * numbers that the model does not use. now: by variable. */
static void end_variables(Flat *flat, GraphValue *const *now) {
  Graph *graph = flat->graph;
  bool *used = mark_used(flat), *kept = ARENA_ARRAY(flat->arena, bool, flat->n_variables + 1);
  for (bool changed = true; changed;) {
    changed = false;
    for (int i = 0; i < flat->n_variables; i++) {
      if (kept[i] || !used[graph->in[flat->variable[i].in].value->id]) continue;
      kept[i] = changed = true;
      used[now[i]->id] = true;
      mark_sources(graph, used);
    }
  }
  int n = 0;
  for (int i = 0; i < flat->n_variables; i++) {
    if (!kept[i]) continue;
    GraphInput in = graph->in[flat->variable[i].in];
    flat->variable[n] = (FlatVariable){
        .in = flat->n_file_in + n, .out = graph->n_out, .start = flat->variable[i].start};
    graph->in[flat->variable[n++].in] = in;
    graph_output(graph, in.name, now[i]);
  }
  flat->n_variables = n;
  graph->n_in = flat->n_file_in + n;
}

/* Removes nodes on which no output depends. */
static void drop_unused(Flat *flat) {
  Graph *graph = flat->graph;
  const bool *used = mark_used(flat);
  int n = 0;
  for (int i = 0; i < graph->n_nodes; i++)
    if (gives_used(graph->node[i], used)) graph->node[n++] = graph->node[i];
  graph->n_nodes = n;
}

/* The value to which zeros are added last. Exporters keep an input that the graph does not use by
 * adding 0 times the input. */
static GraphValue *without_zeros(const Flat *flat, GraphValue *value) {
  for (;;) {
    const GraphNode *node = value->node;
    int zero = -1;
    if (!node || node->op != GRAPH_Add) return value;
    for (int k = 0; k < 2; k++) {
      const GraphTensor *t = flat_type_of(flat, node->in[k]);
      bool all = graph_known(t);
      for (int64_t i = 0; i < t->count && all; i++)
        all = graph_at(t, i) == 0;
      if (all) zero = k;
    }
    if (zero < 0 ||
        flat_type_of(flat, node->in[1 - zero])->rank != flat_type_of(flat, value)->rank ||
        flat_type_of(flat, node->in[1 - zero])->count != flat_type_of(flat, value)->count)
      return value;
    value = node->in[1 - zero];
  }
}

Flat *flatten(const Graph *graph, const FlatSize *size, Arena *arena, GraphFault *fault) {
  Flat *flat = ARENA_NEW(arena, Flat);
  flat->arena = arena;
  flat->graph = graph_new(arena, arena_child(graph->numbers), graph->name);
  flat->n_variables = graph->n_variables;
  flat->variable = ARENA_ARRAY(arena, FlatVariable, graph->n_variables + 1);
  Flattening f = {.flat = flat, .fault = fault};
  f.variable = ARENA_ARRAY(arena, GraphValue *, graph->n_variables + 1);
  FlattenFrame *frame = frame_new(&f, graph, NULL);
  for (int i = 0; i < graph->n_in; i++) {
    const GraphInput *in = &graph->in[i];
    GraphValue *value = size[i].constant
                            ? flat_constant(flat, in->name, size[i].constant)
                            : add_input(flat, in->name, in->elem, size[i].rank, size[i].dim);
    if (!value) {
      flatten_fail(&f, arena_printf(arena, "input `%s` is too large", in->name));
      return NULL;
    }
    value->range = in->value->range;
    flatten_define(frame, in->value, (Meaning){.value = value});
  }
  flat->n_file_in = flat->graph->n_in;
  for (int i = 0; i < graph->n_variables; i++) {
    const GraphTensor *start = graph->variable[i].start;
    flat->variable[i] = (FlatVariable){.in = flat->graph->n_in, .out = -1, .start = start};
    f.variable[i] = add_input(flat, graph->variable[i].name, start->elem, start->rank, start->dim);
    if (!f.variable[i]) {
      flatten_misfit(&f, "a variable is too large");
      return NULL;
    }
  }
  if (!flatten_graph(&f, frame)) return NULL;
  for (int i = 0; i < graph->n_out; i++) {
    Meaning *m = flatten_meaning(&f, frame, graph->out[i].value);
    f.node = NULL;
    if (!m || !m->value) {
      flatten_fail(&f, "an output is a list");
      return NULL;
    }
    graph_output(flat->graph, graph->out[i].name, without_zeros(flat, m->value));
  }
  flat->n_file_out = flat->graph->n_out;
  end_variables(flat, f.variable);
  drop_unused(flat);
  return flat;
}
