/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Products of matrices and vectors, attention. */
#include "import/read/forms.h"
#include "import/read/torch/reader.h"

#include <math.h>
#include <string.h>

bool torch_op_linear(TorchCall *c) {
  GraphValue *x = torch_in(c, "input"), *w = x ? torch_in(c, "weight") : NULL,
             *b = torch_tensor_arg(c, "bias");
  if (!w) return false;
  if (torch_rank(c, "weight") != 2)
    return torch_lacks(c, E902, "use `torch.matmul`, whose operands can have more axes",
                       "has a weight that is not a matrix");
  GraphValue *y = EMIT(c->emit, MatMul, x, emit_transpose(c->emit, w, 2, (int64_t[]){1, 0}));
  return torch_set(c, 0, b ? EMIT(c->emit, Add, y, b) : y);
}

bool torch_op_matmul(TorchCall *c) {
  const char *second = torch_has(c, "other") ? "other" : torch_has(c, "mat2") ? "mat2" : "vec";
  GraphValue *a = torch_in(c, "self"), *b = a ? torch_in(c, second) : NULL;
  return b && torch_set(c, 0, EMIT(c->emit, MatMul, a, b));
}

/* addmm, addmv, baddbmm: beta self + alpha a b */
bool torch_op_addmm(TorchCall *c) {
  bool batched = torch_has(c, "batch1");
  const char *first = batched               ? "batch1"
                      : torch_has(c, "mat") ? "mat"
                                            : "mat1",
             *second = batched               ? "batch2"
                       : torch_has(c, "vec") ? "vec"
                                             : "mat2";
  GraphValue *bias = torch_in(c, "self"), *a = bias ? torch_in(c, first) : NULL,
             *b = a ? torch_in(c, second) : NULL;
  double alpha = torch_number(c, "alpha", 1), beta = torch_number(c, "beta", 1);
  if (!b) return false;
  GraphValue *y = EMIT(c->emit, MatMul, a, b);
  if (alpha != 1) y = EMIT(c->emit, Mul, y, emit_number(c->emit, alpha));
  if (beta == 0) return torch_set(c, 0, y); /* even where self is NaN */
  if (beta != 1) bias = EMIT(c->emit, Mul, bias, emit_number(c->emit, beta));
  return torch_set(c, 0, EMIT(c->emit, Add, y, bias));
}

/* Of two vectors. */
bool torch_op_dot(TorchCall *c) {
  GraphValue *a = torch_in(c, "self"),
             *b = a ? torch_in(c, torch_has(c, "other") ? "other" : "tensor") : NULL;
  if (!b) return false;
  GraphValue *product = EMIT(c->emit, Mul, a, b);
  return torch_set(c, 0, emit_reduce(c->emit, GRAPH_ReduceSum, product, 1, (int64_t[]){0}, false));
}

bool torch_op_outer(TorchCall *c) {
  GraphValue *a = torch_in(c, "self"), *b = a ? torch_in(c, "vec2") : NULL;
  return b && torch_set(c, 0, EMIT(c->emit, Mul, emit_unsqueeze(c->emit, a, 1, (int64_t[]){1}), b));
}

bool torch_op_einsum(TorchCall *c) {
  int n;
  const char *equation = torch_word(c, "equation", ""), *reason;
  GraphValue **in = torch_tensors(c, "tensors", &n);
  if (!in) return false;
  int *rank = ARENA_ARRAY(c->reader->arena, int, n + 1);
  torch_ranks(c, "tensors", n, rank);
  GraphValue *y = form_einsum(c->emit, equation, n, in, rank, &reason);
  return y ? torch_set(c, 0, y)
           : torch_lacks(c, E902,
                         "write it with `permute`, `matmul` and `sum`; grus reads equations whose "
                         "letters differ within each operand, as `bij,bjk->bik`",
                         "has the equation `%s`, %s", equation, reason);
}

/* y[k] = sum over i and j of input1[i] weight[k, i, j] input2[j], and a bias */
bool torch_op_bilinear(TorchCall *c) {
  GraphValue *a = torch_in(c, "input1"), *b = a ? torch_in(c, "input2") : NULL,
             *w = b ? torch_in(c, "weight") : NULL, *bias = torch_tensor_arg(c, "bias");
  int rank[3] = {torch_rank(c, "input1"), torch_rank(c, "weight"), torch_rank(c, "input2")};
  const char *reason;
  if (!w) return false;
  GraphValue *y =
      form_einsum(c->emit, "...i,kij,...j->...k", 3, (GraphValue *[]){a, w, b}, rank, &reason);
  if (!y) return torch_lacks(c, E902, torch_cut(c), "has operands of unknown axes");
  return torch_set(c, 0, bias ? EMIT(c->emit, Add, y, bias) : y);
}

