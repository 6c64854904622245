/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators that put the same numbers elsewhere. */
#include "import/read/forms.h"
#include "import/read/onnx/reader.h"

#include <math.h>
#include <string.h>

bool onnx_op_reshape(OnnxCall *c) {
  const int64_t *given;
  int n;
  GraphValue *shape = call_operand(c, 1);
  if (!shape && !call_attr_ints(c, "shape", &n, &given))
    return call_refuse(c, E901, "has no shape");
  if (!shape) shape = emit_ints(c->emit, n, given);
  bool zeros = !shape->constant;
  for (int64_t i = 0; shape->constant && i < shape->constant->count; i++)
    zeros = zeros || graph_at(shape->constant, i) == 0;
  GraphNode *node = emit_node(c->emit, GRAPH_Reshape, 2, (GraphValue *[]){c->in[0], shape}, 1);
  if (zeros && !call_attr_int(c, "allowzero", 0))
    graph_set_int(c->emit->graph, node, GRAPH_ATTR_copy_zeros, 1);
  return call_set(c, 0, emit_done(c->emit, node));
}

bool onnx_op_flatten(OnnxCall *c) {
  return call_set(c, 0,
                  emit_axis_call(c->emit, GRAPH_Flatten, call_attr_int(c, "axis", 1), 1, c->in));
}

bool onnx_op_transpose(OnnxCall *c) {
  const int64_t *perm;
  int n;
  if (call_attr_ints(c, "perm", &n, &perm))
    return call_set(c, 0, emit_transpose(c->emit, c->in[0], n, perm));
  return call_set(c, 0, emit_call(c->emit, GRAPH_Transpose, 1, c->in));
}

/* Squeeze and Unsqueeze: axes are an attribute, or an operand since opset 13. */
bool onnx_op_squeeze(OnnxCall *c) {
  bool out = strcmp(c->node->op_type, "Squeeze") == 0;
  const int64_t *given;
  int64_t axes[GRAPH_MAX_RANK];
  int n = 0;
  bool named = call_operand(c, 1) != NULL;
  if (named) {
    if (!call_constant_ints(c, 1, "axes", GRAPH_MAX_RANK, &n, axes)) return false;
    given = axes;
  } else
    named = call_attr_ints(c, "axes", &n, &given);
  if (!named && !out) return call_refuse(c, E901, "names no axes");
  if (!named) return call_set(c, 0, emit_call(c->emit, GRAPH_Squeeze, 1, c->in));
  return call_set(c, 0,
                  out ? emit_squeeze(c->emit, c->in[0], n, given)
                      : emit_unsqueeze(c->emit, c->in[0], n, given));
}

bool onnx_op_concat(OnnxCall *c) {
  for (int k = 0; k < c->n_in; k++)
    if (!c->in[k]) return call_refuse(c, E901, "lacks operand %d", k);
  return call_set(c, 0, emit_concat(c->emit, call_attr_int(c, "axis", 1), c->n_in, c->in));
}

bool onnx_op_split(OnnxCall *c) {
  const int64_t *given;
  int n;
  GraphValue *sizes = call_operand(c, 1);
  if (!sizes && call_attr_ints(c, "split", &n, &given)) sizes = emit_ints(c->emit, n, given);
  int64_t n_out = (int64_t)c->node->n_output, asked = call_attr_int(c, "num_outputs", n_out);
  if (asked < n_out || asked > INT16_MAX)
    return call_refuse(c, E901, "has %lld results; it makes %lld", (long long)n_out,
                       (long long)asked);
  GraphNode *node =
      emit_node(c->emit, GRAPH_Split, sizes ? 2 : 1, (GraphValue *[]){c->in[0], sizes}, (int)asked);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_axis, call_attr_int(c, "axis", 0));
  if (!sizes && !call_attr_int(c, "num_outputs", 0)) /* before opset 18: of one size */
    graph_set_int(c->emit->graph, node, GRAPH_ATTR_count, n_out);
  emit_done(c->emit, node);
  for (int k = 0; k < n_out; k++)
    if (!call_set(c, k, node->out[k])) return false;
  return true;
}

