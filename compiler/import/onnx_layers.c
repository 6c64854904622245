/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators that become layers with weights, and those that work over features or over time.
 * Weights in ONNX: MatMul [d, u], Gemm [d, u] or with transB [u, d], Conv [filters, d / groups,
 * kernel] on [batch, d, time]. */
#include "import/onnx.h"

#include <math.h>
#include <string.h>

static OnnxDone refused(void) {
  return ONNX_FAILED;
}

static OnnxDone set_result(Onnx *onnx, OnnxTensor *t) {
  if (t) onnx_set(onnx, 0, t);
  return t ? ONNX_DONE : ONNX_FAILED;
}

/* A constant vector of n numbers to a layer; true also where there is none to give. */
static bool give_vector(Onnx *onnx, Layer *layer, Role role, const OnnxTensor *t, int64_t n,
                        double factor) {
  if (!onnx_is_constant(t) || (t->count != n && t->count != 1)) {
    onnx_refuse(onnx, E603, "has a %s %s, and needs [%lld]", role_name[role],
                onnx_dims(onnx->arena, t->rank, t->dim), (long long)n);
    return false;
  }
  float *to =
      foreign_tensor(onnx->foreign, layer, role, 1, &n, t->name ? t->name : onnx_origin(onnx));
  for (int64_t k = 0; to && k < n; k++)
    to[k] = (float)(onnx_number(t, t->count == 1 ? 0 : k) * factor);
  return to != NULL;
}

/* ---- products ---- */

/* All elements of one source, in any order, as the inputs of a Dense: flattened, and order[k] is
 * where element k of the tensor is among them. */
static bool permuted(Onnx *onnx, const OnnxTensor *t, OnnxValue *x, int64_t *order) {
  const OnnxSource *s = t->ref && t->count ? &onnx->source[t->ref[0].source] : NULL;
  if (!s || !t->ref[0].source || t->count != s->rows * s->row) return false;
  bool *seen = ARENA_ARRAY(onnx->arena, bool, t->count);
  for (int64_t k = 0; k < t->count; k++) {
    if (t->ref[k].source != t->ref[0].source || seen[t->ref[k].index]) return false;
    seen[t->ref[k].index] = true;
    order[k] = t->ref[k].index;
  }
  memset(x, 0, sizeof *x);
  x->time = -1;
  x->rows = 1;
  x->rank = x->value_rank = 1;
  x->row = x->dim[0] = x->value_dim[0] = t->count;
  bool in_time = s->is_sequence && s->rows > 1;
  if (!in_time && s->rank == 1)
    x->value = s->value, x->is_sequence = s->is_sequence;
  else {
    Layer *flat = onnx_layer(onnx, in_time ? LAYER_flatten : LAYER_reshape, 1, &s->value);
    if (!in_time)
      layer_set_shape(onnx->arena, flat, foreign_type((Time){.kind = TIME_NONE}, 1, &t->count));
    x->value = flat->out[0];
  }
  return true;
}

