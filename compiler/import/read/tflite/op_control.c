/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Branches, loops and variables. In, operators whose bodies are subgraphs, and resources. Out, If
 * and While, and variables of the graph. The reader follows resources: a body in the graph has no
 * input for one, and the resource that comes out of a body has to be the one that went in. */
#include "import/read/tflite/reader.h"

#include <string.h>

enum { MOST_INITIALISED = 16, MOST_VARIABLES = 4096 };

/* The most work that initial values of variables may take: they are tables and zeros. */
static const GraphLimits initial_limits = {.steps = 1 << 12, .work = 1 << 26, .room = 1 << 24};

/* The TflVariable for which operand k stands; TFL_NO_VARIABLE if it is not a resource. */
static int resource_of(const TflCall *c, int k) {
  const TflTensor *t = tfl_from(c, k);
  return t && t->type == TFL_RESOURCE ? c->scope->resource[t - c->scope->tensor] : TFL_NO_VARIABLE;
}

/* ---- bodies ---- */

/* The number of the tensor that is entry k of a list, such as scope->in. */
static int32_t listed(const TflScope *scope, FlatVector list, int k) {
  return flat_element_i32(&scope->reader->flat, list, (uint32_t)k);
}

/* Sets input k of a body to a resource or, if that is TFL_NO_VARIABLE, to a value; false after
 * reporting. */
static bool bind(TflCall *c, TflScope *body, int k, int resource, GraphValue *value) {
  int32_t i = listed(body, body->in, k);
  if (i < 0 || i >= body->n_tensors || body->value[i]) return tfl_broken(c->reader);
  bool is_resource = body->tensor[i].type == TFL_RESOURCE;
  if (is_resource != (resource != TFL_NO_VARIABLE))
    return tfl_refuse(c, E901, "has a body whose input %d is of another kind", k);
  body->resource[i] = resource;
  body->value[i] = value;
  return true;
}

/* Sets the inputs of a body of a loop: to the resources among the operands of c, and to inputs of
 * the body's graph for the others. False after reporting. */
static bool bind_all(TflCall *c, TflScope *body) {
  if (body->in.n != (uint32_t)c->n_in)
    return tfl_refuse(c, E901, "has a body of %u inputs for %d operands", body->in.n, c->n_in);
  for (int k = 0; k < c->n_in; k++) {
    int32_t i = listed(body, body->in, k);
    int resource = resource_of(c, k);
    GraphElem elem = GRAPH_FLOAT;
    if (i < 0 || i >= body->n_tensors) return tfl_broken(c->reader);
    if (resource == TFL_NO_VARIABLE && !c->in[k])
      return tfl_lacks(c, E902, tfl_cut(c), "carries operand %d, which has no value", k);
    tfl_elem(body->tensor[i].type, &elem); /* lists have none: their elements have */
    GraphValue *value = resource == TFL_NO_VARIABLE
                            ? graph_input(body->graph, body->tensor[i].name, elem)->value
                            : NULL;
    if (!bind(c, body, k, resource, value)) return false;
  }
  return true;
}

/* Makes result k of a body an output of its graph. If it is a resource, it has to be `resource`.
 * False after reporting. */
static bool deliver(TflCall *c, TflScope *body, int k, int resource) {
  int32_t i = listed(body, body->out, k);
  if (i < 0 || i >= body->n_tensors) return tfl_broken(c->reader);
  if (body->tensor[i].type == TFL_RESOURCE || resource != TFL_NO_VARIABLE)
    return body->resource[i] == resource ||
           tfl_lacks(c, E902,
                     "give each variable its new value in the body, with `assign`, and carry it at "
                     "one place",
                     "returns another variable than it gets, which is not supported");
  GraphValue *value = tfl_value(body, i);
  if (value) graph_output(body->graph, body->tensor[i].name, value);
  return value != NULL;
}

bool tfl_op_while(TflCall *c) {
  TflScope condition, step;
  GraphValue **in = ARENA_ARRAY(c->reader->arena, GraphValue *, c->n_in + 1);
  int n = 0;
  if (c->n_in != c->n_out)
    return tfl_refuse(c, E901, "has %d operands and %d results", c->n_in, c->n_out);
  if (!tfl_body(c, tfl_option(c, 0, -1), true, &condition) || !bind_all(c, &condition) ||
      !tfl_read(&condition))
    return false;
  if (condition.out.n != 1)
    return tfl_refuse(c, E901, "has a condition of %u outputs", condition.out.n);
  if (!deliver(c, &condition, 0, TFL_NO_VARIABLE)) return false;
  if (!tfl_body(c, tfl_option(c, 1, -1), true, &step) || !bind_all(c, &step) || !tfl_read(&step))
    return false;
  if (step.out.n != (uint32_t)c->n_in)
    return tfl_refuse(c, E901, "has a body of %u outputs for %d operands", step.out.n, c->n_in);
  for (int k = 0; k < c->n_in; k++) {
    if (!deliver(c, &step, k, resource_of(c, k))) return false;
    if (resource_of(c, k) == TFL_NO_VARIABLE) in[n++] = c->in[k];
  }
  GraphNode *node = emit_node(c->emit, GRAPH_While, n, in, n);
  node->body[0] = condition.graph;
  node->body[1] = step.graph;
  n = 0;
  for (int k = 0; k < c->n_out; k++) {
    int resource = resource_of(c, k);
    if (resource == TFL_NO_VARIABLE && !tfl_set(c, k, node->out[n++])) return false;
    if (resource != TFL_NO_VARIABLE && c->to[k])
      c->scope->resource[c->to[k] - c->scope->tensor] = resource;
  }
  return true;
}

