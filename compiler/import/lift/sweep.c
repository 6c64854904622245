/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sweeps and fields of convolutions and pools: see sweep.h. */
#include "import/lift/sweep.h"

int64_t sweep_number(const GraphNode *node, GraphAttributeName name, int i, int64_t if_absent) {
  const GraphAttribute *a = graph_attribute(node, name);
  return a && i >= 0 && i < a->n ? a->i[i] : if_absent;
}

int sweep_axes(const Lift *l, const GraphNode *node) {
  return lift_type(l, node->in[0])->rank - 2;
}

Sweep sweep_along(Lift *l, const GraphNode *node, int axis, int64_t taps) {
  return (Sweep){.spatial = axis,
                 .taps = taps,
                 .stride = sweep_number(node, GRAPH_ATTR_strides, axis, 1),
                 .dilation = sweep_number(node, GRAPH_ATTR_dilations, axis, 1),
                 .before = sweep_number(node, GRAPH_ATTR_pads, axis, 0),
                 .after = sweep_number(node, GRAPH_ATTR_pads, sweep_axes(l, node) + axis, 0),
                 .steps = lift_type(l, node->in[0])->dim[2 + axis]};
}

int sweep_live(Lift *l, const GraphNode *node, const GraphTensor *w, int out[GRAPH_MAX_RANK]) {
  int n = 0, spatial = sweep_axes(l, node);
  for (int i = 0; i < spatial; i++) {
    bool still = w->dim[2 + i] == 1 && sweep_number(node, GRAPH_ATTR_strides, i, 1) == 1 &&
                 sweep_number(node, GRAPH_ATTR_pads, i, 0) == 0 &&
                 sweep_number(node, GRAPH_ATTR_pads, spatial + i, 0) == 0;
    if (!still) out[n++] = i;
  }
  return n;
}

/* The padding of a sweep: a word of the language if one fits, otherwise two numbers. */
static Padding sweep_padding(const Lift *l, const Sweep *s) {
  int64_t reach = (s->taps - 1) * s->dilation, out = (s->steps + s->stride - 1) / s->stride;
  int64_t total = (out - 1) * s->stride + reach + 1 - s->steps;
  if (total < 0) total = 0;
  if (!s->before && !s->after) return (Padding){.kind = PAD_VALID};
  if (s->before == reach && !s->after) return (Padding){.kind = PAD_CAUSAL};
  /* With a stride, `same` adds another number of zeros to a sequence of another length. */
  bool same = s->stride == 1 || l->time.kind == TIME_FIXED || l->graph->names_layers;
  if (s->same) return (Padding){.kind = PAD_SAME};
  if (same && s->before == total / 2 && s->after == total - total / 2)
    return (Padding){.kind = PAD_SAME};
  return (Padding){.kind = PAD_ZEROS, .before = s->before, .after = s->after};
}

static const char *padding_word(PadKind kind) {
  switch (kind) {
  case PAD_VALID: return "valid";
  case PAD_SAME: return "same";
  case PAD_CAUSAL: return "causal";
  case PAD_ZEROS: return NULL;
  }
  return NULL;
}

int sweep_one_or_two(Lift *l, const GraphNode *node, int n, int *live) {
  if (n == 0 && sweep_axes(l, node) > 0) live[n++] = sweep_axes(l, node) - 1;
  if (n == 1 || n == 2) return n;
  lift_refuse(l, node, E902, "is a convolution over %d axes; one and two are supported", n);
  return 0;
}

/* Whether the graph reads several steps of each call, and none of the call before, although it has
 * states that go on: it is no stream then. */
static bool begins_anew(const Lift *l, const Sweep *s) {
  return l->time.kind == TIME_STREAM && l->roles.way == TIME_WAY_AXIS && l->n_states &&
         !l->n_windows && l->flat_steps > 1 && s->taps > 1;
}

bool field_find(Lift *l, const GraphNode *node, int n, const Sweep *sweep, SweptField *out) {
  const GraphValue *x = node->in[0];
  Axis group[3];
  int none, time, at[3], of[2] = {-1, -1}, n_groups = 0;
  out->time = -1;
  for (int i = 0; i < n; i++) {
    Axis axis = lift_axis_alone(l, x, 2 + sweep[i].spatial, &time);
    if (time >= 0 && axis.n) {
      lift_lacks(l, node, E902, "give time an axis of its own before the node",
                 "goes along an axis that is time and features at once");
      return false;
    }
    if (time >= 0 && begins_anew(l, &sweep[i])) {
      lift_lacks(l, node, E902, "leave out `--stream`",
                 "reads only steps of the same call, but states go on from call to call");
      return false;
    }
    if (time >= 0) {
      out->time = i;
      continue;
    }
    of[i] = n_groups;
    group[n_groups++] = axis;
  }
  group[n_groups++] = lift_axis_whole(l, x, 1, &none); /* also steps, of another operator */
  if (!lift_apart(l, x, n_groups, group, true, &out->layout, at) ||
      (out->time >= 0 && !out->layout.timed)) {
    lift_refuse(l, node, E902, "goes along an axis that the model's value does not have");
    return false;
  }
  for (int i = 0; i < n; i++)
    out->where[i] = of[i] >= 0 ? at[of[i]] : -1;
  return true;
}