static OnnxDone dense(Onnx *onnx, const OnnxTensor *t, const OnnxTensor *w, bool transposed,
                      double alpha, const OnnxTensor *bias, double beta) {
  int64_t d = w->dim[transposed ? 1 : 0], u = w->dim[transposed ? 0 : 1], dim[ONNX_MAX_RANK];
  OnnxValue x;
  if (!w->f || w->rank != 2) {
    diag_note(onnx_refuse(onnx, E902, "multiplies two tensors that come from the data"),
              "grus multiplies by constant matrices, and values of one shape element by element: "
              "attention has no form");
    return ONNX_FAILED;
  }
  if (t->rank < 1 || t->dim[t->rank - 1] != d) {
    onnx_refuse(onnx, E601, "was trained on %lld inputs, but the graph feeds it %s", (long long)d,
                onnx_dims(onnx->arena, t->rank, t->dim));
    return ONNX_FAILED;
  }
  int64_t *order = ARENA_ARRAY(onnx->arena, int64_t, d + 1);
  bool reordered = false, in_order = true;
  for (int64_t k = 0; k < d; k++)
    order[k] = k;
  for (int64_t k = 1; k < t->count && t->ref && in_order; k++)
    in_order = t->ref[k].source == t->ref[0].source && t->ref[k].index == t->ref[0].index + k;
  if (t->count == d && !in_order) reordered = permuted(onnx, t, &x, order);
  if (!reordered && !onnx_value(onnx, t, -1, &x)) return ONNX_FAILED;
  if (x.time == t->rank - 1) {
    diag_note(onnx_refuse(onnx, E902, "multiplies over the steps of a sequence"),
              "`Dense` multiplies over features; `flatten` in front of it takes all steps");
    return ONNX_FAILED;
  }
  onnx_exact(onnx, &x);
  Layer *layer = onnx_layer(onnx, LAYER_Dense, 1, &x.value);
  layer_set_size(layer, OPT_units, u);
  float *kernel = foreign_tensor(onnx->foreign, layer, ROLE_KERNEL, 2, (int64_t[]){u, d},
                                 w->name ? w->name : onnx_origin(onnx));
  if (!kernel) {
    onnx_refuse(onnx, E901, "has a matrix of an impossible size");
    return ONNX_FAILED;
  }
  for (int64_t o = 0; o < u; o++)
    for (int64_t k = 0; k < d; k++)
      kernel[o * d + order[k]] = (float)((double)w->f[transposed ? o * d + k : k * u + o] * alpha);
  if (bias && !give_vector(onnx, layer, ROLE_BIAS, bias, u, beta)) return ONNX_FAILED;
  if (!bias) layer_set_word(layer, OPT_bias, "false");
  memcpy(dim, t->dim, sizeof dim);
  dim[t->rank - 1] = u;
  x.dim[x.rank - 1] = u;
  int source = onnx_source(onnx, layer->out[0], x.rows, x.is_sequence, x.rank, x.dim);
  if (!bias && alpha == 1) onnx->source[source].open = layer;
  return set_result(onnx, onnx_references(onnx, source, t->rank, dim, x.time));
}

static OnnxDone do_matmul(Onnx *onnx) {
  return dense(onnx, onnx_in(onnx, 0), onnx_in(onnx, 1), false, 1, NULL, 0);
}

static OnnxDone do_gemm(Onnx *onnx) {
  const OnnxTensor *bias = onnx->node->n_in > 2 ? onnx_in(onnx, 2) : NULL;
  if (onnx_int(onnx, "transA", 0)) {
    diag_note(onnx_refuse(onnx, E903, "has transA, which mixes samples"),
              "a row is one sample: export it with the constant transposed instead");
    return ONNX_FAILED;
  }
  return dense(onnx, onnx_in(onnx, 0), onnx_in(onnx, 1), onnx_int(onnx, "transB", 0) != 0,
               onnx_float(onnx, "alpha", 1), bias, onnx_float(onnx, "beta", 1));
}

/* ---- convolution and pools ---- */

/* Whole numbers of an attribute for one spatial axis. */
static int64_t one_axis(const Onnx *onnx, const char *name, int64_t if_absent, size_t i) {
  const OnnxAttribute *a = onnx_attribute(onnx, name);
  return a && i < a->n ? a->ints[i] : if_absent;
}

static bool is_1d(Onnx *onnx, const OnnxTensor *t) {
  if (t->rank == 3 && t->dim[0] == 1) return true;
  Diag *d = onnx_refuse(onnx, E902, "works on %s", onnx_dims(onnx->arena, t->rank, t->dim));
  diag_note(d, t->rank == 4 ? "its kernel goes over two axes; grus has Conv1D and pools over time"
                            : "grus needs [1, features, time] here");
  return false;
}

