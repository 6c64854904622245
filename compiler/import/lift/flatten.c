/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Graph and sizes to Flat: see flat.h. Every node is computed as far as constants reach; what is
 * left becomes a node of the flat graph, and its shape is known. */
#include "import/lift/flatten.h"

#include "base/shape.h"
#include "base/text.h"

#include <string.h>

static bool flatten_graph(Flattening *f, Frame *frame);

bool flatten_fail(Flattening *f, const char *text) {
  f->fault->node = f->node;
  f->fault->text = text;
  return false;
}

void flat_set_type(Flat *flat, const GraphValue *value, const GraphTensor *type) {
  flat->type = arena_grow(flat->arena, flat->type, &flat->cap_types, (size_t)value->id + 1,
                          sizeof *flat->type);
  flat->type[value->id] = type;
}

GraphValue *flat_constant(Flat *flat, const char *name, const GraphTensor *tensor) {
  GraphValue *value = graph_constant(flat->graph, name, tensor);
  flat_set_type(flat, value, tensor);
  return value;
}

GraphNode *flat_node(Flat *flat, GraphOp op, const GraphNode *like, int n_in, GraphValue *const *in,
                     int n_out) {
  GraphNode *node = graph_node(flat->graph, op, like ? like->name : "", like ? like->source : "",
                               n_in, in, n_out);
  node->masked = like ? like->masked : NULL;
  return node;
}

/* A call of `node` with what is known of its operands; *constant: all their numbers are. */
static GraphCall call_of(Flat *flat, const GraphNode *node, bool *constant) {
  const GraphTensor **in =
      ARENA_ARRAY(flat->arena, const GraphTensor *, node->n_in ? node->n_in : 1);
  *constant = true;
  for (int i = 0; i < node->n_in; i++) {
    in[i] = node->in[i] ? flat_type_of(flat, node->in[i]) : NULL;
    if (in[i] && !in[i]->data) *constant = false;
  }
  GraphTensor *out = ARENA_ARRAY(flat->arena, GraphTensor, node->n_out ? node->n_out : 1);
  return (GraphCall){.arena = flat->arena, .node = node, .in = in, .out = out};
}

bool flat_type(Flat *flat, GraphNode *node, const char **fault) {
  bool constant;
  GraphCall call = call_of(flat, node, &constant);
  if (!graph_call_shape(&call)) {
    *fault = call.fault;
    return false;
  }
  for (int i = 0; i < node->n_out; i++)
    flat_set_type(flat, node->out[i], &call.out[i]);
  return true;
}

static Frame *frame_of(Frame *frame, const GraphValue *value) {
  while (frame && !(value->id < frame->graph->n_values && frame->graph->value[value->id] == value))
    frame = frame->outer;
  return frame;
}

static Meaning *meaning_of(Flattening *f, Frame *frame, const GraphValue *value) {
  Frame *home = frame_of(frame, value);
  if (!home) return NULL;
  Meaning *m = &home->meaning[value->id];
  if (!m->value && !m->list && value->constant)
    m->value = flat_constant(f->flat, value->name, value->constant);
  return m;
}

void flatten_define(Frame *frame, const GraphValue *value, Meaning meaning) {
  if (value) frame->meaning[value->id] = meaning;
}

/* The flat value of operand i; NULL: left out, or a list. */
GraphValue *flatten_operand(Flattening *f, Frame *frame, const GraphNode *node, int i) {
  if (i >= node->n_in || !node->in[i]) return NULL;
  Meaning *m = meaning_of(f, frame, node->in[i]);
  return m ? m->value : NULL;
}

FlatList *flatten_list_operand(Flattening *f, Frame *frame, const GraphNode *node, int i) {
  Meaning *m = i < node->n_in && node->in[i] ? meaning_of(f, frame, node->in[i]) : NULL;
  return m ? m->list : NULL;
}

/* The number that a scalar operand is; false where it depends on data. */
bool flatten_number(const Flat *flat, const GraphValue *value, double *out) {
  const GraphTensor *t = value ? flat_type_of(flat, value) : NULL;
  if (!t || !t->data || t->count != 1) return false;
  *out = t->data[0];
  return true;
}