/* Bounds are attributes before opset 10, then operands. */
bool onnx_op_slice(OnnxCall *c) {
  static const char *const name[] = {"starts", "ends", "axes"};
  GraphValue *in[5] = {c->in[0]};
  const int64_t *given;
  int n, n_in = 1;
  for (int k = 1; k < c->n_in; k++)
    if (c->in[k]) n_in = k + 1;
  for (int k = 1; k < 5; k++)
    in[k] = call_operand(c, k);
  for (int k = 1; n_in == 1 && k < 4; k++)
    if (call_attr_ints(c, name[k - 1], &n, &given)) in[k] = emit_ints(c->emit, n, given);
  if (!in[1] || !in[2]) return call_refuse(c, E901, "does not say where it begins and ends");
  return call_set(c, 0, emit_call(c->emit, GRAPH_Slice, in[4] ? 5 : in[3] ? 4 : 3, in));
}

/* Pads of the axes that are named, 0 for the others: all begins, then all ends. */
static GraphValue *pads_of_all(OnnxCall *c, GraphValue *pads, GraphValue *axes) {
  GraphEmit *e = c->emit;
  GraphValue *rank = EMIT(e, Shape, EMIT(e, Shape, c->in[0])), *none = emit_int(e, 0);
  GraphNode *zeros = emit_node(e, GRAPH_ConstantOfShape, 1,
                               (GraphValue *[]){EMIT(e, Mul, rank, emit_int(e, 2))}, 1);
  graph_set_int(e->graph, zeros, GRAPH_ATTR_elem, GRAPH_I64);
  GraphValue *all = emit_done(e, zeros);
  GraphValue *front = EMIT(e, Where, EMIT(e, Less, axes, none), EMIT(e, Add, axes, rank), axes);
  GraphValue *places = emit_concat(e, 0, 2, (GraphValue *[]){front, EMIT(e, Add, front, rank)});
  return emit_axis_call(e, GRAPH_ScatterElements, 0, 3, (GraphValue *[]){all, places, pads});
}

bool onnx_op_pad(OnnxCall *c) {
  const char *mode = call_attr_string(c, "mode", "constant");
  const int64_t *given;
  int n;
  GraphValue *pads = call_operand(c, 1), *value = call_operand(c, 2), *axes = call_operand(c, 3);
  if (!pads &&
      (call_attr_ints(c, "pads", &n, &given) || call_attr_ints(c, "paddings", &n, &given))) {
    pads = emit_ints(c->emit, n, given);
    value = emit_number(c->emit, call_attr_float(c, "value", 0));
  }
  if (!pads) return call_refuse(c, E901, "has no pads");
  if (axes) pads = pads_of_all(c, pads, axes);
  GraphNode *node =
      emit_node(c->emit, GRAPH_Pad, value ? 3 : 2, (GraphValue *[]){c->in[0], pads, value}, 1);
  graph_set_words(c->emit->graph, node, GRAPH_ATTR_mode, 1, &mode);
  return call_set(c, 0, emit_done(c->emit, node));
}

bool onnx_op_trilu(OnnxCall *c) {
  GraphOp op = call_attr_int(c, "upper", 1) ? GRAPH_Triu : GRAPH_Tril;
  return call_set(c, 0, emit_call(c->emit, op, c->n_in, c->in));
}

bool onnx_op_depth_to_space(OnnxCall *c) {
  const char *mode = call_attr_string(c, "mode", "DCR");
  GraphNode *node = emit_node(c->emit, GRAPH_DepthToSpace, 1, c->in, 1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_block, call_attr_int(c, "blocksize", 1));
  graph_set_words(c->emit->graph, node, GRAPH_ATTR_mode, 1, &mode);
  return call_set(c, 0, emit_done(c->emit, node));
}

bool onnx_op_space_to_depth(OnnxCall *c) {
  int64_t b = call_attr_int(c, "blocksize", 1);
  if (b < 1 || b > INT16_MAX) return call_refuse(c, E901, "has blocks of %lld", (long long)b);
  return call_set(c, 0, form_space_to_depth(c->emit, c->in[0], b, false));
}

bool onnx_op_reverse_sequence(OnnxCall *c) {
  GraphNode *node = emit_node(c->emit, GRAPH_ReverseSequence, 2, c->in, 1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_axis, call_attr_int(c, "time_axis", 0));
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_batch_axis, call_attr_int(c, "batch_axis", 1));
  return call_set(c, 0, emit_done(c->emit, node));
}