/* Zeros in front and behind, from auto_pad, from pads, and from a Pad before it. */
static bool padding_of(Onnx *onnx, const OnnxValue *x, int64_t span, int64_t stride,
                       int64_t *before, int64_t *after) {
  const char *automatic = onnx_string(onnx, "auto_pad", "NOTSET");
  int64_t n = x->rows + x->zeros_before + x->zeros_after;
  *before = one_axis(onnx, "pads", 0, 0);
  *after = one_axis(onnx, "pads", 0, 1);
  if (strncmp(automatic, "SAME_", 5) == 0) {
    int64_t need = ((n + stride - 1) / stride - 1) * stride + span - n;
    if (need < 0) need = 0;
    *before = strcmp(automatic, "SAME_LOWER") == 0 ? need - need / 2 : need / 2;
    *after = need - *before;
  }
  *before += x->zeros_before;
  *after += x->zeros_after;
  return true;
}

static const char *padding_word(Onnx *onnx, int64_t rows, int64_t span, int64_t stride,
                                int64_t before, int64_t after) {
  int64_t need = ((rows + stride - 1) / stride - 1) * stride + span - rows;
  if (!before && !after) return "valid";
  if (before == span - 1 && !after) return "causal";
  if (need < 0) need = 0;
  if (before == need / 2 && after == need - need / 2) return "same";
  Diag *d = onnx_refuse(onnx, E903, "has %lld zeros in front of its sequence and %lld behind",
                        (long long)before, (long long)after);
  diag_note(d, "grus has none, `causal` (%lld in front) and `same` (%lld in front, %lld behind)",
            (long long)span - 1, (long long)(need / 2), (long long)(need - need / 2));
  return NULL;
}

static OnnxDone do_conv(Onnx *onnx) {
  const OnnxTensor *t = onnx_in(onnx, 0), *w = onnx_in(onnx, 1),
                   *b = onnx->node->n_in > 2 ? onnx_in(onnx, 2) : NULL;
  int64_t groups = onnx_int(onnx, "group", 1), stride = one_axis(onnx, "strides", 1, 0),
          dilation = one_axis(onnx, "dilations", 1, 0), before, after;
  OnnxValue x;
  if (!is_1d(onnx, t)) return ONNX_FAILED;
  if (!w || !w->f || w->rank != 3 || groups < 1 || stride < 1 || dilation < 1 ||
      w->dim[1] * groups != t->dim[1] || w->dim[0] % groups || w->dim[2] < 1 ||
      dilation > 1 << 20 || stride > 1 << 20) {
    onnx_refuse(onnx, E603, "has a kernel that does not fit %s in %lld groups",
                onnx_dims(onnx->arena, t->rank, t->dim), (long long)groups);
    return ONNX_FAILED;
  }
  int64_t filters = w->dim[0], d = w->dim[1], size = w->dim[2], span = (size - 1) * dilation + 1;
  if (!onnx_value_padded(onnx, t, 2, &x) || !padding_of(onnx, &x, span, stride, &before, &after))
    return ONNX_FAILED;
  const char *padding = padding_word(onnx, x.rows, span, stride, before, after);
  if (!padding) return ONNX_FAILED;
  if (!x.is_sequence) x.value = onnx_layer(onnx, LAYER_expand, 1, &x.value)->out[0];
  onnx_exact(onnx, &x);
  Layer *layer = onnx_layer(onnx, LAYER_Conv1D, 1, &x.value);
  layer_set_size(layer, OPT_filters, filters);
  layer_set_size(layer, OPT_kernel, size);
  if (stride != 1) layer_set_size(layer, OPT_stride, stride);
  if (dilation != 1) layer_set_size(layer, OPT_dilation, dilation);
  if (groups != 1) layer_set_size(layer, OPT_groups, groups);
  if (strcmp(padding, "valid") != 0) layer_set_word(layer, OPT_padding, padding);
  float *kernel =
      foreign_tensor(onnx->foreign, layer, ROLE_KERNEL, 3, (int64_t[]){filters, size, d},
                     w->name ? w->name : onnx_origin(onnx));
  if (!kernel) return ONNX_FAILED;
  for (int64_t f = 0; f < filters; f++)
    for (int64_t k = 0; k < size; k++)
      for (int64_t i = 0; i < d; i++)
        kernel[(f * size + k) * d + i] = w->f[(f * d + i) * size + k];
  if (b && !give_vector(onnx, layer, ROLE_BIAS, b, filters, 1)) return ONNX_FAILED;
  if (!b) layer_set_word(layer, OPT_bias, "false");
  int64_t steps = (x.rows + before + after - span) / stride + 1, dim[3] = {1, filters, steps};
  if (steps < 1) {
    onnx_refuse(onnx, E901, "has a kernel of %lld steps on a sequence of %lld", (long long)span,
                (long long)x.rows);
    return ONNX_FAILED;
  }
  return set_result(
      onnx,
      onnx_references(onnx, onnx_source(onnx, layer->out[0], steps, true, 1, &filters), 3, dim, 2));
}

