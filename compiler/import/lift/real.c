/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Integers with a scale as the real numbers that they stand for. In, a graph that rounds to
 * integers between its operators; out, the same graph of real numbers, whose inputs, outputs and
 * variables are real too.
 *
 *   - If the rounding is an operator of the file with a constant scale, it stays: the value is
 * rounded to multiples of the scale (limits.c).
 *   - If the operators themselves compute in integers, as an interpreter defines them, the real
 *     numbers are not rounded.
 *   - If the scale is found anew in each call, they are not rounded either. The scale is then 1: a
 *     product of such integers is multiplied by the scales, so the result does not depend on them.
 *
 * If numbers are not rounded and the least integer stands for 0, negative numbers become 0, because
 * some quantisers remove the relu itself. The greatest integer makes no limit, because it lies
 * where the calibration happened to end. */
#include "import/lift/real.h"
#include "import/lift/limits.h"

typedef struct Reals {
  Arena *arena;
  const Graph *root;
  const GraphNode *
      *scale_of;    /* by variable: the Dequantize that has its scale; NULL: it has none */
  bool rounds;      /* numbers are to be rounded as the file rounds them */
  bool is_rounded;  /* this was possible everywhere so far */
  bool file_rounds; /* the file rounds numbers that it computes, not only its constants */
} Reals;

/* Whether a graph or a body in it rounds numbers to integers, or reads such integers. */
static bool rounds(const Graph *graph) {
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    if (node->op == GRAPH_Quantize || node->op == GRAPH_DynamicQuantize ||
        node->op == GRAPH_MatMulInteger || node->op == GRAPH_ConvInteger)
      return true;
    if (graph_int(node, GRAPH_ATTR_round_state, 0) ||
        (node->op == GRAPH_Dequantize && node->in[0] && !node->in[0]->constant))
      return true;
    for (int b = 0; b < 2; b++)
      if (node->body[b] && rounds(node->body[b])) return true;
  }
  return false;
}

/* Whether the result of an operator has numbers of its operands, so that it is integers with the
 * same scale. */
static bool moves(GraphOp op) {
  return graph_op_moves(op) != GRAPH_MOVES_none || op == GRAPH_Pad || op == GRAPH_MaxPool;
}

/* Whether such an operator moves the numbers of operand k. */
static bool is_moved(const GraphNode *node, int k) {
  return graph_operand_moves(node, k) || k == 0;
}

/* Whether a Quantize or a Dequantize has a constant scale and zero point. */
static bool is_scaled(const GraphNode *node) {
  return node->n_in > 1 && node->in[1] && node->in[1]->constant &&
         (node->n_in < 3 || !node->in[2] || node->in[2]->constant) &&
         !graph_attribute(node, GRAPH_ATTR_block);
}

/* The Dequantize that reads a value, perhaps after moves; NULL: none does. */
static const GraphNode *scale_of(const Graph *graph, const GraphValue *value, int depth) {
  enum { DEEPEST = 32 };
  for (int i = 0; i < graph->n_nodes && depth < DEEPEST; i++) {
    const GraphNode *node = graph->node[i];
    for (int k = 0; k < node->n_in; k++) {
      if (node->in[k] != value) continue;
      if (node->op == GRAPH_Dequantize && k == 0 && is_scaled(node)) return node;
      if (!moves(node->op) || !is_moved(node, k)) continue;
      for (int o = 0; o < node->n_out; o++) {
        const GraphNode *found = node->out[o] ? scale_of(graph, node->out[o], depth + 1) : NULL;
        if (found) return found;
      }
    }
  }
  return NULL;
}

/* The numbers that the file gives for a constant, which may differ from those of the graph
 * (GraphSaid). */
static const GraphTensor *said_of(const RealFrame *frame, const GraphValue *value) {
  while (frame->outer)
    frame = frame->outer;
  for (int i = 0; i < frame->from->n_said; i++)
    if (frame->from->said[i].value == value) return frame->from->said[i].said;
  return value->constant;
}

