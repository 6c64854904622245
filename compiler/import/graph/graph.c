/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Building graphs, and questions about them. In, what a reader found; out, a Graph whose nodes
 * stand in the order in which the reader made them. */
#include "import/graph/graph.h"

#include "base/shape.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

Graph *graph_new(Arena *arena, Arena *numbers, const char *name) {
  Graph *graph = ARENA_NEW(arena, Graph);
  graph->arena = arena;
  graph->numbers = numbers;
  graph->name = name;
  return graph;
}

GraphValue *graph_value(Graph *graph, const char *name) {
  GraphValue *value = ARENA_NEW(graph->arena, GraphValue);
  value->id = graph->n_values;
  value->name = name;
  ARENA_PUSH(graph->arena, graph->value, graph->n_values, graph->cap_values, value);
  return value;
}

GraphValue *graph_constant(Graph *graph, const char *name, const GraphTensor *tensor) {
  GraphValue *value = graph_value(graph, name);
  value->constant = tensor;
  return value;
}

void graph_widen(Graph *graph, GraphValue *value, GraphRange range) {
  GraphRange *wide = ARENA_NEW(graph->arena, GraphRange);
  *wide = range;
  if (value->range) {
    wide->low = fmin(range.low, value->range->low);
    wide->high = fmax(range.high, value->range->high);
  }
  value->range = wide;
}

GraphInput *graph_input(Graph *graph, const char *name, GraphElem elem) {
  GraphInput input = {.name = name, .elem = elem, .rank = -1, .value = graph_value(graph, name)};
  ARENA_PUSH(graph->arena, graph->in, graph->n_in, graph->cap_in, input);
  return &graph->in[graph->n_in - 1];
}

int graph_variable_find(const Graph *graph, const char *name) {
  for (int i = 0; i < graph->n_variables; i++)
    if (strcmp(graph->variable[i].name, name) == 0) return i;
  return -1;
}

void graph_output(Graph *graph, const char *name, GraphValue *value) {
  GraphOutput output = {.name = name, .value = value};
  ARENA_PUSH(graph->arena, graph->out, graph->n_out, graph->cap_out, output);
}

GraphNode *graph_node(Graph *graph, GraphOp op, const char *name, const char *source, int n_in,
                      GraphValue *const *in, int n_out) {
  GraphNode *node = ARENA_NEW(graph->arena, GraphNode);
  node->op = op;
  node->name = name;
  node->source = source;
  node->n_in = n_in;
  node->in = ARENA_ARRAY(graph->arena, GraphValue *, n_in ? n_in : 1);
  for (int i = 0; i < n_in; i++)
    node->in[i] = in[i];
  node->n_out = n_out;
  node->out = ARENA_ARRAY(graph->arena, GraphValue *, n_out ? n_out : 1);
  for (int i = 0; i < n_out; i++) {
    node->out[i] = graph_value(graph, "");
    node->out[i]->node = node;
    node->out[i]->index = i;
  }
  ARENA_PUSH(graph->arena, graph->node, graph->n_nodes, graph->cap_nodes, node);
  return node;
}

GraphValue *graph_call(Graph *graph, GraphOp op, const char *name, const char *source, int n_in,
                       GraphValue *const *in) {
  return graph_node(graph, op, name, source, n_in, in, 1)->out[0];
}

/* The attribute of this name, which is added if the node does not have it. */
static GraphAttribute *attribute_of(Graph *graph, GraphNode *node, GraphAttributeName name) {
  for (int i = 0; i < node->n_attributes; i++)
    if (node->attribute[i].name == name) return &node->attribute[i];
  GraphAttribute *all = ARENA_ARRAY(graph->arena, GraphAttribute, node->n_attributes + 1);
  for (int i = 0; i < node->n_attributes; i++)
    all[i] = node->attribute[i];
  node->attribute = all;
  all[node->n_attributes] = (GraphAttribute){.name = name};
  return &all[node->n_attributes++];
}

void graph_set_ints(Graph *graph, GraphNode *node, GraphAttributeName name, int n,
                    const int64_t *i) {
  const int64_t *copy = arena_copy(graph->arena, i, (size_t)n, sizeof *i);
  *attribute_of(graph, node, name) = (GraphAttribute){.name = name, .n = n, .i = copy};
}

void graph_set_int(Graph *graph, GraphNode *node, GraphAttributeName name, int64_t i) {
  graph_set_ints(graph, node, name, 1, &i);
}