static OnnxDone do_pool(Onnx *onnx) {
  const OnnxTensor *t = onnx_in(onnx, 0);
  bool max = strcmp(onnx->node->op, "MaxPool") == 0;
  int64_t size = one_axis(onnx, "kernel_shape", 0, 0), stride = one_axis(onnx, "strides", 1, 0),
          before, after;
  OnnxValue x;
  if (!is_1d(onnx, t) || !onnx_value(onnx, t, 2, &x)) return ONNX_FAILED;
  if (!padding_of(onnx, &x, size, stride, &before, &after)) return ONNX_FAILED;
  if (before || after || one_axis(onnx, "dilations", 1, 0) != 1 || onnx_int(onnx, "ceil_mode", 0) ||
      size < 1 || stride < 1 || size > x.rows || (onnx->node->n_out > 1 && *onnx->node->out[1])) {
    Diag *d = onnx_refuse(onnx, E903, "has padding, dilation, ceil_mode or indices");
    diag_note(d, "pools of grus have a size and a stride");
    return ONNX_FAILED;
  }
  onnx_exact(onnx, &x);
  Layer *layer = onnx_layer(onnx, max ? LAYER_max_pool : LAYER_mean_pool, 1, &x.value);
  layer_set_size(layer, OPT_size, size);
  layer_set_size(layer, OPT_stride, stride);
  int64_t steps = (x.rows - size) / stride + 1, dim[3] = {1, t->dim[1], steps};
  return set_result(
      onnx, onnx_references(onnx, onnx_source(onnx, layer->out[0], steps, true, x.rank, x.dim), 3,
                            dim, 2));
}

/* ---- norms ---- */

static OnnxDone do_batch_norm(Onnx *onnx) {
  static const Role roles[] = {ROLE_SCALE, ROLE_CENTER, ROLE_MEAN, ROLE_VARIANCE};
  const OnnxTensor *t = onnx_in(onnx, 0);
  OnnxValue x;
  if (onnx_int(onnx, "training_mode", 0)) {
    diag_note(
        onnx_refuse(onnx, E903, "is in training mode: it normalises by the statistics of a batch"),
        "export the model in its evaluation mode: `model.eval()`");
    return ONNX_FAILED;
  }
  if (t->rank < 2 || t->dim[0] != 1 || t->rank > 3) {
    diag_note(onnx_refuse(onnx, E902, "works on %s", onnx_dims(onnx->arena, t->rank, t->dim)),
              "BatchNorm of grus takes [1, features] and [1, features, time]");
    return refused();
  }
  if (!onnx_value(onnx, t, t->rank == 3 && t->dim[2] > 1 ? 2 : -1, &x)) return ONNX_FAILED;
  onnx_exact(onnx, &x);
  Layer *layer = onnx_layer(onnx, LAYER_BatchNorm, 1, &x.value);
  layer_set_number(layer, OPT_eps, onnx_float(onnx, "epsilon", 1e-5));
  for (int i = 0; i < 4; i++)
    if (!onnx_in(onnx, 1 + i) ||
        !give_vector(onnx, layer, roles[i], onnx_in(onnx, 1 + i), t->dim[1], 1))
      return ONNX_FAILED;
  return set_result(onnx, onnx_like(onnx, t, &x, layer->out[0]));
}