/* The axis that a Slice reverses, all of it, and no other; -1: it does something else. */
static int reversed_axis(const Flat *flat, GraphValue *const *in, int n_in, const GraphTensor *y) {
  const GraphTensor *x = flat_type_of(flat, in[0]), *starts = flat_type_of(flat, in[1]);
  const GraphTensor *axes = n_in > 3 && in[3] ? flat_type_of(flat, in[3]) : NULL,
                    *steps = n_in > 4 && in[4] ? flat_type_of(flat, in[4]) : NULL;
  if (!steps || starts->count != 1 || steps->data[0] != -1) return -1;
  int64_t axis = axes ? (int64_t)axes->data[0] : 0;
  if (axis < 0) axis += x->rank;
  return x->dim[axis] == y->dim[axis] ? (int)axis : -1;
}

/* The axis that a ReverseSequence reverses in full for every sample; -1: it does something else. */
static int whole_reversed_axis(const Flat *flat, const GraphNode *node, GraphValue *const *in) {
  const GraphTensor *x = flat_type_of(flat, in[0]), *lengths = flat_type_of(flat, in[1]);
  int64_t axis = graph_int(node, GRAPH_ATTR_axis, 0);
  if (axis < 0) axis += x->rank;
  for (int64_t i = 0; lengths->data && i < lengths->count; i++)
    if (lengths->data[i] != (double)x->dim[axis]) return -1;
  return lengths->data ? (int)axis : -1;
}

/* Identity in all but name, and casts among numbers that stay the same: no node is needed. */
static bool is_alias(const Flat *flat, const GraphNode *node, const GraphValue *in) {
  if (node->op == GRAPH_Identity) return true;
  if (node->op != GRAPH_Cast) return false;
  bool from_whole = graph_elem_is_whole(flat_type_of(flat, in)->elem);
  bool to_whole = graph_elem_is_whole((GraphElem)graph_int(node, GRAPH_ATTR_elem, GRAPH_FLOAT));
  return from_whole == to_whole && flat_type_of(flat, in)->elem != GRAPH_BOOL;
}

/* The best of one element is that element, at place 0. */
static bool best_of_one(Flat *flat, Frame *frame, const GraphNode *node, GraphValue *x,
                        const GraphCall *call) {
  const GraphTensor *t = call->in[0], *place = &call->out[1];
  int64_t axis = graph_int(node, GRAPH_ATTR_axis, 0);
  double *data;
  if (node->op != GRAPH_TopK || t->dim[axis < 0 ? axis + t->rank : axis] != 1 ||
      call->out[0].count != t->count)
    return false;
  place = graph_tensor(flat->arena, place->elem, place->rank, place->dim, &data);
  GraphValue *made[2] = {x, flat_constant(flat, "", place)};
  for (int k = 0; k < 2; k++)
    if (node->out[k]) flatten_define(frame, node->out[k], (Meaning){.value = made[k]});
  return true;
}

/* Axes that a reader counted from the end count from the front in a flat graph, where ranks are
 * known. */
static void count_axes_from_front(Flat *flat, GraphNode *node) {
  static const GraphAttributeName counted[] = {GRAPH_ATTR_axis, GRAPH_ATTR_axes,
                                               GRAPH_ATTR_batch_axis};
  bool adds = node->op == GRAPH_Unsqueeze || node->op == GRAPH_OneHot;
  int rank = adds                        ? flat_type_of(flat, node->out[0])->rank
             : node->n_in && node->in[0] ? flat_type_of(flat, node->in[0])->rank
                                         : 0;
  for (size_t i = 0; i < sizeof counted / sizeof *counted; i++) {
    const GraphAttribute *a = graph_attribute(node, counted[i]);
    int64_t front[GRAPH_MAX_RANK];
    bool from_end = false;
    for (int k = 0; a && k < a->n && k < GRAPH_MAX_RANK; k++) {
      front[k] = a->i[k] < 0 ? a->i[k] + rank : a->i[k];
      from_end = from_end || a->i[k] < 0;
    }
    if (from_end)
      graph_set_ints(flat->graph, node, counted[i], a->n < GRAPH_MAX_RANK ? a->n : GRAPH_MAX_RANK,
                     front);
  }
}