/* a b / (max(|a|, eps) max(|b|, eps)) along an axis */
bool torch_op_cosine_similarity(TorchCall *c) {
  GraphEmit *e = c->emit;
  GraphValue *x[2] = {torch_in(c, "x1"), NULL};
  int64_t axis = x[0] ? torch_axis(c, "dim", 1, "x1", 0) : -1;
  double eps = torch_number(c, "eps", 1e-8);
  if (axis >= 0) x[1] = torch_in(c, "x2");
  if (!x[1]) return false;
  if (torch_rank(c, "x1") != torch_rank(c, "x2"))
    return torch_lacks(c, E902, "give both the same number of axes: `x.unsqueeze(0)`",
                       "has operands of different numbers of axes");
  GraphValue *product = emit_reduce(e, GRAPH_ReduceSum, EMIT(e, Mul, x[0], x[1]), 1, &axis, false);
  for (int k = 0; k < 2; k++) {
    GraphValue *norm = emit_reduce(e, GRAPH_ReduceL2, x[k], 1, &axis, false);
    product = EMIT(e, Div, product, emit_clip(e, norm, eps, INFINITY));
  }
  return torch_set(c, 0, product);
}

bool torch_op_embedding(TorchCall *c) {
  GraphValue *w = torch_in(c, "weight"), *places = w ? torch_in(c, "indices") : NULL;
  return places &&
         torch_set(c, 0, emit_axis_call(c->emit, GRAPH_Gather, 0, 2, (GraphValue *[]){w, places}));
}

/* A causal mask: row i is 0 in columns 0 to i, and minus infinity elsewhere. */
static GraphValue *causal(TorchCall *c, int rank) {
  int64_t dim[2] = {torch_size(c, "query", rank - 2), torch_size(c, "key", rank - 2)};
  double *data;
  GraphTensor *t = dim[0] > 0 && dim[1] > 0
                       ? graph_tensor_within(c->reader->arena, GRAPH_FLOAT, 2, dim, 1 << 22, &data)
                       : NULL;
  if (!t) return NULL;
  for (int64_t i = 0; i < t->count; i++)
    data[i] = i % dim[1] <= i / dim[1] ? 0 : -INFINITY;
  return graph_constant(c->emit->graph, "", t);
}

/* softmax(q k^T scale + mask) v */
bool torch_op_attention(TorchCall *c) {
  GraphEmit *e = c->emit;
  GraphValue *q = torch_in(c, "query"), *k = q ? torch_in(c, "key") : NULL,
             *v = k ? torch_in(c, "value") : NULL, *mask = torch_tensor_arg(c, "attn_mask");
  int rank = torch_rank(c, "query");
  int64_t width = rank > 1 ? torch_size(c, "query", rank - 1) : 0, perm[GRAPH_MAX_RANK];
  if (!v) return false;
  if (rank < 2 || width < 1 || torch_rank(c, "key") != rank)
    return torch_lacks(
        c, E902, "give queries and keys the same number of axes, by `unsqueeze`, and a fixed width",
        "has queries and keys with different numbers of axes, or of unknown width");
  if (torch_number(c, "dropout_p", 0) > 0)
    return torch_lacks(c, E902, "export in evaluation mode, with `dropout_p=0`",
                       "drops elements, as in training");
  if (torch_bool(c, "enable_gqa", false))
    return torch_lacks(c, E902,
                       "repeat keys and values for each query head, "
                       "`k.repeat_interleave(n, dim=1)`, and leave out `enable_gqa`",
                       "shares keys among heads (`enable_gqa`), which is not supported");
  for (int i = 0; i < rank; i++)
    perm[i] = i < rank - 2 ? i : 2 * rank - 3 - i;
  double scale = torch_number(c, "scale", 1 / sqrt((double)width));
  GraphValue *score =
      EMIT(e, Mul, EMIT(e, MatMul, q, emit_transpose(e, k, rank, perm)), emit_number(e, scale));
  if (torch_bool(c, "is_causal", false)) {
    mask = causal(c, rank);
    if (!mask)
      return torch_lacks(c, E902,
                         "export with a fixed number of steps, without `dynamic_shapes` for it",
                         "is causal over an open number of steps, which is not supported");
  } else if (mask && torch_arg_elem(c, "attn_mask") == GRAPH_BOOL)
    mask = EMIT(e, Where, mask, emit_number(e, 0), emit_number(e, -INFINITY));
  if (mask) score = EMIT(e, Add, score, mask);
  GraphValue *weight = emit_axis_call(e, GRAPH_Softmax, rank - 1, 1, &score);
  return torch_set(c, 0, EMIT(e, MatMul, weight, v));
}