/* Reads a branch of an If as a body without inputs, in which the operands after the condition stand
 * for themselves: they are values of the graph around it. False after reporting. */
static bool branch(TflCall *c, unsigned option, TflScope *body) {
  if (!tfl_body(c, tfl_option(c, option, -1), true, body)) return false;
  if (body->in.n + 1 != (uint32_t)c->n_in || body->out.n != (uint32_t)c->n_out)
    return tfl_refuse(c, E901, "has a branch of %u inputs and %u outputs", body->in.n, body->out.n);
  for (int k = 1; k < c->n_in; k++) {
    int resource = resource_of(c, k);
    if (resource == TFL_NO_VARIABLE && !c->in[k])
      return tfl_lacks(c, E902, tfl_cut(c), "reads operand %d, which has no value", k);
    if (!bind(c, body, k - 1, resource, c->in[k])) return false;
  }
  if (!tfl_read(body)) return false;
  for (int k = 0; k < c->n_out; k++)
    if (!deliver(c, body, k, TFL_NO_VARIABLE)) return false;
  return true;
}

bool tfl_op_if(TflCall *c) {
  TflScope yes, no;
  if (!c->in[0]) return tfl_refuse(c, E901, "has no condition");
  if (!branch(c, 0, &yes) || !branch(c, 1, &no)) return false;
  GraphNode *node = emit_node(c->emit, GRAPH_If, 1, c->in, c->n_out);
  node->body[0] = yes.graph;
  node->body[1] = no.graph;
  for (int k = 0; k < c->n_out; k++)
    if (!tfl_set(c, k, node->out[k])) return false;
  return true;
}

/* ---- variables ---- */

/* Adds a variable to the outermost graph; its number there. start: NULL if it is not known yet. */
static int add_variable(TflReader *r, const char *name, const GraphTensor *start) {
  Graph *graph = r->graph;
  ARENA_PUSH(graph->arena, graph->variable, graph->n_variables, graph->cap_variables,
             ((GraphVariable){name, start}));
  return graph->n_variables - 1;
}

/* The number of the variable of the graph for a resource. */
static int in_graph(TflReader *r, int resource) {
  TflVariable *v = &r->variable[resource];
  if (v->in_graph == TFL_NO_VARIABLE) v->in_graph = add_variable(r, v->name, NULL);
  return v->in_graph;
}

GraphValue *tfl_variable_read(TflCall *c, int variable) {
  GraphNode *node = emit_node(c->emit, GRAPH_VarRead, 0, NULL, 1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_variable, variable);
  return node->out[0];
}

void tfl_variable_assign(TflCall *c, int variable, GraphValue *value) {
  GraphNode *node = emit_node(c->emit, GRAPH_VarAssign, 1, &value, 0);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_variable, variable);
}

int tfl_state_variable(TflCall *c, int k) {
  const TflTensor *t = tfl_from(c, k);
  GraphElem elem;
  double *data;
  if (!t || !t->variable || t->data || !tfl_elem(t->type, &elem)) {
    tfl_lacks(c, E902,
              "convert it again from the Keras model: `tf.lite.TFLiteConverter.from_keras_model` "
              "makes its "
              "states variables",
              "has a state that is not a variable");
    return TFL_NO_VARIABLE;
  }
  for (int i = 0; i < t->rank; i++)
    if (t->dim[i] < 0) {
      tfl_lacks(c, E904,
                "convert it with a batch of one size: `keras.Input((None, 3), batch_size=1)`",
                "keeps a state whose size along axis %d is open", i);
      return TFL_NO_VARIABLE;
    }
  GraphTensor *start = t->rank < 0 ? NULL
                                   : graph_tensor_within(c->reader->arena, elem, t->rank, t->dim,
                                                         c->reader->numbers, &data);
  if (!start) {
    tfl_refuse(c, E901, "keeps a state that is too large");
    return TFL_NO_VARIABLE;
  }
  c->reader->numbers -= start->count;
  for (int64_t i = 0; i < start->count; i++)
    data[i] = tfl_quantised(t) ? graph_at(t->zero, 0) : 0;
  return add_variable(c->reader, t->name, start);
}