/* A reduction of all axes from one on names them each. */
static void name_reduced_axes(Flat *flat, GraphNode *node) {
  int64_t axes[GRAPH_MAX_RANK], first = graph_int(node, GRAPH_ATTR_axis, 0);
  int n = 0;
  bool reduces = node->op >= GRAPH_ReduceSum && node->op <= GRAPH_ReduceAny;
  if (!reduces || !graph_attribute(node, GRAPH_ATTR_axis) || graph_attribute(node, GRAPH_ATTR_axes))
    return;
  for (int64_t i = first; i < flat_type_of(flat, node->in[0])->rank; i++)
    axes[n++] = i;
  graph_set_ints(flat->graph, node, GRAPH_ATTR_axes, n, axes);
}

/* An operator that computes: a constant, an alias or a node. */
static bool flatten_call(Flattening *f, Frame *frame, const GraphNode *node) {
  Flat *flat = f->flat;
  GraphValue **in = ARENA_ARRAY(flat->arena, GraphValue *, node->n_in ? node->n_in : 1);
  for (int i = 0; i < node->n_in; i++) {
    in[i] = flatten_operand(f, frame, node, i);
    if (node->in[i] && !in[i])
      return flatten_fail(f, "reads a value that nothing before it defines");
  }
  if (node->n_in == 1 && is_alias(flat, node, in[0])) {
    flatten_define(frame, node->out[0], (Meaning){.value = in[0]});
    return true;
  }
  if (flat->graph->n_nodes >= FLAT_MAX_NODES)
    return flatten_fail(f, "its steps, written out, are too many");
  GraphNode trial = *node;
  trial.in = in;
  bool constant;
  GraphCall call = call_of(flat, &trial, &constant);
  bool sizes = node->op == GRAPH_Shape || node->op == GRAPH_Size;
  bool known = constant || sizes;
  if (!(known ? graph_call_eval(&call) : graph_call_shape(&call)))
    return flatten_fail(f, call.fault);
  if (known) {
    for (int i = 0; i < node->n_out; i++)
      if (node->out[i])
        flatten_define(frame, node->out[i],
                       (Meaning){.value = flat_constant(flat, node->out[i]->name, &call.out[i])});
    return true;
  }
  if (best_of_one(flat, frame, node, in[0], &call)) return true;
  GraphValue *simple = flat_simplified(flat, &trial);
  if (simple) {
    flatten_define(frame, node->out[0], (Meaning){.value = simple});
    return true;
  }
  int reversed = node->op == GRAPH_Slice ? reversed_axis(flat, in, node->n_in, &call.out[0])
                 : node->op == GRAPH_ReverseSequence ? whole_reversed_axis(flat, node, in)
                                                     : -1;
  if (reversed >= 0) {
    GraphNode *reverse = flat_node(flat, GRAPH_Reverse, node, 1, in, 1);
    graph_set_int(flat->graph, reverse, GRAPH_ATTR_axes, reversed);
    flat_set_type(flat, reverse->out[0], &call.out[0]);
    flatten_define(frame, node->out[0], (Meaning){.value = reverse->out[0]});
    return true;
  }
  GraphNode *made = flat_node(flat, node->op, node, node->n_in, in, node->n_out);
  made->attribute = ARENA_ARRAY(flat->arena, GraphAttribute, node->n_attributes + 1);
  for (int i = 0; i < node->n_attributes; i++)
    made->attribute[i] = node->attribute[i];
  made->n_attributes = node->n_attributes;
  for (int i = 0; i < node->n_out; i++)
    flat_set_type(flat, made->out[i], &call.out[i]);
  count_axes_from_front(flat, made);
  name_reduced_axes(flat, made);
  for (int i = 0; i < node->n_out; i++) {
    if (!node->out[i]) continue;
    made->out[i]->name = node->out[i]->name;
    flatten_define(frame, node->out[i], (Meaning){.value = made->out[i]});
  }
  return true;
}

