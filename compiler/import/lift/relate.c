/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* How each operator relates axes: see relate.h. If it is not known that an operator treats the
 * positions of an axis alike and apart, the axis counts as mixed, so that it cannot be the batch.
 */
#include "import/lift/relate.h"

#include "base/shape.h"

#include <string.h>

bool atoms_constant(const Atoms *a, const GraphValue *value) {
  return graph_known(flat_type_of(a->flat, value));
}

int atoms_rank(const Atoms *a, const GraphValue *value) {
  return flat_type_of(a->flat, value)->rank;
}

int64_t atoms_dim(const Atoms *a, const GraphValue *value, int axis) {
  return flat_type_of(a->flat, value)->dim[axis];
}

/* The result has the axes of the first operand. */
static void relate_same(Atoms *a, const GraphNode *node, Factors *out) {
  *out = atoms_of(a, node->in[0]);
}

bool tensor_is_one_number(const GraphTensor *t) {
  for (int64_t i = 1; i < t->count; i++)
    if (graph_at(t, i) != graph_at(t, 0)) return false;
  return t->count > 0;
}

bool tensor_varies_along(const GraphTensor *t, int axis) {
  int64_t inner = dims_product(t->rank - axis - 1, t->dim + axis + 1);
  for (int64_t e = 0; e < t->count; e++) {
    int64_t place = e / inner % t->dim[axis];
    if (place && graph_at(t, e) != graph_at(t, e - place * inner)) return true;
  }
  return false;
}

/* Elementwise operators of several operands, whose axes are aligned at the last one. A constant
 * that differs along an axis mixes it: its positions are not treated alike. */
static void relate_broadcast(Atoms *a, const GraphNode *node, Factors *out) {
  int rank = atoms_rank(a, node->out[0]);
  for (int axis = 0; axis < rank; axis++) {
    const GraphValue *wide = NULL;
    int wide_axis = 0;
    bool constant_varies = false;
    for (int i = 0; i < node->n_in; i++) {
      const GraphValue *v = node->in[i];
      int own = axis - rank + atoms_rank(a, v);
      if (own < 0) continue;
      if (atoms_constant(a, v)) {
        constant_varies = constant_varies || tensor_varies_along(flat_type_of(a->flat, v), own);
        continue;
      }
      if (!wide) {
        wide = v;
        wide_axis = own;
      } else if (atoms_dim(a, v, own) == atoms_dim(a, wide, wide_axis)) {
        if (!atoms_join_axes(a, wide, wide_axis, v, own)) {
          atoms_mark_axis(a, wide, wide_axis, FACT_MIXED);
          atoms_mark_axis(a, v, own, FACT_MIXED);
        }
      } else if (atoms_dim(a, wide, wide_axis) == 1) {
        wide = v;
        wide_axis = own;
      }
    }
    if (wide && constant_varies && atoms_dim(a, wide, wide_axis) > 1)
      atoms_mark_axis(a, wide, wide_axis, FACT_MIXED);
    if (wide && atoms_dim(a, wide, wide_axis) == atoms_dim(a, node->out[0], axis))
      atoms_keep_axis(a, wide, wide_axis, out, axis);
    else
      factors_add(out, atom_new(a, atoms_dim(a, node->out[0], axis), FACT_MADE | FACT_MIXED), axis);
  }
}

void relate_along(Atoms *a, const GraphNode *node, unsigned touched, unsigned facts, Factors *out) {
  const GraphValue *x = node->in[0];
  for (int axis = 0; axis < atoms_rank(a, x); axis++) {
    int64_t size = atoms_dim(a, node->out[0], axis);
    if (!(touched >> axis & 1) && size == atoms_dim(a, x, axis))
      atoms_keep_axis(a, x, axis, out, axis);
    else
      atoms_derive_axis(a, x, axis, size, facts, out, axis);
  }
}

void relate_marked(Atoms *a, const GraphNode *node, int first, int last, Factors *out) {
  relate_same(a, node, out);
  for (int axis = first; axis <= last; axis++)
    atoms_mark_axis(a, node->in[0], axis, FACT_MIXED);
}

