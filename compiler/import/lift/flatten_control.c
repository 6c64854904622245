/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Flattening If, Loop, Scan and While: the body is written out once for each step. The condition or
 * the number of steps must be a constant. */
#include "import/lift/flatten.h"

#include <string.h>

/* Flattens one call of a body. in: by input of the body; out: by output. False with the fault set.
 */
static bool run_body(Flattening *f, const Graph *body, FlattenFrame *outer, const Meaning *in,
                     Meaning *out) {
  const GraphNode *node = f->node;
  if (f->depth >= FLAT_MAX_DEPTH) return flatten_fail(f, "is nested in too many bodies");
  FlattenFrame *frame = frame_new(f, body, outer);
  for (int i = 0; i < body->n_in; i++)
    flatten_define(frame, body->in[i].value, in[i]);
  f->depth++;
  bool ok = flatten_graph(f, frame);
  f->depth--;
  for (int i = 0; i < body->n_out && ok; i++) {
    Meaning *m = flatten_meaning(f, frame, body->out[i].value);
    ok = m && (m->value || m->list) ? true : flatten_fail(f, "gives a result that no node defines");
    if (ok) out[i] = *m;
  }
  if (ok) f->node = node;
  return ok;
}

bool flatten_if(Flattening *f, FlattenFrame *frame, const GraphNode *node) {
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

/* What the operands of a node from number `first` on are in the flat graph. */
static bool meanings(Flattening *f, FlattenFrame *frame, const GraphNode *node, int first,
                     Meaning *out) {
  for (int i = first; i < node->n_in; i++) {
    Meaning *m = node->in[i] ? flatten_meaning(f, frame, node->in[i]) : NULL;
    if (!m || (!m->value && !m->list))
      return flatten_fail(f, "carries a value that no node defines");
    out[i - first] = *m;
  }
  return true;
}

/* Defines a result of a loop that has a row for each step: n rows along a new axis, the last step
 * first if `reversed`. */
static bool define_rows(Flattening *f, FlattenFrame *frame, const GraphValue *to, GraphValue **row,
                        int n, int64_t axis, bool reversed) {
  if (!to) return true;
  if (!n) return flatten_fail(f, "has no steps, so its rows have no shape");
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

bool flatten_loop(Flattening *f, FlattenFrame *frame, const GraphNode *node) {
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
      return flatten_fail(f, "has too many steps to be unrolled");
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
      if (!out[1 + carried + i].value) return flatten_fail(f, "gives rows that are not tensors");
      ARENA_PUSH(flat->arena, row[i], n, cap[i], out[1 + carried + i].value);
    }
  }
  for (int i = 0; i < carried; i++)
    flatten_define(frame, node->out[i], in[2 + i]);
  for (int i = 0; i < rows; i++)
    if (!define_rows(f, frame, node->out[carried + i], row[i], steps, 0, false)) return false;
  return true;
}

/* Number i of an attribute, or 0. */
static int64_t listed(const GraphNode *node, GraphAttributeName name, int i) {
  const GraphAttribute *a = graph_attribute(node, name);
  return a && i < a->n ? a->i[i] : 0;
}

bool flatten_scan(Flattening *f, FlattenFrame *frame, const GraphNode *node) {
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
    if (t && axis < 0) axis += t->rank;
    if (!t || axis < 0 || axis >= t->rank)
      return flatten_fail(f, "scans along an axis that its operand does not have");
    if (steps >= 0 && t->dim[axis] != steps)
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

bool flatten_while(Flattening *f, FlattenFrame *frame, const GraphNode *node) {
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
      return flatten_fail(f, "has too many steps to be unrolled");
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