RealValue *real_value(RealFrame *frame, const GraphValue *value) {
  RealFrame *home = frame;
  while (home && !graph_owns(home->from, value))
    home = home->outer;
  if (!home) return NULL;
  RealValue *m = &home->meaning[value->id];
  if (!m->value && value->constant)
    m->value = graph_constant(home->to, value->name, said_of(home, value));
  return m->value ? m : NULL;
}

/* The real numbers that integers t stand for, with the scale of `like`. */
static const GraphTensor *real_numbers(Reals *r, const GraphTensor *t, const RealValue *like) {
  int64_t inner = 1, n = like->scale->count;
  GraphNumbers to;
  if (n > 1)
    for (int i = (int)like->axis + 1; i < t->rank; i++)
      inner *= t->dim[i];
  GraphTensor *out =
      graph_tensor_of(r->root->numbers, GRAPH_FLOAT, t->rank, t->dim, INT32_MAX, true, &to);
  for (int64_t i = 0; i < t->count; i++) {
    int64_t k = n > 1 ? i / inner % n : 0;
    graph_put(&to, i,
              (float)((graph_at(t, i) - (like->zero ? graph_at(like->zero, k) : 0)) *
                      graph_at(like->scale, k)));
  }
  return out;
}

/* A value that stands for integers with the scale of a Quantize or a Dequantize. */
static RealValue scaled(GraphValue *value, const GraphNode *node) {
  const GraphTensor *zero = node->n_in > 2 && node->in[2] ? node->in[2]->constant : NULL;
  return (RealValue){.value = value,
                     .scale = node->in[1]->constant,
                     .zero = zero,
                     .axis = graph_int(node, GRAPH_ATTR_axis, 1)};
}

/* A copy of a node with other operands in the new graph. Its results have no scale. */
static GraphNode *copied(RealFrame *frame, const GraphNode *node, GraphValue **in) {
  GraphNode *made =
      graph_node(frame->to, node->op, node->name, node->source, node->n_in, in, node->n_out);
  made->attribute = node->attribute;
  made->n_attributes = node->n_attributes;
  for (int k = 0; k < node->n_out; k++) {
    if (!node->out[k]) continue;
    made->out[k]->name = node->out[k]->name;
    frame->meaning[node->out[k]->id] = (RealValue){.value = made->out[k]};
  }
  return made;
}

static Graph *real_graph(Reals *r, const Graph *from, RealFrame *outer);

/* A Pad without a value adds the integer 0. Returns the real number that this 0 stands for. */
static GraphValue *number_of_zero(Reals *r, RealFrame *frame, const RealValue *like) {
  const GraphTensor *zero = graph_scalar(r->arena, GRAPH_FLOAT, 0);
  return graph_constant(frame->to, "", real_numbers(r, zero, like));
}

/* A node that moves integers with the scale of `like`: it moves the real numbers. False: it cannot.
 */
static bool move(Reals *r, RealFrame *frame, const GraphNode *node, const RealValue *like) {
  enum { FILL = 2 };
  GraphValue **in = ARENA_ARRAY(r->arena, GraphValue *, node->n_in + 2);
  GraphNode moved = *node;
  for (int k = 0; k < node->n_in; k++) {
    RealValue *m = node->in[k] ? real_value(frame, node->in[k]) : NULL;
    bool fill = node->op == GRAPH_Pad && k == FILL, whole = fill || is_moved(node, k);
    if (node->in[k] && !m) return false;
    in[k] = m ? m->value : NULL;
    if (!m || !whole || m->scale) continue;
    if (!in[k]->constant || like->scale->count != 1) return false;
    in[k] = graph_constant(frame->to, node->in[k]->name, real_numbers(r, in[k]->constant, like));
  }
  if (node->op == GRAPH_Pad && like->scale->count == 1 && !in[FILL]) {
    if (like->is_dynamic) return false;
    in[FILL] = number_of_zero(r, frame, like);
    moved.n_in = FILL + 1;
  }
  copied(frame, &moved, in);
  for (int k = 0; k < node->n_out; k++) {
    if (!node->out[k]) continue;
    RealValue *made = &frame->meaning[node->out[k]->id];
    *made = (RealValue){.value = made->value,
                        .scale = like->scale,
                        .zero = like->zero,
                        .axis = like->axis,
                        .is_dynamic = like->is_dynamic};
  }
  return like->scale->count == 1;
}