/* Reductions end axes, or leave axes of size 1. */
static void relate_reduce(Atoms *a, const GraphNode *node, Factors *out) {
  const GraphAttribute *axes = graph_attribute(node, GRAPH_ATTR_axes);
  bool keep = graph_int(node, GRAPH_ATTR_keepdims, 0) != 0;
  bool single = node->op == GRAPH_ArgMax || node->op == GRAPH_ArgMin;
  int to = 0;
  for (int axis = 0; axis < atoms_rank(a, node->in[0]); axis++) {
    bool reduced = single ? axis == graph_int(node, GRAPH_ATTR_axis, 0) : !axes;
    for (int i = 0; axes && i < axes->n; i++)
      reduced = reduced || axes->i[i] == axis;
    if (!reduced) {
      atoms_keep_axis(a, node->in[0], axis, out, to++);
      continue;
    }
    atoms_mark_axis(a, node->in[0], axis, FACT_MIXED);
    if (keep) factors_add(out, atom_new(a, 1, FACT_MADE), to++);
  }
}

/* Nothing is known about this operator: its results have new axes, and those of its operands are
 * mixed.
 */
static void relate_unknown(Atoms *a, const GraphNode *node) {
  for (int i = 0; i < node->n_in; i++)
    for (int axis = 0;
         node->in[i] && !atoms_constant(a, node->in[i]) && axis < atoms_rank(a, node->in[i]);
         axis++)
      atoms_mark_axis(a, node->in[i], axis, FACT_MIXED);
  for (int k = 0; k < node->n_out; k++)
    for (int axis = 0; axis < atoms_rank(a, node->out[k]); axis++)
      factors_add(&a->factors[node->out[k]->id],
                  atom_new(a, atoms_dim(a, node->out[k], axis), FACT_MADE | FACT_MIXED), axis);
}

/* Only states are computed from the results: they have new axes, and say nothing about the
 * operands. */
static void relate_idle(Atoms *a, const GraphNode *node) {
  for (int k = 0; k < node->n_out; k++)
    for (int axis = 0; axis < atoms_rank(a, node->out[k]); axis++)
      factors_add(&a->factors[node->out[k]->id],
                  atom_new(a, atoms_dim(a, node->out[k], axis), FACT_MADE | FACT_MIXED), axis);
}

/* A set with a bit for each number of an attribute. */
static unsigned bits(const GraphNode *node, GraphAttributeName name) {
  const GraphAttribute *a = graph_attribute(node, name);
  unsigned set = 0;
  for (int i = 0; a && i < a->n; i++)
    set |= 1u << a->i[i];
  return set;
}