/* Computes op(in...) on the way: for what lists need. */
GraphValue *flatten_compute(Flattening *f, GraphOp op, int n_in, GraphValue **in,
                            GraphAttributeName name, int64_t number) {
  Flat *flat = f->flat;
  GraphNode *node = flat_node(flat, op, f->node, n_in, in, 1);
  graph_set_int(flat->graph, node, name, number);
  bool constant;
  GraphCall call = call_of(flat, node, &constant);
  if (!(constant ? graph_call_eval(&call) : graph_call_shape(&call))) {
    flatten_fail(f, call.fault);
    return NULL;
  }
  flat_set_type(flat, node->out[0], &call.out[0]);
  if (!constant) return node->out[0];
  flat->graph->n_nodes--;
  return flat_constant(flat, "", &call.out[0]);
}

/* [n, ...] of n values of one shape; concat: joined along axis instead. */
GraphValue *flatten_stack(Flattening *f, int n, GraphValue **element, bool concat, int64_t axis) {
  GraphValue **row = ARENA_ARRAY(f->flat->arena, GraphValue *, n ? n : 1);
  for (int i = 0; i < n; i++) {
    row[i] = concat ? element[i]
                    : flatten_compute(f, GRAPH_Unsqueeze, 1, &element[i], GRAPH_ATTR_axes, axis);
    if (!row[i]) return NULL;
  }
  return flatten_compute(f, GRAPH_Concat, n, row, GRAPH_ATTR_axis, axis);
}

/* ---- control ---- */

static Frame *frame_new(Flattening *f, const Graph *graph, Frame *outer) {
  Frame *frame = ARENA_NEW(f->flat->arena, Frame);
  frame->graph = graph;
  frame->outer = outer;
  frame->meaning = ARENA_ARRAY(f->flat->arena, Meaning, graph->n_values ? graph->n_values : 1);
  return frame;
}

static bool run_body(Flattening *f, const Graph *body, Frame *outer, const Meaning *in,
                     Meaning *out) {
  const GraphNode *node = f->node;
  if (f->depth >= FLAT_MAX_DEPTH) return flatten_fail(f, "stands in too many bodies");
  Frame *frame = frame_new(f, body, outer);
  for (int i = 0; i < body->n_in; i++)
    flatten_define(frame, body->in[i].value, in[i]);
  f->depth++;
  bool ok = flatten_graph(f, frame);
  f->depth--;
  for (int i = 0; i < body->n_out && ok; i++) {
    Meaning *m = meaning_of(f, frame, body->out[i].value);
    ok = m && (m->value || m->list) ? true : flatten_fail(f, "gives a result that nothing defines");
    if (ok) out[i] = *m;
  }
  if (ok) f->node = node;
  return ok;
}

static bool flatten_if(Flattening *f, Frame *frame, const GraphNode *node) {
  double condition;
  if (!flatten_number(f->flat, flatten_operand(f, frame, node, 0), &condition))
    return flatten_fail(f, "takes a branch that depends on data");
  const Graph *body = node->body[condition != 0 ? 0 : 1];
  if (!body || body->n_out < node->n_out) return flatten_fail(f, "has a branch without results");
  Meaning *out = ARENA_ARRAY(f->flat->arena, Meaning, body->n_out + 1);
  if (!run_body(f, body, frame, NULL, out)) return false;
  for (int i = 0; i < node->n_out; i++)
    flatten_define(frame, node->out[i], out[i]);
  return true;
}

/* The operands of a control node from `first`, as what they mean. */
static bool meanings(Flattening *f, Frame *frame, const GraphNode *node, int first, Meaning *out) {
  for (int i = first; i < node->n_in; i++) {
    Meaning *m = node->in[i] ? meaning_of(f, frame, node->in[i]) : NULL;
    if (!m || (!m->value && !m->list))
      return flatten_fail(f, "carries a value that nothing defines");
    out[i - first] = *m;
  }
  return true;
}

/* Row lists that a loop gives: stacked along axis, last step first if reversed. */
static bool define_rows(Flattening *f, Frame *frame, const GraphValue *to, GraphValue **row, int n,
                        int64_t axis, bool reversed) {
  if (!to) return true;
  if (!n) return flatten_fail(f, "goes through no step at all, so its rows have no shape");
  for (int i = 0; i < n / 2 && reversed; i++) {
    GraphValue *other = row[i];
    row[i] = row[n - 1 - i];
    row[n - 1 - i] = other;
  }
  GraphValue *value = flatten_stack(f, n, row, false, axis);
  if (!value) return false;
  flatten_define(frame, to, (Meaning){.value = value});
  return true;
}