/* A Quantize rounds the real numbers, or does nothing. */
static bool quantize(Reals *r, RealFrame *frame, const GraphNode *node, const RealValue *x) {
  RealValue made = scaled(x->value, node);
  r->file_rounds = true;
  made.value = r->rounds ? lift_rounded(frame->to, node, x->value) : NULL;
  if (!made.value) {
    r->is_rounded = false;
    made.value = lift_not_negative(frame->to, node, x->value);
  }
  GraphRange range;
  double step;
  const GraphValue *in = node->in[0];
  bool is_alone = graph_owns(frame->from, in) && !frame->is_read[in->id];
  if ((made.value != x->value || is_alone) && lift_numbers_of(node, &range, &step))
    graph_widen(frame->to, made.value, range);
  frame->meaning[node->out[0]->id] = made;
  return true;
}

static bool same_numbers(const GraphTensor *a, const GraphTensor *b) {
  if (a->count != b->count) return false;
  for (int64_t i = 0; i < a->count; i++)
    if (graph_at(a, i) != graph_at(b, i)) return false;
  return true;
}

/* A DynamicQuantize does nothing. Its scale is 1, and its zero point 0. */
static bool dynamic_quantize(Reals *r, RealFrame *frame, const GraphNode *node,
                             const RealValue *x) {
  GraphTensor *scale = graph_scalar(frame->to->arena, GRAPH_FLOAT, 1),
              *zero = graph_scalar(frame->to->arena, GRAPH_U8, 0);
  const RealValue made[3] = {{.value = x->value, .scale = scale, .zero = zero, .is_dynamic = true},
                             {.value = graph_constant(frame->to, "", scale)},
                             {.value = graph_constant(frame->to, "", zero)}};
  r->file_rounds = true;
  r->is_rounded = false;
  for (int k = 0; k < node->n_out && k < 3; k++)
    if (node->out[k]) frame->meaning[node->out[k]->id] = made[k];
  return true;
}

/* A Dequantize does nothing, unless it has another scale than the integers were written with.
 * Integers that are a constant become real numbers. */
static bool dequantize(Reals *r, RealFrame *frame, const GraphNode *node, const RealValue *q) {
  GraphValue *value = q->value;
  if (q->scale) {
    const GraphTensor *scale = real_constant(frame, node, 1), *zero = real_constant(frame, node, 2);
    bool same = scale && same_numbers(scale, q->scale) &&
                (zero && q->zero ? same_numbers(zero, q->zero)
                                 : real_zero_is(zero, 0) && real_zero_is(q->zero, 0));
    if (!same) return real_read_otherwise(frame, node, q);
  }
  if (!q->scale) {
    if (!value->constant) return false;
    RealValue like = scaled(NULL, node);
    if (like.axis < 0) like.axis += value->constant->rank;
    if (like.scale->count > 1 && (like.axis < 0 || like.axis >= value->constant->rank ||
                                  value->constant->dim[like.axis] != like.scale->count))
      return false;
    value = graph_constant(frame->to, value->name, real_numbers(r, value->constant, &like));
  }
  frame->meaning[node->out[0]->id] = (RealValue){.value = value};
  return true;
}