static OnnxDone do_layer_norm(Onnx *onnx) {
  const OnnxTensor *t = onnx_in(onnx, 0), *scale = onnx_in(onnx, 1),
                   *center = onnx->node->n_in > 2 ? onnx_in(onnx, 2) : NULL;
  int axis = onnx_axis(onnx, onnx_int(onnx, "axis", -1), t->rank);
  OnnxValue x;
  if (axis < 0 || !onnx_value(onnx, t, -1, &x)) return ONNX_FAILED;
  onnx_exact(onnx, &x);
  bool last = axis == t->rank - 1 && x.time != axis;
  for (int i = axis; i < t->rank - 1 && !last; i++) /* over axes of size 1, too */
    last = x.rank == 1 && x.time < axis && t->dim[t->rank - 1] == x.row;
  bool statistics = false;
  for (int i = 1; i < onnx->node->n_out; i++)
    statistics |= map_get(&onnx->uses, onnx->node->out[i]) != NULL;
  if (!last || statistics) {
    Diag *d = onnx_refuse(onnx, E903,
                          last ? "gives its mean and deviation, too"
                               : "normalises over more than its last axis");
    diag_note(d, last ? "LayerNorm of grus gives what is normalised alone: leave the others out of "
                        "the outputs"
                      : "LayerNorm of grus works on the last axis");
    return ONNX_FAILED;
  }
  int64_t n = t->dim[t->rank - 1];
  Layer *layer = onnx_layer(onnx, LAYER_LayerNorm, 1, &x.value);
  layer_set_number(layer, OPT_eps, onnx_float(onnx, "epsilon", 1e-5));
  if (!scale) layer_set_word(layer, OPT_scale, "false");
  if (!center) layer_set_word(layer, OPT_center, "false");
  if ((scale && !give_vector(onnx, layer, ROLE_SCALE, scale, n, 1)) ||
      (center && !give_vector(onnx, layer, ROLE_CENTER, center, n, 1)))
    return ONNX_FAILED;
  OnnxTensor *out = onnx_like(onnx, t, &x, layer->out[0]);
  if (out && !scale && !center) onnx->source[onnx->n_sources - 1].open = layer;
  return set_result(onnx, out);
}

static OnnxDone do_prelu(Onnx *onnx) {
  const OnnxTensor *t = onnx_in(onnx, 0), *slope = onnx_in(onnx, 1);
  OnnxValue x;
  if (!slope || !onnx_value(onnx, t, -1, &x)) return ONNX_FAILED;
  onnx_exact(onnx, &x);
  Layer *layer = onnx_layer(onnx, LAYER_prelu, 1, &x.value);
  if (!give_vector(onnx, layer, ROLE_SLOPE, slope, x.dim[x.rank - 1], 1)) return ONNX_FAILED;
  return set_result(onnx, onnx_like(onnx, t, &x, layer->out[0]));
}

/* ---- over features and over time ---- */

static OnnxDone do_softmax(Onnx *onnx) {
  const OnnxTensor *t = onnx_in(onnx, 0);
  int axis = onnx_axis(onnx, onnx_int(onnx, "axis", onnx->opset < 13 ? 1 : -1), t->rank);
  OnnxValue x;
  if (axis < 0 || !onnx_value(onnx, t, -1, &x)) return ONNX_FAILED;
  onnx_exact(onnx, &x);
  int64_t behind = 1;
  for (int i = axis; i < t->rank; i++)
    behind *= t->dim[i];
  bool fits = x.time < axis && x.rank == 1 && behind == x.row;
  fits |= x.time != axis && axis == t->rank - 1;
  if (!fits) {
    Diag *d = onnx_refuse(onnx, E902, "works on axis %d of %s, which is not its features", axis,
                          onnx_dims(onnx->arena, t->rank, t->dim));
    diag_note(d, "softmax of grus goes over the last axis, at each step by itself");
    if (onnx->opset < 13 && !onnx_attribute(onnx, "axis"))
      diag_note(d,
                "before opset 13 an axis that is not given is 1, and means all axes from there on");
    return ONNX_FAILED;
  }
  LayerKind kind = strcmp(onnx->node->op, "LogSoftmax") == 0 ? LAYER_log_softmax : LAYER_softmax;
  Value *value = onnx_layer(onnx, kind, 1, &x.value)->out[0];
  return set_result(onnx, onnx_like(onnx, t, &x, value));
}