static bool flatten_loop(Flattening *f, Frame *frame, const GraphNode *node) {
  Flat *flat = f->flat;
  const Graph *body = node->body[0];
  int carried = node->n_in - 2, rows = body ? body->n_out - 1 - carried : -1;
  double count = FLAT_MAX_NODES, condition = 1;
  if (!body || rows < 0 || body->n_in != carried + 2 || node->n_out != carried + rows)
    return flatten_fail(f, "has a body that does not fit it");
  if (node->in[0] && !flatten_number(flat, flatten_operand(f, frame, node, 0), &count))
    return flatten_fail(f, "runs a number of steps that depends on data");
  if (node->in[1] && !flatten_number(flat, flatten_operand(f, frame, node, 1), &condition))
    return flatten_fail(f, "runs while a condition holds that depends on data");
  Meaning *in = ARENA_ARRAY(flat->arena, Meaning, carried + 2),
          *out = ARENA_ARRAY(flat->arena, Meaning, body->n_out + 1);
  if (!meanings(f, frame, node, 2, in + 2)) return false;
  GraphValue ***row = ARENA_ARRAY(flat->arena, GraphValue **, rows ? rows : 1);
  size_t *cap = ARENA_ARRAY(flat->arena, size_t, rows ? rows : 1);
  int steps = 0;
  for (; steps < count && condition != 0; steps++) {
    if (flat->graph->n_nodes >= FLAT_MAX_NODES || steps >= FLAT_MAX_NODES)
      return flatten_fail(f, "its steps, written out, are too many");
    in[0] =
        (Meaning){.value = flat_constant(flat, "", graph_scalar(flat->arena, GRAPH_I64, steps))};
    in[1] = (Meaning){.value = flat_constant(flat, "", graph_scalar(flat->arena, GRAPH_BOOL, 1))};
    if (!run_body(f, body, frame, in, out)) return false;
    if (!flatten_number(flat, out[0].value, &condition))
      return flatten_fail(f, "runs while a condition holds that depends on data");
    for (int i = 0; i < carried; i++)
      in[2 + i] = out[1 + i];
    for (int i = 0; i < rows; i++) {
      int n = steps;
      if (!out[1 + carried + i].value) return flatten_fail(f, "gives rows that are no tensors");
      ARENA_PUSH(flat->arena, row[i], n, cap[i], out[1 + carried + i].value);
    }
  }
  for (int i = 0; i < carried; i++)
    flatten_define(frame, node->out[i], in[2 + i]);
  for (int i = 0; i < rows; i++)
    if (!define_rows(f, frame, node->out[carried + i], row[i], steps, 0, false)) return false;
  return true;
}

static int64_t listed(const GraphNode *node, GraphAttributeName name, int i) {
  const GraphAttribute *a = graph_attribute(node, name);
  return a && i < a->n ? a->i[i] : 0;
}