/* ---- Resize ---- */

/* How often each element comes along each axis, of `scales`, an operand or an attribute, or of
 * sizes: these have to be multiples of those of x, which the Reshape at the end shows. *sized: the
 * sizes; NULL: factor[i] says. */
static bool factors_of(OnnxCall *c, int *n, int64_t *factor, GraphValue **sized) {
  bool old = strcmp(c->node->op_type, "Upsample") == 0 || c->reader->opset < 11;
  const GraphValue *scales = call_operand(c, old ? 1 : 2);
  GraphValue *sizes = old ? NULL : call_operand(c, 3);
  const OnnxAttribute *listed = call_attribute(c, "scales");
  *sized = sizes && sizes->constant && (!scales || !scales->constant || !scales->constant->count)
               ? sizes
               : NULL;
  if (*sized) {
    *n = sizes->constant->count < GRAPH_MAX_RANK ? (int)sizes->constant->count : 0;
    for (int i = 0; i < *n; i++)
      factor[i] = 0;
    if (*n) return true;
  }
  const GraphTensor *t = scales ? scales->constant : NULL;
  *n = t ? (int)(t->count < GRAPH_MAX_RANK ? t->count : 0)
       : listed && listed->n_floats < GRAPH_MAX_RANK ? (int)listed->n_floats
                                                     : 0;
  bool whole = *n > 0;
  for (int i = 0; i < *n && whole; i++) {
    double f = t ? graph_at(t, i) : (double)listed->floats[i];
    whole = f >= 1 && f == floor(f) && f < INT16_MAX;
    factor[i] = whole ? (int64_t)f : 1;
  }
  return whole ||
         call_lacks(
             c, E902,
             "factors that are whole numbers, as in `torch.nn.Upsample(scale_factor=2)`, are read",
             "resizes by factors that are not whole constants");
}

/* Each element as often as its axis grows. */
bool onnx_op_resize(OnnxCall *c) {
  GraphEmit *e = c->emit;
  const char *mode = call_attr_string(c, "mode", "nearest"),
             *place = call_attr_string(c, "coordinate_transformation_mode", "half_pixel");
  const char *nearest = call_attr_string(c, "nearest_mode", "round_prefer_floor");
  bool old = strcmp(c->node->op_type, "Upsample") == 0 || c->reader->opset < 11;
  bool centred = strcmp(place, "half_pixel") == 0 || strcmp(place, "pytorch_half_pixel") == 0 ||
                 strcmp(place, "half_pixel_symmetric") == 0; /* alike where factors are whole */
  bool repeats = old || (strcmp(place, "asymmetric") == 0 && strcmp(nearest, "floor") == 0) ||
                 (centred && strncmp(nearest, "round", 5) == 0);
  const char *policy = call_attr_string(c, "keep_aspect_ratio_policy", "stretch");
  int n;
  int64_t factor[GRAPH_MAX_RANK];
  GraphValue *sized;
  if (strcmp(policy, "stretch") != 0)
    return call_lacks(c, E902,
                      "write the whole factors that result, as `scales`, without this attribute",
                      "keeps the aspect ratio (`%s`), which is not supported", policy);
  if (call_attribute(c, "axes"))
    return call_lacks(
        c, E902, "write a factor for every axis in `scales`, 1 for those that stay, without `axes`",
        "lists the axes that it resizes (`axes`), which is not supported");
  if (strcmp(mode, "nearest") != 0 || !repeats)
    return call_lacks(c, E902,
                      "`nearest` with `asymmetric` and `floor` is read, as PyTorch writes "
                      "`torch.nn.Upsample(mode=\"nearest\")`",
                      "resizes with the modes `%s`, `%s` and `%s`, which are not supported", mode,
                      place, nearest);
  if (!factors_of(c, &n, factor, &sized)) return false;
  GraphValue *x = c->in[0], *own = EMIT(e, Shape, x),
             *times = sized ? EMIT(e, FloorDiv, sized, own) : emit_ints(e, n, factor),
             *shape = sized ? sized : EMIT(e, Mul, own, times);
  for (int i = n - 1; i >= 0; i--)
    if (factor[i] != 1) x = form_repeated(e, x, n, i, emit_slice(e, times, 0, i, i + 1, 1));
  return call_set(c, 0, EMIT(e, Reshape, x, shape));
}
