/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The evaluation of one operator in double: the shapes of its results, and then its function of
 * eval_*.c. Also the functions that those files share. */
#include "import/graph/eval.h"

GraphNumbers call_numbers_for(GraphCall *call, int k, bool are_floats) {
  GraphNumbers to = graph_numbers(call->arena, call->out[k].count, are_floats);
  call->out[k].wide = to.wide;
  call->out[k].narrow = to.narrow;
  return to;
}

double *call_data(GraphCall *call, int k) {
  return call_numbers_for(call, k, false).wide;
}

GraphNumbers call_numbers_like(GraphCall *call, int k, const GraphTensor *x) {
  return call_numbers_for(call, k, x->narrow != NULL);
}

bool call_hands_on(const GraphTensor *in, const GraphTensor *out) {
  return in->wide == out->wide && in->narrow == out->narrow;
}

void strides_of(int rank, const int64_t *dim, int64_t *stride) {
  int64_t step = 1;
  for (int i = rank - 1; i >= 0; i--) {
    stride[i] = step;
    step *= dim[i];
  }
}

void strides_broadcast(const GraphTensor *t, int rank, int64_t *stride) {
  int64_t own[GRAPH_MAX_RANK];
  strides_of(t->rank, t->dim, own);
  for (int i = 0; i < rank; i++) {
    int from = i - (rank - t->rank);
    stride[i] = from < 0 || t->dim[from] == 1 ? 0 : own[from];
  }
}

Walk walk_start(int rank, const int64_t *dim) {
  Walk w = {.rank = rank};
  for (int i = 0; i < rank; i++)
    w.dim[i] = dim[i];
  return w;
}

/* To the next place along an axis, from the first place of all axes after it. */
static inline void step_along(Walk *w, int axis) {
  for (int i = axis; i >= 0; i--) {
    for (int k = 0; k < WALKED; k++)
      w->offset[k] += w->stride[k][i];
    if (++w->at[i] < w->dim[i]) return;
    for (int k = 0; k < WALKED; k++)
      w->offset[k] -= w->stride[k][i] * w->dim[i];
    w->at[i] = 0;
  }
}

void walk_next(Walk *w) {
  step_along(w, w->rank - 1);
}

void walk_skip_row(Walk *w) {
  step_along(w, w->rank - 2);
}

/* The number of bits of a type of whole numbers all of which a double holds; 0 of a type of 64
 * bits, or of fractions. */
static int bits_of(GraphElem elem) {
  static const int bits[] = {
      [GRAPH_FLOAT] = 0, [GRAPH_BOOL] = 0, [GRAPH_I4] = 4,   [GRAPH_U4] = 4,
      [GRAPH_I8] = 8,    [GRAPH_U8] = 8,   [GRAPH_I16] = 16, [GRAPH_U16] = 16,
      [GRAPH_I32] = 32,  [GRAPH_U32] = 32, [GRAPH_I64] = 0,  [GRAPH_U64] = 0};
  return bits[elem];
}

bool elem_range(GraphElem elem, double *low, double *high) {
  int bits = bits_of(elem);
  bool is_signed = elem == GRAPH_I4 || elem == GRAPH_I8 || elem == GRAPH_I16 || elem == GRAPH_I32;
  if (!bits) return false;
  double all = (double)(INT64_C(1) << bits);
  *low = is_signed ? -all / 2 : 0;
  *high = is_signed ? all / 2 - 1 : all - 1;
  return true;
}

double elem_wrap(GraphElem elem, double x) {
  double low, high;
  if (!elem_range(elem, &low, &high) || (x >= low && x <= high)) return x;
  double all = high - low + 1;
  return x - all * floor((x - low) / all);
}

double elem_saturate(GraphElem elem, double x) {
  double low, high;
  if (!elem_range(elem, &low, &high)) return x;
  return x < low ? low : x > high ? high : x;
}

static bool eval(GraphCall *call) {
  static bool (*const eval_of[GRAPH_OP_COUNT])(GraphCall *) = {
#define OP(name, min_in, max_in, n_out, shape, moves, attributes, nearest) graph_eval_##name,
#include "import/graph/graph_ops.def"
#undef OP
  };
  return eval_of[call->node->op](call);
}