static bool flatten_scan(Flattening *f, Frame *frame, const GraphNode *node) {
  Flat *flat = f->flat;
  const Graph *body = node->body[0];
  int sequences = (int)graph_int(node, GRAPH_ATTR_scan_inputs, 0), carried = node->n_in - sequences;
  int rows = body ? body->n_out - carried : -1;
  if (!body || sequences < 1 || carried < 0 || rows < 0 || body->n_in != node->n_in ||
      node->n_out != carried + rows)
    return flatten_fail(f, "has a body that does not fit it");
  Meaning *given = ARENA_ARRAY(flat->arena, Meaning, node->n_in),
          *in = ARENA_ARRAY(flat->arena, Meaning, node->n_in);
  Meaning *out = ARENA_ARRAY(flat->arena, Meaning, body->n_out + 1);
  if (!meanings(f, frame, node, 0, given)) return false;
  int64_t steps = -1;
  for (int i = 0; i < sequences; i++) {
    const GraphValue *x = given[carried + i].value;
    const GraphTensor *t = x ? flat_type_of(flat, x) : NULL;
    int64_t axis = listed(node, GRAPH_ATTR_scan_axes, i);
    if (!t || axis >= t->rank || (steps >= 0 && t->dim[axis] != steps))
      return flatten_fail(f, "scans values of different lengths");
    steps = t->dim[axis];
  }
  memcpy(in, given, sizeof *in * (size_t)node->n_in);
  GraphValue ***row = ARENA_ARRAY(flat->arena, GraphValue **, rows ? rows : 1);
  for (int i = 0; i < rows; i++)
    row[i] = ARENA_ARRAY(flat->arena, GraphValue *, steps ? steps : 1);
  for (int64_t s = 0; s < steps; s++) {
    for (int i = 0; i < sequences; i++) {
      int64_t at = listed(node, GRAPH_ATTR_scan_reverse, i) ? steps - 1 - s : s;
      GraphValue *place = flat_constant(flat, "", graph_scalar(flat->arena, GRAPH_I64, (double)at));
      in[carried + i].value =
          flatten_compute(f, GRAPH_Gather, 2, (GraphValue *[]){given[carried + i].value, place},
                          GRAPH_ATTR_axis, listed(node, GRAPH_ATTR_scan_axes, i));
      if (!in[carried + i].value) return false;
    }
    if (!run_body(f, body, frame, in, out)) return false;
    for (int i = 0; i < carried; i++)
      in[i] = out[i];
    for (int i = 0; i < rows; i++)
      row[i][s] = out[carried + i].value;
  }
  for (int i = 0; i < carried; i++)
    flatten_define(frame, node->out[i], in[i]);
  for (int i = 0; i < rows; i++)
    if (!define_rows(f, frame, node->out[carried + i], row[i], (int)steps,
                     listed(node, GRAPH_ATTR_out_axes, i),
                     listed(node, GRAPH_ATTR_out_reverse, i) != 0))
      return false;
  return true;
}

static bool flatten_while(Flattening *f, Frame *frame, const GraphNode *node) {
  Flat *flat = f->flat;
  const Graph *test = node->body[0], *step = node->body[1];
  if (!test || !step || test->n_out != 1 || test->n_in != node->n_in || step->n_in != node->n_in ||
      step->n_out != node->n_in || node->n_out != node->n_in)
    return flatten_fail(f, "has bodies that do not fit it");
  Meaning *in = ARENA_ARRAY(flat->arena, Meaning, node->n_in + 1),
          *out = ARENA_ARRAY(flat->arena, Meaning, node->n_in + 1);
  if (!meanings(f, frame, node, 0, in)) return false;
  for (int steps = 0;; steps++) {
    Meaning answer;
    double condition;
    if (steps >= FLAT_MAX_NODES || flat->graph->n_nodes >= FLAT_MAX_NODES)
      return flatten_fail(f, "its steps, written out, are too many");
    if (!run_body(f, test, frame, in, &answer)) return false;
    if (!flatten_number(flat, answer.value, &condition))
      return flatten_fail(f, "runs while a condition holds that depends on data");
    if (condition == 0) break;
    if (!run_body(f, step, frame, in, out)) return false;
    memcpy(in, out, sizeof *in * (size_t)node->n_in);
  }
  for (int i = 0; i < node->n_out; i++)
    flatten_define(frame, node->out[i], in[i]);
  return true;
}

static bool flatten_variable(Flattening *f, Frame *frame, const GraphNode *node) {
  int64_t which = graph_int(node, GRAPH_ATTR_variable, -1);
  if (which < 0 || which >= f->flat->n_variables)
    return flatten_fail(f, "names a variable that the file does not have");
  if (node->op == GRAPH_VarAssign) {
    f->variable[which] = flatten_operand(f, frame, node, 0);
    return f->variable[which] ? true : flatten_fail(f, "sets a variable to what is no tensor");
  }
  flatten_define(frame, node->out[0], (Meaning){.value = f->variable[which]});
  return true;
}