void graph_set_numbers(Graph *graph, GraphNode *node, GraphAttributeName name, int n,
                       const double *f) {
  const double *copy = arena_copy(graph->arena, f, (size_t)n, sizeof *f);
  *attribute_of(graph, node, name) = (GraphAttribute){.name = name, .n = n, .f = copy};
}

void graph_set_number(Graph *graph, GraphNode *node, GraphAttributeName name, double f) {
  graph_set_numbers(graph, node, name, 1, &f);
}

void graph_set_words(Graph *graph, GraphNode *node, GraphAttributeName name, int n,
                     const char *const *s) {
  const char *const *copy = arena_copy(graph->arena, s, (size_t)n, sizeof *s);
  *attribute_of(graph, node, name) = (GraphAttribute){.name = name, .n = n, .s = copy};
}

void graph_say(Graph *graph, const GraphValue *value, const GraphTensor *said) {
  ARENA_PUSH(graph->arena, graph->said, graph->n_said, graph->cap_said, ((GraphSaid){value, said}));
}

void graph_half(Graph *graph, const char *node, const char *type) {
  if (graph->n_halves++) return;
  graph->half_node = arena_strdup(graph->arena, node);
  graph->half_type = arena_strdup(graph->arena, type);
}

void graph_note(Graph *graph, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const char *note = arena_vprintf(graph->arena, format, args);
  va_end(args);
  ARENA_PUSH(graph->arena, graph->note, graph->n_notes, graph->cap_notes, note);
}

const GraphAttribute *graph_attribute(const GraphNode *node, GraphAttributeName name) {
  for (int i = 0; i < node->n_attributes; i++)
    if (node->attribute[i].name == name) return &node->attribute[i];
  return NULL;
}

int64_t graph_int(const GraphNode *node, GraphAttributeName name, int64_t if_absent) {
  const GraphAttribute *a = graph_attribute(node, name);
  return a && a->i && a->n ? a->i[0] : if_absent;
}

int64_t graph_groups(const GraphNode *node, const GraphTensor *x, const GraphTensor *kernel) {
  int64_t per_group = kernel->dim[1];
  bool said = graph_attribute(node, GRAPH_ATTR_groups) || node->op == GRAPH_ConvTranspose;
  if (said || per_group < 1 || x->dim[1] % per_group != 0)
    return graph_int(node, GRAPH_ATTR_groups, 1);
  return x->dim[1] / per_group;
}

double graph_number(const GraphNode *node, GraphAttributeName name, double if_absent) {
  const GraphAttribute *a = graph_attribute(node, name);
  return a && a->f && a->n ? a->f[0] : if_absent;
}

const char *graph_word(const GraphNode *node, GraphAttributeName name, int index,
                       const char *if_absent) {
  const GraphAttribute *a = graph_attribute(node, name);
  return a && a->s && index < a->n ? a->s[index] : if_absent;
}

static const char *const op_name[GRAPH_OP_COUNT] = {
#define OP(name, min_in, max_in, n_out, shape, moves, attributes, nearest) #name,
#include "import/graph/graph_ops.def"
#undef OP
};

static const char *const attribute_name[GRAPH_ATTRIBUTE_COUNT] = {
#define ATTRIBUTE(name) #name,
    GRAPH_ATTRIBUTE_LIST(ATTRIBUTE)
#undef ATTRIBUTE
};

const char *graph_op_name(GraphOp op) {
  return op_name[op];
}

const char *graph_op_nearest(GraphOp op) {
  static const char *const nearest_of[GRAPH_OP_COUNT] = {
#define OP(name, min_in, max_in, n_out, shape, moves, attributes, nearest) nearest "",
#include "import/graph/graph_ops.def"
#undef OP
  };
  return nearest_of[op];
}

GraphMoves graph_op_moves(GraphOp op) {
  static const GraphMoves moves_of[GRAPH_OP_COUNT] = {
#define OP(name, min_in, max_in, n_out, shape, moves, attributes, nearest) GRAPH_MOVES_##moves,
#include "import/graph/graph_ops.def"
#undef OP
  };
  return moves_of[op];
}

bool graph_operand_moves(const GraphNode *node, int k) {
  GraphMoves moves = graph_op_moves(node->op);
  return moves == GRAPH_MOVES_all || (moves == GRAPH_MOVES_first && k == 0);
}

bool graph_elem_is_whole(GraphElem elem) {
  return elem != GRAPH_FLOAT;
}