/* Whether the function of an operator can read operands in floats; others get doubles. */
static bool reads_narrow(GraphOp op) {
  static const bool reads[GRAPH_OP_COUNT] = {
      [GRAPH_Reshape] = true, [GRAPH_Squeeze] = true,    [GRAPH_Unsqueeze] = true,
      [GRAPH_Flatten] = true, [GRAPH_Transpose] = true,  [GRAPH_Expand] = true,
      [GRAPH_Slice] = true,   [GRAPH_Reverse] = true,    [GRAPH_Split] = true,
      [GRAPH_Gather] = true,  [GRAPH_Dequantize] = true, [GRAPH_MatMul] = true,
      [GRAPH_Lstm] = true,    [GRAPH_Gru] = true,        [GRAPH_Rnn] = true};
  return reads[op];
}

/* A result may lie in an operand that was widened for the call: it gets numbers of its own. */
static void own_numbers(GraphCall *call, const GraphTensor *widened) {
  for (int k = 0; k < call->node->n_out; k++) {
    GraphTensor *out = &call->out[k];
    if (out->wide >= widened->wide && out->wide < widened->wide + widened->count)
      out->wide = arena_copy(call->arena, out->wide, (size_t)out->count, sizeof *out->wide);
  }
}

/* Whether no operand is a list without numbers, which only operators of lists take, and only as
 * their first operand. */
static bool operands_are_set(GraphCall *call) {
  static const bool takes_list[GRAPH_OP_COUNT] = {
      [GRAPH_Identity] = true, [GRAPH_ListGet] = true,   [GRAPH_ListSet] = true,
      [GRAPH_ListPush] = true, [GRAPH_ListStack] = true, [GRAPH_ListConcat] = true,
      [GRAPH_ListSize] = true};
  for (int k = 0; k < call->node->n_in; k++) {
    const GraphTensor *t = call->in[k];
    bool takes = k == 0 && takes_list[call->node->op];
    if (t && t->is_list && t->count > 0 && !graph_known(t) && !takes)
      return call_fault(call, "operand %d is a list of which no element is set", k);
  }
  return true;
}

bool graph_call_compute(GraphCall *call) {
  const GraphNode *node = call->node;
  bool any = false;
  if (!operands_are_set(call)) return false;
  for (int k = 0; k < node->n_in; k++)
    any = any || (call->in[k] && call->in[k]->narrow);
  if (!any || reads_narrow(node->op)) return eval(call);
  Arena *arena = arena_child(call->arena);
  GraphTensor *wide = ARENA_ARRAY(arena, GraphTensor, node->n_in);
  const GraphTensor *const *given = call->in,
                           **in = ARENA_ARRAY(arena, const GraphTensor *, node->n_in);
  for (int k = 0; k < node->n_in; k++) {
    in[k] = given[k];
    if (!in[k] || !in[k]->narrow) continue;
    wide[k] = *in[k];
    wide[k].wide = graph_wide(arena, in[k]);
    wide[k].narrow = NULL;
    in[k] = &wide[k];
  }
  call->in = in;
  bool ok = eval(call);
  for (int k = 0; k < node->n_in && ok; k++)
    if (in[k] != given[k]) own_numbers(call, in[k]);
  call->in = given;
  arena_free(arena);
  return ok;
}

bool graph_call_eval(GraphCall *call) {
  return graph_call_shape(call) && graph_call_compute(call);
}

static bool is_of_operand(const GraphCall *call, const GraphTensor *out) {
  for (int k = 0; k < call->node->n_in; k++) {
    const GraphTensor *in = call->in[k];
    if (in && in->wide && out->wide >= in->wide && out->wide <= in->wide + in->count) return true;
  }
  return false;
}

void graph_call_narrow(GraphCall *call) {
  for (int k = 0; k < call->node->n_out; k++)
    if (!is_of_operand(call, &call->out[k])) graph_narrow(call->arena, &call->out[k]);
}