/* Whether a stage takes the axes of this field if its `along` is not given. */
static bool is_by_default(const SweptField *f, int n) {
  int last = f->layout.n - 1;
  if (n == 1) return f->time == 0;
  if (f->time == 0) return f->where[1] == last - 1 && last == 1;
  return f->time < 0 && f->where[0] == last - 2 && f->where[1] == last - 1;
}

Value *field_labelled(Lift *l, const GraphNode *node, SweptField *f, int n, Value *value) {
  f->named = !is_by_default(f, n);
  return value && f->named ? lift_labelled(l, node, value, &f->layout, &f->names) : value;
}

void field_name_axes(Lift *l, Layer *layer, const SweptField *f, int n) {
  const char *name[2];
  if (!f->named) return;
  for (int i = 0; i < n; i++)
    name[i] = f->time == i ? "time" : f->names.name[f->where[i]];
  lift_set_axes(l, layer, OPT_along, n, name);
}

void sweep_set(const Lift *l, Layer *layer, OptName size, int64_t usual, int n,
               const Sweep *sweep) {
  Padding padding[2];
  int64_t taps[2] = {1, 1}, stride[2] = {1, 1}, dilation[2] = {1, 1};
  bool strided = false, dilated = false, padded = false;
  for (int i = 0; i < n; i++) {
    padding[i] = sweep_padding(l, &sweep[i]);
    taps[i] = sweep[i].taps;
    stride[i] = sweep[i].stride;
    dilation[i] = sweep[i].dilation;
    strided = strided || stride[i] != (usual ? usual : taps[i]);
    dilated = dilated || dilation[i] != 1;
    padded = padded || padding[i].kind != PAD_VALID;
  }
  layer_set_sizes(layer, size, n == 1 ? 0 : n, taps);
  if (strided) layer_set_sizes(layer, OPT_stride, n == 1 ? 0 : n, stride);
  if (dilated) layer_set_sizes(layer, OPT_dilation, n == 1 ? 0 : n, dilation);
  if (!padded) return;
  if (n == 1 && padding[0].kind != PAD_ZEROS)
    layer_set_word(layer, OPT_padding, padding_word(padding[0].kind));
  else
    layer_set_paddings(layer, OPT_padding, n, padding);
}

bool sweep_kernel(Lift *l, const GraphNode *node, Layer *layer, const GraphTensor *w, int n,
                  const Sweep *sweep) {
  const GraphTensor *bias = node->n_in > 2 && node->in[2] ? lift_type(l, node->in[2]) : NULL;
  const Sweep none = {.spatial = -1, .taps = 1}, *a = n == 1 ? &none : sweep, *b = &sweep[n - 1];
  bool turned = node->op == GRAPH_ConvTranspose;
  int64_t groups = graph_int(node, GRAPH_ATTR_groups, 1), each = turned ? w->dim[1] : 1,
          filters = turned ? each * groups : w->dim[0], d = turned ? w->dim[0] / groups : w->dim[1],
          stride_a = 0, stride_b = 0, taps = 1;
  for (int i = w->rank - 1; i >= 2; i--) {
    if (a->spatial == i - 2) stride_a = taps;
    if (b->spatial == i - 2) stride_b = taps;
    taps *= w->dim[i];
  }
  if (!bias) layer_set_word(layer, OPT_bias, "false");
  int64_t dim1[3] = {filters, b->taps, d}, dim2[4] = {filters, a->taps, b->taps, d};
  float *kernel = lift_tensor(l, node, layer, ROLE_KERNEL, n + 2, n == 1 ? dim1 : dim2);
  for (int64_t f = 0; kernel && f < filters; f++)
    for (int64_t i = 0; i < a->taps; i++)
      for (int64_t j = 0; j < b->taps; j++)
        for (int64_t c = 0; c < d; c++)
          kernel[((f * a->taps + i) * b->taps + j) * d + c] = (float)graph_at(
              w, ((f / each * d + c) * each + f % each) * taps + i * stride_a + j * stride_b);
  return kernel && (!bias || lift_vector(l, node, layer, ROLE_BIAS, bias, filters));
}

void field_new_channels(Lift *l, const GraphNode *node, SweptField *f) {
  int none;
  f->layout.axis[f->layout.n - 1] = lift_axis(l, node->out[0], 1, &none);
}

void field_place(Lift *l, const GraphNode *node, const SweptField *f, int n, const Sweep *sweep,
                 Value *made) {
  Layout result = f->layout;
  for (int i = 0; i < n; i++) {
    int time;
    Axis axis = lift_axis(l, node->out[0], 2 + sweep[i].spatial, &time);
    if (f->time == i)
      result.time = time;
    else
      result.axis[f->where[i]] = axis;
  }
  lift_place(l, node->out[0], made, &result);
}