/* Two handles with the same container and name stand for the same variable. */
bool tfl_op_var_handle(TflCall *c) {
  TflReader *r = c->reader;
  const char *container = tfl_text(r, c->op.options, 0), *name = tfl_text(r, c->op.options, 1);
  const char *whole = *container ? arena_printf(r->arena, "%s/%s", container, name) : name;
  int i = 0;
  if (!c->to[0] || c->to[0]->type != TFL_RESOURCE) return tfl_refuse(c, E901, "makes no resource");
  while (i < r->n_variables && strcmp(r->variable[i].name, whole) != 0)
    i++;
  if (i == MOST_VARIABLES)
    return tfl_refuse(c, E901, "makes one variable too many: at most %d are supported",
                      MOST_VARIABLES);
  if (i == r->n_variables)
    ARENA_PUSH(r->arena, r->variable, r->n_variables, r->cap_variables,
               ((TflVariable){whole, TFL_NO_VARIABLE, NULL}));
  c->scope->resource[c->to[0] - c->scope->tensor] = i;
  return true;
}

bool tfl_op_read_variable(TflCall *c) {
  int resource = resource_of(c, 0);
  if (resource == TFL_NO_VARIABLE)
    return tfl_refuse(c, E901, "reads a value that is not a resource");
  if (c->scope->initial)
    return tfl_lacks(c, E902, "begin each variable with constants: `tf.Variable(tf.zeros((1, 8)))`",
                     "reads a variable while initial values are set");
  if (!c->reader->variable[resource].reader) c->reader->variable[resource].reader = c->emit->name;
  return tfl_set(c, 0, tfl_variable_read(c, in_graph(c->reader, resource)));
}

bool tfl_op_assign_variable(TflCall *c) {
  int resource = resource_of(c, 0);
  if (resource == TFL_NO_VARIABLE || !c->in[1])
    return tfl_refuse(c, E901, "sets a value that is not a resource, or sets it to nothing");
  if (!c->scope->initial) {
    tfl_variable_assign(c, in_graph(c->reader, resource), c->in[1]);
    return true;
  }
  graph_output(c->scope->graph, c->reader->variable[resource].name, c->in[1]);
  ARENA_PUSH(c->reader->arena, c->scope->started, c->scope->n_started, c->scope->cap_started,
             resource);
  return true;
}

/* Reads a subgraph that runs before the first call, and computes the initial values of variables
 * that it sets. */
bool tfl_op_call_once(TflCall *c) {
  TflReader *r = c->reader;
  TflScope body;
  GraphFault fault;
  if (c->scope->depth > 0 || r->initialised++ >= MOST_INITIALISED)
    return tfl_lacks(c, E902,
                     "set all initial values in one function, outside of loops and branches",
                     "is in a body, or one of too many");
  if (!tfl_body(c, tfl_option(c, 0, -1), true, &body)) return false;
  body.initial = true;
  if (body.in.n) return tfl_refuse(c, E901, "has a body with inputs");
  if (!tfl_read(&body)) return false;
  const GraphTensor **out = ARENA_ARRAY(r->arena, const GraphTensor *, body.graph->n_out + 1);
  if (!graph_eval(body.graph, r->arena, NULL, &initial_limits, NULL, out, &fault))
    return tfl_lacks(c, E902, "begin each variable with constants: `tf.Variable(tf.zeros((1, 8)))`",
                     "sets initial values that cannot be computed: %s", fault.text);
  for (size_t k = 0; k < body.n_started; k++) {
    TflVariable *v = &r->variable[body.started[k]];
    if (v->reader)
      return tfl_lacks(c, E902, "set initial values before the first node that reads them",
                       "sets `%s` after it is read", v->name);
    int variable = in_graph(r, body.started[k]);
    r->graph->variable[variable].start = out[k];
  }
  return true;
}

bool tfl_variables_start(TflReader *r) {
  for (int i = 0; i < r->n_variables; i++) {
    const TflVariable *v = &r->variable[i];
    if (v->in_graph == TFL_NO_VARIABLE || r->graph->variable[v->in_graph].start) continue;
    Diag *d =
        foreign_report(r->diags, r->file, E904, "variable `%s` has no value in the file", v->name);
    diag_note(d, "`%s` reads it, and no CALL_ONCE sets it: the converter did not store the weights",
              v->reader ? v->reader : "nothing");
    diag_fix(d, FIX_MAYBE,
             "convert with `tf.lite.TFLiteConverter.from_keras_model`, which writes the weights as "
             "constants");
    return false;
  }
  return true;
}