static bool flatten_node(Flattening *f, Frame *frame, const GraphNode *node) {
  f->node = node;
  switch (node->op) {
  case GRAPH_If: return flatten_if(f, frame, node);
  case GRAPH_Loop: return flatten_loop(f, frame, node);
  case GRAPH_Scan: return flatten_scan(f, frame, node);
  case GRAPH_While: return flatten_while(f, frame, node);
  case GRAPH_VarRead:
  case GRAPH_VarAssign: return flatten_variable(f, frame, node);
  case GRAPH_ListNew:
  case GRAPH_ListFrom:
  case GRAPH_ListGet:
  case GRAPH_ListSet:
  case GRAPH_ListPush:
  case GRAPH_ListStack:
  case GRAPH_ListConcat:
  case GRAPH_ListSize: return flatten_list(f, frame, node);
  default: return flatten_call(f, frame, node);
  }
}

static bool flatten_graph(Flattening *f, Frame *frame) {
  for (int i = 0; i < frame->graph->n_nodes; i++)
    if (!flatten_node(f, frame, frame->graph->node[i])) return false;
  return true;
}

/* A fresh input of the flat graph with this type; NULL: it is too large to be one. */
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

/* What no output needs is left out: constants of shapes, the other results of loops. */
static void drop_unused(Flat *flat) {
  Graph *graph = flat->graph;
  bool *used = ARENA_ARRAY(flat->arena, bool, graph->n_values ? graph->n_values : 1);
  for (int i = 0; i < graph->n_out; i++)
    used[graph->out[i].value->id] = true;
  for (int i = graph->n_nodes; i-- > 0;) {
    GraphNode *node = graph->node[i];
    bool any = false;
    for (int k = 0; k < node->n_out; k++)
      any = any || used[node->out[k]->id];
    for (int k = 0; k < node->n_in && any; k++)
      if (node->in[k]) used[node->in[k]->id] = true;
    if (!any) graph->node[i] = NULL;
  }
  int n = 0;
  for (int i = 0; i < graph->n_nodes; i++)
    if (graph->node[i]) graph->node[n++] = graph->node[i];
  graph->n_nodes = n;
}

Flat *flatten(const Graph *graph, const FlatSize *size, Arena *arena, GraphFault *fault) {
  Flat *flat = ARENA_NEW(arena, Flat);
  flat->arena = arena;
  flat->graph = graph_new(arena, graph->name);
  flat->n_variables = graph->n_variables;
  flat->variable = ARENA_ARRAY(arena, FlatVariable, graph->n_variables + 1);
  Flattening f = {.flat = flat, .fault = fault};
  f.variable = ARENA_ARRAY(arena, GraphValue *, graph->n_variables + 1);
  Frame *frame = frame_new(&f, graph, NULL);
  for (int i = 0; i < graph->n_in; i++) {
    const GraphInput *in = &graph->in[i];
    GraphValue *value = size[i].constant
                            ? flat_constant(flat, in->name, size[i].constant)
                            : add_input(flat, in->name, in->elem, size[i].rank, size[i].dim);
    if (!value) {
      flatten_fail(&f, arena_printf(arena, "input `%s` is too large", in->name));
      return NULL;
    }
    flatten_define(frame, in->value, (Meaning){.value = value});
  }
  flat->n_file_in = flat->graph->n_in;
  for (int i = 0; i < graph->n_variables; i++) {
    const GraphTensor *start = graph->variable[i].start;
    flat->variable[i] = (FlatVariable){.in = flat->graph->n_in, .out = -1, .start = start};
    f.variable[i] = add_input(flat, graph->variable[i].name, start->elem, start->rank, start->dim);
    if (!f.variable[i]) {
      flatten_fail(&f, "a variable is too large");
      return NULL;
    }
  }
  if (!flatten_graph(&f, frame)) return NULL;
  for (int i = 0; i < graph->n_out; i++) {
    Meaning *m = meaning_of(&f, frame, graph->out[i].value);
    f.node = NULL;
    if (!m || !m->value) {
      flatten_fail(&f, "an output is no tensor");
      return NULL;
    }
    graph_output(flat->graph, graph->out[i].name, m->value);
  }
  flat->n_file_out = flat->graph->n_out;
  for (int i = 0; i < graph->n_variables; i++) {
    flat->variable[i].out = flat->graph->n_out;
    graph_output(flat->graph, graph->variable[i].name, f.variable[i]);
  }
  drop_unused(flat);
  return flat;
}
