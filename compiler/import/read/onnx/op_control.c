/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Branches, loops and sequences. */
#include "import/read/onnx/reader.h"

#include <string.h>

static Graph *body_of(OnnxCall *c, const char *name) {
  const OnnxAttribute *a = call_attribute(c, name);
  if (a && a->g) return call_body(c, a->g);
  call_refuse(c, E901, "has no graph `%s`", name);
  return NULL;
}

static bool set_all(OnnxCall *c, GraphNode *node) {
  for (int k = 0; k < node->n_out; k++)
    if (!call_set(c, k, node->out[k])) return false;
  return true;
}

static bool body_fits(OnnxCall *c, const Graph *body, int64_t n_in, int64_t n_out) {
  return (body->n_in == n_in && body->n_out == n_out) ||
         call_refuse(c, E901, "has a body of %d inputs and %d outputs; it needs %lld and %lld",
                     body->n_in, body->n_out, (long long)n_in, (long long)n_out);
}

bool onnx_op_if(OnnxCall *c) {
  double known;
  int n = (int)c->node->n_output;
  Graph *yes = body_of(c, "then_branch"), *no = yes ? body_of(c, "else_branch") : NULL;
  if (!no) return false;
  bool decided = constant_number(c->in[0], &known);
  if ((!decided || known != 0) && !body_fits(c, yes, 0, n)) return false;
  if ((!decided || known == 0) && !body_fits(c, no, 0, n)) return false;
  GraphNode *node = emit_node(c->emit, GRAPH_If, 1, c->in, n);
  node->body[0] = yes;
  node->body[1] = no;
  return set_all(c, node);
}

/* Without a condition, the loop ignores the condition that its body returns. */
bool onnx_op_loop(OnnxCall *c) {
  int carried = c->n_in - 2, n = (int)c->node->n_output;
  Graph *body = body_of(c, "body");
  if (!body) return false;
  for (int k = 2; k < c->n_in; k++)
    if (!c->in[k]) return call_refuse(c, E901, "lacks operand %d, which its body reads", k);
  if (body->n_out < 1 || body->n_out - 1 < carried)
    return call_refuse(c, E901, "has a body of too few outputs");
  if (!body_fits(c, body, c->n_in, body->n_out)) return false;
  if (n > body->n_out - 1)
    return call_refuse(c, E901, "has %d results; it makes %d", n, body->n_out - 1);
  GraphNode *node = emit_node(c->emit, GRAPH_Loop, c->n_in, c->in, body->n_out - 1);
  node->body[0] = body;
  for (int k = 0; k < n; k++)
    if (!call_set(c, k, node->out[k])) return false;
  return true;
}

static void copy_ints(OnnxCall *c, GraphNode *node, const char *name, GraphAttributeName to) {
  const int64_t *given;
  int n;
  if (call_attr_ints(c, name, &n, &given) && n) graph_set_ints(c->emit->graph, node, to, n, given);
}

bool onnx_op_scan(OnnxCall *c) {
  int64_t sequences = call_attr_int(c, "num_scan_inputs", 0);
  Graph *body = body_of(c, "body");
  if (!body) return false;
  if (c->reader->opset < 9)
    return call_lacks(c, E902,
                      "convert the model to opset 9: "
                      "`onnx.version_converter.convert_version(onnx.load(FILE), 9)`",
                      "has a batch axis, as before opset 9, which is not supported");
  if (sequences < 1 || sequences > c->n_in)
    return call_refuse(c, E901, "has %lld sequences among %d operands", (long long)sequences,
                       c->n_in);
  for (int k = 0; k < c->n_in; k++)
    if (!c->in[k]) return call_refuse(c, E901, "lacks operand %d", k);
  if (!body_fits(c, body, c->n_in, (int64_t)c->node->n_output)) return false;
  GraphNode *node = emit_node(c->emit, GRAPH_Scan, c->n_in, c->in, (int)c->node->n_output);
  node->body[0] = body;
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_scan_inputs, sequences);
  copy_ints(c, node, "scan_input_axes", GRAPH_ATTR_scan_axes);
  copy_ints(c, node, "scan_input_directions", GRAPH_ATTR_scan_reverse);
  copy_ints(c, node, "scan_output_axes", GRAPH_ATTR_out_axes);
  copy_ints(c, node, "scan_output_directions", GRAPH_ATTR_out_reverse);
  return set_all(c, node);
}

/* ---- sequences ---- */

static GraphValue *empty_list(OnnxCall *c) {
  return EMIT(c->emit, ListNew, emit_int(c->emit, 0));
}

bool onnx_op_sequence_empty(OnnxCall *c) {
  return call_set(c, 0, empty_list(c));
}

bool onnx_op_sequence_construct(OnnxCall *c) {
  GraphValue *list = empty_list(c);
  for (int k = 0; k < c->n_in; k++) {
    if (!c->in[k]) return call_refuse(c, E901, "lacks operand %d", k);
    list = EMIT(c->emit, ListPush, list, c->in[k]);
  }
  return call_set(c, 0, list);
}

bool onnx_op_sequence_insert(OnnxCall *c) {
  if (call_operand(c, 2))
    return call_lacks(c, E902,
                      "without a position, `SequenceInsert` appends, which grus reads; "
                      "`SequenceConstruct` lists elements in any order",
                      "inserts into the middle of a sequence, which is not supported");
  return call_set(c, 0, EMIT(c->emit, ListPush, c->in[0], c->in[1]));
}

bool onnx_op_concat_from_sequence(OnnxCall *c) {
  GraphOp op = call_attr_int(c, "new_axis", 0) ? GRAPH_ListStack : GRAPH_ListConcat;
  return call_set(c, 0, emit_axis_call(c->emit, op, call_attr_int(c, "axis", 0), 1, c->in));
}

/* In pieces of one, with or without their axis. */
bool onnx_op_split_to_sequence(OnnxCall *c) {
  double size;
  GraphValue *sizes = call_operand(c, 1);
  if (sizes && (!constant_number(sizes, &size) || size != 1))
    return call_lacks(c, E902,
                      "`Split` makes pieces of any size, as results of their own; "
                      "`SplitToSequence` is read with pieces of 1",
                      "splits into pieces of more than one element, which is not supported");
  GraphNode *node = emit_node(c->emit, GRAPH_ListFrom, 1, c->in, 1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_axis, call_attr_int(c, "axis", 0));
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_keepdims,
                sizes || call_attr_int(c, "keepdims", 1));
  return call_set(c, 0, emit_done(c->emit, node));
}