/* A node whose operands must not be integers with a scale, except in a variable. */
static bool any_other(Reals *r, RealFrame *frame, const GraphNode *node) {
  GraphValue **in = ARENA_ARRAY(r->arena, GraphValue *, node->n_in + 1);
  int64_t variable = graph_int(node, GRAPH_ATTR_variable, -1);
  for (int k = 0; k < node->n_in; k++) {
    RealValue *m = node->in[k] ? real_value(frame, node->in[k]) : NULL;
    bool kept = node->op == GRAPH_VarAssign && variable >= 0 && variable < r->root->n_variables &&
                r->scale_of[variable];
    if (node->in[k] && !m) return false;
    in[k] = m ? m->value : NULL;
    if (m && (m->scale != NULL) != kept) return false;
  }
  GraphNode *made = copied(frame, node, in);
  if (graph_int(node, GRAPH_ATTR_round_state, 0)) {
    graph_set_int(frame->to, made, GRAPH_ATTR_round_state, 0);
    r->file_rounds = true;
    r->is_rounded = false;
  }
  for (int b = 0; b < 2; b++) {
    if (!node->body[b]) continue;
    made->body[b] = real_graph(r, node->body[b], frame);
    if (!made->body[b]) return false;
  }
  if (node->op == GRAPH_VarRead && variable >= 0 && variable < r->root->n_variables &&
      r->scale_of[variable])
    frame->meaning[node->out[0]->id] = scaled(made->out[0], r->scale_of[variable]);
  return true;
}

/* Makes the nodes for one node. False: it computes with the integers in another way. */
static bool real_node(Reals *r, RealFrame *frame, const GraphNode *node) {
  RealValue *x = node->n_in && node->in[0] ? real_value(frame, node->in[0]) : NULL;
  bool is_table = x && x->value->constant;
  if (node->n_in && node->in[0] && !x) return false;
  if (node->op == GRAPH_Quantize)
    return x && !x->scale && is_scaled(node) && quantize(r, frame, node, x);
  if (node->op == GRAPH_DynamicQuantize)
    return x && !x->scale && dynamic_quantize(r, frame, node, x);
  if (node->op == GRAPH_MatMulInteger || node->op == GRAPH_ConvInteger)
    return real_product(frame, node);
  if (node->op == GRAPH_Dequantize && x && (x->scale || (is_table && is_scaled(node))))
    return dequantize(r, frame, node, x);
  RealValue *like = x && x->scale ? x : NULL;
  for (int k = 0; k < node->n_in && moves(node->op) && !like; k++) {
    RealValue *m = node->in[k] && is_moved(node, k) ? real_value(frame, node->in[k]) : NULL;
    if (m && m->scale) like = m;
  }
  RealValue table;
  if (!like && moves(node->op) && is_table &&
      graph_elem_is_whole(x->value->constant->elem)) { /* a table of integers: a Dequantize after it
                                                          has their scale */
    const GraphNode *scale = node->out[0] ? scale_of(frame->from, node->out[0], 0) : NULL;
    if (scale) {
      table = scaled(NULL, scale);
      like = &table;
    }
  }
  return like && moves(node->op) ? move(r, frame, node, like) : any_other(r, frame, node);
}

/* Adds an input. If it is integers with a scale, it becomes real numbers. */
static void add_input(Reals *r, RealFrame *frame, const GraphInput *in) {
  const GraphNode *scale = frame->outer || in->elem == GRAPH_FLOAT || !r->root->scaled_ports
                               ? NULL
                               : scale_of(frame->from, in->value, 0);
  GraphInput *made = graph_input(frame->to, in->name, scale ? GRAPH_FLOAT : in->elem);
  GraphValue *value = made->value;
  *made = *in;
  made->value = value;
  value->name = in->value->name;
  frame->meaning[in->value->id] = (RealValue){.value = value};
  if (!scale) return;
  made->elem = GRAPH_FLOAT;
  RealValue *m = &frame->meaning[in->value->id];
  *m = scaled(value, scale);
  if (in->fallback) made->fallback = real_numbers(r, in->fallback, m);
  GraphRange range;
  double step;
  if (lift_numbers_of(scale, &range, &step)) graph_widen(frame->to, value, range);
  graph_note(frame->to,
             "input `%s` is real numbers here; in the file it is integers q of (q - %g) * %.9g",
             in->name, m->zero ? graph_at(m->zero, 0) : 0, graph_at(m->scale, 0));
}

/* Marks the values of `graph` that a node of `reader`, or of a body in it, reads as they are, and
 * not only a Quantize. */