void atoms_relate(Atoms *a, const GraphNode *node) {
  Factors *out = &a->factors[node->out[0]->id];
  int axis = (int)graph_int(node, GRAPH_ATTR_axis, 0),
      rank = node->n_in && node->in[0] ? atoms_rank(a, node->in[0]) : 0;
  bool idle = true;
  for (int k = 0; k < node->n_out; k++)
    idle = idle && flat_is_idle(a->flat, node->out[k]);
  if (idle) {
    relate_idle(a, node);
    return;
  }
  switch (node->op) {
  case GRAPH_Identity:
  case GRAPH_Neg:
  case GRAPH_Abs:
  case GRAPH_Sign:
  case GRAPH_Floor:
  case GRAPH_Ceil:
  case GRAPH_Round:
  case GRAPH_Sqrt:
  case GRAPH_Square:
  case GRAPH_Reciprocal:
  case GRAPH_Exp:
  case GRAPH_Log:
  case GRAPH_Sin:
  case GRAPH_Cos:
  case GRAPH_Tan:
  case GRAPH_Atan:
  case GRAPH_Erf:
  case GRAPH_Sigmoid:
  case GRAPH_Tanh:
  case GRAPH_Relu:
  case GRAPH_LeakyRelu:
  case GRAPH_Elu:
  case GRAPH_Celu:
  case GRAPH_HardSigmoid:
  case GRAPH_HardSwish:
  case GRAPH_Silu:
  case GRAPH_Mish:
  case GRAPH_Gelu:
  case GRAPH_Softplus:
  case GRAPH_Softsign:
  case GRAPH_Clip:
  case GRAPH_Not:
  case GRAPH_IsNan:
  case GRAPH_Cast: relate_same(a, node, out); return;
  case GRAPH_Add:
  case GRAPH_Sub:
  case GRAPH_Mul:
  case GRAPH_Div:
  case GRAPH_FloorDiv:
  case GRAPH_Mod:
  case GRAPH_Pow:
  case GRAPH_Min:
  case GRAPH_Max:
  case GRAPH_Atan2:
  case GRAPH_Prelu:
  case GRAPH_And:
  case GRAPH_Or:
  case GRAPH_Xor:
  case GRAPH_Equal:
  case GRAPH_Less:
  case GRAPH_LessEqual:
  case GRAPH_Greater:
  case GRAPH_GreaterEqual:
  case GRAPH_Where: relate_broadcast(a, node, out); return;
  case GRAPH_Squeeze:
  case GRAPH_Unsqueeze: relate_unit_axes(a, node, out); return;
  case GRAPH_Reshape:
  case GRAPH_Flatten: relate_regroup(a, node, out); return;
  case GRAPH_Transpose: relate_transpose(a, node, out); return;
  case GRAPH_Expand: relate_expand(a, node, out); return;
  case GRAPH_Slice:
  case GRAPH_Pad:
  case GRAPH_Tile: relate_along(a, node, 0, FACT_MIXED, out); return;
  case GRAPH_Reverse: relate_along(a, node, bits(node, GRAPH_ATTR_axes), FACT_MIXED, out); return;
  case GRAPH_Split:
    for (int k = 0; k < node->n_out; k++)
      for (int i = 0; i < rank; i++) {
        Factors *part = &a->factors[node->out[k]->id];
        if (i != axis)
          atoms_keep_axis(a, node->in[0], i, part, i);
        else
          atoms_derive_axis(a, node->in[0], i, atoms_dim(a, node->out[k], i), FACT_MIXED, part, i);
      }
    return;
  case GRAPH_Concat: relate_concat(a, node, out); return;
  case GRAPH_ReduceSum:
  case GRAPH_ReduceMean:
  case GRAPH_ReduceMax:
  case GRAPH_ReduceMin:
  case GRAPH_ReduceProd:
  case GRAPH_ReduceL1:
  case GRAPH_ReduceL2:
  case GRAPH_ReduceLogSumExp:
  case GRAPH_ReduceAll:
  case GRAPH_ReduceAny:
  case GRAPH_ArgMax:
  case GRAPH_ArgMin: relate_reduce(a, node, out); return;
  case GRAPH_CumSum:
  case GRAPH_Softmax:
  case GRAPH_LogSoftmax:
  case GRAPH_LpNormalize:
  case GRAPH_BatchNorm: relate_marked(a, node, axis, axis, out); return;
  case GRAPH_LayerNorm:
  case GRAPH_RmsNorm: relate_marked(a, node, axis, rank - 1, out); return;
  case GRAPH_GroupNorm: relate_marked(a, node, 1, rank - 1, out); return;
  case GRAPH_Gather: relate_gather(a, node, out); return;
  case GRAPH_MatMul:
  case GRAPH_MatMulInteger: relate_matmul(a, node, out); return;
  case GRAPH_Attention: relate_attention(a, node, out); return;
  case GRAPH_Conv:
  case GRAPH_ConvTranspose:
  case GRAPH_ConvInteger: relate_windows(a, node, true, out); return;
  case GRAPH_MaxPool:
  case GRAPH_AvgPool: relate_windows(a, node, false, out); return;
  case GRAPH_Quantize:
  case GRAPH_Dequantize: relate_same(a, node, out); return;
  case GRAPH_Lstm:
  case GRAPH_Gru:
  case GRAPH_Rnn: relate_recurrent(a, node); return;
  case GRAPH_State: relate_state(a, node, out); return;
  case GRAPH_Keep: relate_keep(a, node); return;
  case GRAPH_Hold: relate_hold(a, node, out); return;
  case GRAPH_Cut: relate_cut(a, node, out); return;
  case GRAPH_TopK:
  case GRAPH_ReverseSequence:
  case GRAPH_GatherElements:
  case GRAPH_GatherNd:
  case GRAPH_ScatterElements:
  case GRAPH_ScatterNd:
  case GRAPH_DepthToSpace:
  case GRAPH_Triu:
  case GRAPH_Tril:
  case GRAPH_Shape:
  case GRAPH_Size:
  case GRAPH_Range:
  case GRAPH_ConstantOfShape:
  case GRAPH_OneHot:
  case GRAPH_DynamicQuantize:
  case GRAPH_If:
  case GRAPH_Loop:
  case GRAPH_Scan:
  case GRAPH_While:
  case GRAPH_VarRead:
  case GRAPH_VarAssign:
  case GRAPH_ListNew:
  case GRAPH_ListFrom:
  case GRAPH_ListGet:
  case GRAPH_ListSet:
  case GRAPH_ListPush:
  case GRAPH_ListStack:
  case GRAPH_ListConcat:
  case GRAPH_ListSize:
  case GRAPH_OP_COUNT: relate_unknown(a, node); return;
  }
}