/* The axes a reduction goes over. False after reporting. */
static bool reduced_axes(Onnx *onnx, const OnnxTensor *t, bool *over) {
  const OnnxTensor *axes = onnx->node->n_in > 1 ? onnx_in(onnx, 1) : NULL;
  const OnnxAttribute *a = onnx_attribute(onnx, "axes");
  int64_t n = axes ? axes->count : a ? (int64_t)a->n : -1;
  if (axes && !axes->i)
    return onnx_refuse(onnx, E902, "has axes that are computed from the data"), false;
  if (n == 0 && !onnx_int(onnx, "noop_with_empty_axes", 0)) n = -1;
  for (int i = 0; i < t->rank; i++)
    over[i] = n < 0;
  for (int64_t k = 0; k < n; k++) {
    int axis = onnx_axis(onnx, axes ? axes->i[k] : a->ints[k], t->rank);
    if (axis < 0) return false;
    over[axis] = true;
  }
  return true;
}

static OnnxDone do_reduce(Onnx *onnx) {
  const char *op = onnx->node->op;
  const OnnxTensor *t = onnx_in(onnx, 0);
  bool over[ONNX_MAX_RANK] = {false}, global = strncmp(op, "Global", 6) == 0,
       keep = global || onnx_int(onnx, "keepdims", 1);
  bool max = strcmp(op, "ReduceMax") == 0 || strcmp(op, "GlobalMaxPool") == 0;
  int time = -1, n = 0;
  int64_t dim[ONNX_MAX_RANK];
  if (global && !is_1d(onnx, t)) return ONNX_FAILED;
  if (global)
    over[2] = true;
  else if (!reduced_axes(onnx, t, over))
    return ONNX_FAILED;
  bool several = false;
  for (int i = 0; i < t->rank; i++) {
    if (over[i] && t->dim[i] > 1) several |= time >= 0, time = i;
    if (!over[i])
      dim[n++] = t->dim[i];
    else if (keep)
      dim[n++] = 1;
  }
  if (time < 0) return set_result(onnx, onnx_shaped(onnx, t, n, dim)); /* of one element each */
  OnnxValue x;
  if (several || !onnx_value(onnx, t, -1, &x) || x.time != time || !x.is_sequence || x.rows < 2) {
    if (onnx->diags->n_errors) return ONNX_FAILED;
    Diag *d = onnx_refuse(onnx, E902, "reduces axes of %s that are not the steps of a sequence",
                          onnx_dims(onnx->arena, t->rank, t->dim));
    diag_note(d, "grus has mean and max over time");
    return ONNX_FAILED;
  }
  Value *value = onnx_layer(onnx, max ? LAYER_max : LAYER_mean, 1, &x.value)->out[0];
  if (strcmp(op, "ReduceSum") == 0) {
    Layer *times = onnx_layer(onnx, LAYER_mul, 1, &value);
    layer_set_number(times, OPT_value, (double)x.rows);
    value = times->out[0];
  }
  int source = onnx_source(onnx, value, 1, false, x.value_rank, x.value_dim);
  return set_result(onnx, onnx_references(onnx, source, n, dim, -1));
}

/* ---- categories ---- */