GraphTensor *graph_tensor_of(Arena *arena, GraphElem elem, int rank, const int64_t *dim,
                             int64_t most, bool are_floats, GraphNumbers *to) {
  int64_t count = 1, room = 1, bytes; /* room: empty axes count as 1 */
  if (rank < 0 || rank > GRAPH_MAX_RANK) return NULL;
  for (int i = 0; i < rank; i++)
    if (dim[i] < 0 || !size_mul(count, dim[i], &count) ||
        !size_mul(room, dim[i] ? dim[i] : 1, &room))
      return NULL;
  if (room > INT32_MAX || count > most || !size_mul(count, (int64_t)sizeof(double), &bytes))
    return NULL;
  GraphTensor *tensor = ARENA_NEW(arena, GraphTensor);
  tensor->elem = elem;
  tensor->rank = rank;
  for (int i = 0; i < rank; i++)
    tensor->dim[i] = dim[i];
  tensor->count = count;
  *to = graph_numbers(arena, count, are_floats);
  tensor->wide = to->wide;
  tensor->narrow = to->narrow;
  return tensor;
}

GraphTensor *graph_tensor_within(Arena *arena, GraphElem elem, int rank, const int64_t *dim,
                                 int64_t most, double **data) {
  GraphNumbers to = {0};
  GraphTensor *tensor = graph_tensor_of(arena, elem, rank, dim, most, false, &to);
  if (tensor) *data = to.wide;
  return tensor;
}

GraphTensor *graph_tensor(Arena *arena, GraphElem elem, int rank, const int64_t *dim,
                          double **data) {
  return graph_tensor_within(arena, elem, rank, dim, INT32_MAX, data);
}

GraphTensor *graph_scalar(Arena *arena, GraphElem elem, double value) {
  double *data;
  GraphTensor *tensor = graph_tensor(arena, elem, 0, NULL, &data);
  data[0] = value;
  return tensor;
}

GraphTensor *graph_ints(Arena *arena, int n, const int64_t *values) {
  double *data;
  GraphTensor *tensor = graph_tensor(arena, GRAPH_I64, 1, &(int64_t){n}, &data);
  for (int i = 0; i < n; i++)
    data[i] = (double)values[i];
  return tensor;
}

/* Prints a value as its number in its own graph, after "^" if that is a graph around this one. */
static void print_value(Text *out, const Graph *graph, const GraphValue *value) {
  bool own = graph_owns(graph, value);
  if (!value)
    text_add(out, "-");
  else if (value->constant && value->constant->count == 1)
    text_printf(out, "%.9g", graph_at(value->constant, 0));
  else
    text_printf(out, "%s%s%d", value->constant ? "const" : "%", own ? "" : "^", value->id);
}

static void print_attributes(Text *out, const GraphNode *node) {
  for (int k = 0; k < node->n_attributes; k++) {
    const GraphAttribute *a = &node->attribute[k];
    text_printf(out, " %s=", attribute_name[a->name]);
    for (int i = 0; i < a->n; i++) {
      if (i) text_add(out, ",");
      if (a->i)
        text_printf(out, "%lld", (long long)a->i[i]);
      else if (a->f)
        text_printf(out, "%.9g", a->f[i]);
      else
        text_add(out, a->s[i]);
    }
  }
}

static void print_graph(Text *out, const Graph *graph, int indent) {
  for (int i = 0; i < graph->n_in; i++) {
    text_fill(out, ' ', (size_t)indent);
    text_printf(out, "in %%%d %s rank %d\n", graph->in[i].value->id, graph->in[i].name,
                graph->in[i].rank);
  }
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    text_fill(out, ' ', (size_t)indent);
    for (int k = 0; k < node->n_out; k++) {
      if (k) text_add(out, " ");
      print_value(out, graph, node->out[k]);
    }
    text_printf(out, " = %s(", op_name[node->op]);
    for (int k = 0; k < node->n_in; k++) {
      if (k) text_add(out, ", ");
      print_value(out, graph, node->in[k]);
    }
    text_add(out, ")");
    print_attributes(out, node);
    text_add_char(out, '\n');
    for (int b = 0; b < 2; b++)
      if (node->body[b]) print_graph(out, node->body[b], indent + 4);
  }
  for (int i = 0; i < graph->n_out; i++) {
    text_fill(out, ' ', (size_t)indent);
    text_printf(out, "out %s = ", graph->out[i].name);
    print_value(out, graph, graph->out[i].value);
    text_add_char(out, '\n');
  }
}

const char *graph_print(const Graph *graph) {
  Text out = text_new(graph->arena);
  print_graph(&out, graph, 0);
  return text_str(&out);
}