static void mark_read(const Graph *graph, const Graph *reader, bool *is_read) {
  for (int i = 0; i < reader->n_nodes; i++) {
    const GraphNode *node = reader->node[i];
    for (int k = node->op == GRAPH_Quantize ? 1 : 0; k < node->n_in; k++)
      if (node->in[k] && graph_owns(graph, node->in[k])) is_read[node->in[k]->id] = true;
    for (int b = 0; b < 2; b++)
      if (node->body[b]) mark_read(graph, node->body[b], is_read);
  }
  for (int i = 0; i < reader->n_out; i++)
    if (graph_owns(graph, reader->out[i].value)) is_read[reader->out[i].value->id] = true;
}

/* The graph or body of real numbers; NULL: a node computes with the integers in another way. */
static Graph *real_graph(Reals *r, const Graph *from, RealFrame *outer) {
  RealFrame frame = {
      .from = from, .to = graph_new(r->arena, from->numbers, from->name), .outer = outer};
  frame.meaning = ARENA_ARRAY(r->arena, RealValue, from->n_values + 1);
  frame.is_read = ARENA_ARRAY(r->arena, bool, from->n_values + 1);
  mark_read(from, from, frame.is_read);
  for (int i = 0; i < from->n_in; i++)
    add_input(r, &frame, &from->in[i]);
  for (int i = 0; i < from->n_nodes; i++)
    if (!real_node(r, &frame, from->node[i])) return NULL;
  for (int i = 0; i < from->n_out; i++) {
    RealValue *m = real_value(&frame, from->out[i].value);
    if (!m || (m->scale && (outer || !r->root->scaled_ports))) return NULL;
    graph_output(frame.to, from->out[i].name, m->value);
    if (m->scale)
      graph_note(
          frame.to,
          "output `%s` is real numbers here; in the file it is integers q of (q - %g) * %.9g",
          from->out[i].name, m->zero ? graph_at(m->zero, 0) : 0, graph_at(m->scale, 0));
  }
  return frame.to;
}

/* Copies the variables. The initial values of one with a scale become real numbers. */
static void copy_variables(Reals *r, Graph *to) {
  to->n_variables = r->root->n_variables;
  to->variable = ARENA_ARRAY(r->arena, GraphVariable, to->n_variables + 1);
  for (int i = 0; i < to->n_variables; i++) {
    to->variable[i] = r->root->variable[i];
    RealValue like = r->scale_of[i] ? scaled(NULL, r->scale_of[i]) : (RealValue){0};
    if (like.scale && to->variable[i].start)
      to->variable[i].start = real_numbers(r, to->variable[i].start, &like);
  }
}

const Graph *lift_real(const Graph *graph) {
  Reals r = {.arena = graph->arena, .root = graph, .rounds = !graph->scaled_ports};
  r.is_rounded = r.rounds;
  if (!rounds(graph)) return graph;
  r.scale_of = ARENA_ARRAY(r.arena, const GraphNode *, graph->n_variables + 1);
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    int64_t variable = graph_int(node, GRAPH_ATTR_variable, -1);
    if (node->op != GRAPH_VarRead || variable < 0 || variable >= graph->n_variables ||
        r.scale_of[variable])
      continue;
    const GraphNode *scale = scale_of(graph, node->out[0], 0);
    if (scale && scale->in[1]->constant->count == 1) r.scale_of[variable] = scale;
  }
  Graph *real = real_graph(&r, graph, NULL);
  if (!real) return graph;
  copy_variables(&r, real);
  real->format = graph->format;
  for (int i = 0; i < graph->n_notes; i++)
    graph_note(real, "%s", graph->note[i]);
  if (graph->n_said)
    graph_note(real,
               "the interpreter reads %d biases as other numbers than the file gives, because "
               "their scales are not those of the sums; the model has the numbers of the file",
               graph->n_said);
  if (!r.file_rounds) return real;
  graph_note(
      real, "%s",
      r.is_rounded
          ? "the file rounds to integers between its operators, and the model rounds to the same "
            "numbers; remove `clip` and `round` for a faster model of real numbers"
          : "the file rounds to integers between its operators; the model computes with the real "
            "numbers that they represent, so its results differ by a few steps of these integers");
  return real;
}