/* Gather from a constant table by an input of whole numbers. */
static OnnxDone do_embedding(Onnx *onnx) {
  const OnnxTensor *table = onnx_in(onnx, 0), *index = onnx_in(onnx, 1);
  OnnxValue x;
  if (!table || !table->f || table->rank != 2 || onnx_int(onnx, "axis", 0) != 0 || !index) {
    Diag *d = onnx_refuse(onnx, E902, "takes elements by an index that comes from the data");
    diag_note(d, "`Embedding` takes rows of a constant table by an input of whole numbers");
    return ONNX_FAILED;
  }
  int64_t rows = table->dim[0], u = table->dim[1], dim[ONNX_MAX_RANK];
  if (!onnx_value(onnx, index, -1, &x)) return ONNX_FAILED;
  const OnnxSource *s = &onnx->source[index->ref[0].source];
  if (s->input < 0 || s->value != x.value || !s->is_index || index->rank + 1 > ONNX_MAX_RANK) {
    diag_note(onnx_refuse(onnx, E902, "takes rows of a table by numbers that were computed"),
              "`Embedding` takes them by an input of whole numbers");
    return ONNX_FAILED;
  }
  Type *type = &onnx->port[s->input]->declared;
  if (type->elem == ELEM_INDEX && type->categories != rows)
    return onnx_refuse(onnx, E903, "reads indices that another table of %lld rows reads, too",
                       (long long)type->categories),
           refused();
  type->elem = ELEM_INDEX;
  type->categories = rows;
  if (x.row == 1) type->rank = 0; /* [time] of one index each */
  Layer *layer = onnx_layer(onnx, LAYER_Embedding, 1, &x.value);
  layer_set_size(layer, OPT_units, u);
  float *to = foreign_tensor(onnx->foreign, layer, ROLE_TABLE, 2, (int64_t[]){rows, u},
                             table->name ? table->name : onnx_origin(onnx));
  if (!to) return ONNX_FAILED;
  memcpy(to, table->f, sizeof *to * (size_t)(rows * u));
  memcpy(dim, index->dim, sizeof dim);
  dim[index->rank] = u;
  int rank = x.row == 1 ? 0 : x.rank;
  int64_t features[ONNX_MAX_RANK];
  memcpy(features, x.dim, sizeof features);
  features[rank] = u;
  int source = onnx_source(onnx, layer->out[0], x.rows, x.is_sequence, rank + 1, features);
  return set_result(onnx, onnx_references(onnx, source, index->rank + 1, dim, x.time));
}

static const struct {
  const char *op, *attributes;
  OnnxDone (*convert)(Onnx *onnx);
} layers[] = {
    {"MatMul", "", do_matmul},
    {"Gemm", "alpha beta transA transB broadcast", do_gemm},
    {"Conv", "auto_pad dilations group kernel_shape pads strides", do_conv},
    {"MaxPool", "auto_pad ceil_mode dilations kernel_shape pads storage_order strides", do_pool},
    {"AveragePool", "auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides",
     do_pool},
    {"GlobalAveragePool", "", do_reduce},
    {"GlobalMaxPool", "", do_reduce},
    {"ReduceMean", "axes keepdims noop_with_empty_axes", do_reduce},
    {"ReduceMax", "axes keepdims noop_with_empty_axes", do_reduce},
    {"ReduceSum", "axes keepdims noop_with_empty_axes", do_reduce},
    {"BatchNormalization", "epsilon momentum spatial training_mode is_test consumed_inputs",
     do_batch_norm},
    {"LayerNormalization", "axis epsilon stash_type", do_layer_norm},
    {"PRelu", "", do_prelu},
    {"Softmax", "axis", do_softmax},
    {"LogSoftmax", "axis", do_softmax},
    {"Gather", "axis", do_embedding}};

OnnxDone onnx_layers(Onnx *onnx) {
  for (size_t k = 0; k < sizeof layers / sizeof *layers; k++) {
    if (strcmp(onnx->node->op, layers[k].op) != 0) continue;
    if (!onnx->node->n_in || !onnx_in(onnx, 0))
      return onnx_refuse(onnx, E901, "has no input"), ONNX_FAILED;
    if (strcmp(layers[k].op, "MatMul") == 0 && (onnx->node->n_in != 2 || !onnx_in(onnx, 1)))
      return onnx_refuse(onnx, E901, "needs two inputs"), ONNX_FAILED;
    if (strcmp(layers[k].op, "Gemm") == 0 && (onnx->node->n_in < 2 || !onnx_in(onnx, 1)))
      return onnx_refuse(onnx, E901, "needs two inputs"), ONNX_FAILED;
    return onnx_attributes_known(onnx, layers[k].attributes) ? layers[k].convert(onnx)
                                                             : ONNX_FAILED;
  }
  return ONNX_OTHER;
}
