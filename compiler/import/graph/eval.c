/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One operator in double: its results' shapes, then its function of eval_*.c; and what these
 * share. */
#include "import/graph/eval.h"

double *call_data(GraphCall *call, int k) {
  GraphTensor *t = &call->out[k];
  double *data = ARENA_ARRAY(call->arena, double, t->count ? t->count : 1);
  t->data = data;
  return data;
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

void walk_next(Walk *w) {
  for (int i = w->rank - 1; i >= 0; i--) {
    for (int k = 0; k < WALKED; k++)
      w->offset[k] += w->stride[k][i];
    if (++w->at[i] < w->dim[i]) return;
    for (int k = 0; k < WALKED; k++)
      w->offset[k] -= w->stride[k][i] * w->dim[i];
    w->at[i] = 0;
  }
}

/* Bits of the types of whole numbers that a double holds without loss; 0: of 64 bits, or a
 * fraction. */
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

bool graph_call_eval(GraphCall *call) {
  static bool (*const eval[GRAPH_OP_COUNT])(GraphCall *) = {
#define OP(name, min_in, max_in, n_out, shape, moves, attributes) graph_eval_##name,
#include "import/graph/graph_ops.def"
#undef OP
  };
  return graph_call_shape(call) && eval[call->node->op](call);
}
