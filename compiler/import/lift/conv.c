/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Convolutions: x [N, C, ...], w [M, C / groups, k...]. Spatial axes of the graph along which a kernel does
 * nothing are mapped; what is left is time, feature axes, or one of each:
 *
 *   time alone                  Conv1D
 *   two axes, or a feature axis Conv2D over [.., a, b, channels], a being time or an axis of size 1 where
 *                               the graph has one axis alone */
#include "import/lift/lift.h"

#include <string.h>

/* One axis of a window, as a stage has it. */
typedef struct Sweep {
  int spatial; /* which axis of the kernel; -1: none, size 1 */
  int64_t taps, stride, dilation, before, after, steps;
  int64_t extra; /* on a stream: steps of before that the result has as well */
} Sweep;

static int64_t listed(const GraphNode *node, GraphAttributeName name, int i, int64_t if_absent) {
  const GraphAttribute *a = graph_attribute(node, name);
  return a && i >= 0 && i < a->n ? a->i[i] : if_absent;
}

static int spatial_axes(const Lift *l, const GraphNode *node) { return lift_type(l, node->in[0])->rank - 2; }

/* The spatial axes along which the kernel does something; zeros that wait around time count. */
static int live_axes(Lift *l, const GraphNode *node, const GraphTensor *w, int out[GRAPH_MAX_RANK]) {
  int n = 0, spatial = spatial_axes(l, node);
  for (int i = 0; i < spatial; i++) {
    bool still = w->dim[2 + i] == 1 && listed(node, GRAPH_ATTR_strides, i, 1) == 1 &&
                 listed(node, GRAPH_ATTR_pads, i, 0) == 0 && listed(node, GRAPH_ATTR_pads, spatial + i, 0) == 0;
    if (!still) out[n++] = i;
  }
  return n;
}

static Sweep sweep_of(Lift *l, const GraphNode *node, const GraphTensor *w, int axis) {
  int spatial = spatial_axes(l, node), time;
  const Placed *placed = &l->placed[node->in[0]->id];
  if (axis < 0) return (Sweep){.spatial = -1, .taps = 1, .stride = 1, .dilation = 1, .steps = 1};
  Sweep s = {.spatial = axis, .taps = w->dim[2 + axis], .stride = listed(node, GRAPH_ATTR_strides, axis, 1),
             .dilation = listed(node, GRAPH_ATTR_dilations, axis, 1), .before = listed(node, GRAPH_ATTR_pads, axis, 0),
             .after = listed(node, GRAPH_ATTR_pads, spatial + axis, 0), .steps = lift_type(l, node->in[0])->dim[2 + axis]};
  lift_axis(l, node->in[0], 2 + axis, &time);
  if (time >= 0) {
    s.before += placed->before;
    s.after += placed->after;
    s.steps -= placed->before + placed->after;
    int64_t reach = (s.taps - 1) * s.dilation;
    if (l->time.kind == TIME_STREAM && placed->before && s.stride == 1 && !s.after && s.before > reach) {
      s.extra = s.before - reach;
      s.before = reach;
    }
  }
  return s;
}

/* What padding= says: a word where one does, else the two numbers. */
static Padding padding_of(const Lift *l, const Sweep *s) {
  int64_t reach = (s->taps - 1) * s->dilation, out = (s->steps + s->stride - 1) / s->stride;
  int64_t total = (out - 1) * s->stride + reach + 1 - s->steps;
  if (total < 0) total = 0;
  if (!s->before && !s->after) return (Padding){.kind = PAD_VALID};
  if (s->before == reach && !s->after) return (Padding){.kind = PAD_CAUSAL};
  /* Of sequences of other lengths, `same` with a stride is another number of zeros. */
  bool same = s->stride == 1 || l->time.kind == TIME_FIXED || l->graph->names_layers;
  if (same && s->before == total / 2 && s->after == total - total / 2) return (Padding){.kind = PAD_SAME};
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

/* kernel [filters, taps of a, taps of b, d] from w [filters, d, k...]. */
static bool give_kernel(Lift *l, const GraphNode *node, Layer *layer, const GraphTensor *w, const Sweep *a, const Sweep *b) {
  const GraphTensor *bias = node->n_in > 2 && node->in[2] ? lift_type(l, node->in[2]) : NULL;
  int64_t filters = w->dim[0], d = w->dim[1], stride_a = 0, stride_b = 0, taps = 1;
  for (int i = w->rank - 1; i >= 2; i--) {
    if (a->spatial == i - 2) stride_a = taps;
    if (b->spatial == i - 2) stride_b = taps;
    taps *= w->dim[i];
  }
  if (!bias) layer_set_word(layer, OPT_bias, "false");
  bool one = layer->kind == LAYER_Conv1D;
  int64_t dim1[3] = {filters, b->taps, d}, dim2[4] = {filters, a->taps, b->taps, d};
  float *kernel = lift_tensor(l, node, layer, ROLE_KERNEL, one ? 3 : 4, one ? dim1 : dim2);
  for (int64_t f = 0; kernel && f < filters; f++)
    for (int64_t i = 0; i < a->taps; i++)
      for (int64_t j = 0; j < b->taps; j++)
        for (int64_t c = 0; c < d; c++)
          kernel[((f * a->taps + i) * b->taps + j) * d + c] = (float)w->data[(f * d + c) * taps + i * stride_a + j * stride_b];
  return kernel && (!bias || lift_vector(l, node, layer, ROLE_BIAS, bias, filters));
}

/* A kernel of one tap: the same product at every position. */
static LiftDone pointwise_conv(Lift *l, const GraphNode *node, const GraphTensor *w) {
  const GraphTensor *b = node->n_in > 2 && node->in[2] ? lift_type(l, node->in[2]) : NULL;
  int64_t filters = w->dim[0], d = w->dim[1];
  int time;
  Axis channels = lift_axis(l, node->in[0], 1, &time), made = lift_axis(l, node->out[0], 1, &time);
  Layout layout;
  if (!lift_last(l, node->in[0], &channels, &layout)) return LIFT_OTHER;
  Value *value = lift_value(l, node, node->in[0], &layout);
  if (!value) return LIFT_FAILED;
  Layer *layer = lift_layer(l, node, LAYER_Dense, 1, &value);
  layer_set_size(layer, OPT_units, filters);
  if (!b) layer_set_word(layer, OPT_bias, "false");
  float *kernel = lift_tensor(l, node, layer, ROLE_KERNEL, 2, (int64_t[]){filters, d});
  for (int64_t i = 0; kernel && i < filters * d; i++)
    kernel[i] = (float)w->data[i];
  if (!kernel || (b && !lift_vector(l, node, layer, ROLE_BIAS, b, filters))) return LIFT_FAILED;
  Layout result = layout_with_last(&layout, &made);
  lift_place(l, node->out[0], layer->out[0], &result);
  return LIFT_DONE;
}


/* x as [.., a, b, channels]. False after reporting. */
static bool window_layout(Lift *l, const GraphNode *node, const Sweep *a, const Sweep *b, Layout *out, int *time) {
  const GraphValue *x = node->in[0];
  int none, time_a = -1, time_b = -1;
  Axis first = a->spatial < 0 ? (Axis){0} : lift_axis(l, x, 2 + a->spatial, &time_a), second = lift_axis(l, x, 2 + b->spatial, &time_b);
  Axis channels = lift_axis(l, x, 1, &none);
  const Layout *own = &l->placed[x->id].layout;
  *out = (Layout){.timed = own->timed, .time = own->time};
  *time = time_a >= 0 ? time_a : time_b;
  if ((time_a >= 0 && first.n) || (time_b >= 0 && second.n)) {
    lift_refuse(l, node, E902, "goes along an axis that is time and features at once");
    return false;
  }
  for (int i = 0; i < own->n; i++) { /* what is mapped stands in front */
    Axis rest = {0};
    for (int k = 0; k < own->axis[i].n; k++) {
      bool here = false;
      for (int m = 0; m < first.n; m++)
        here = here || first.atom[m] == own->axis[i].atom[k];
      for (int m = 0; m < second.n; m++)
        here = here || second.atom[m] == own->axis[i].atom[k];
      for (int m = 0; m < channels.n; m++)
        here = here || channels.atom[m] == own->axis[i].atom[k];
      if (!here) rest.atom[rest.n++] = own->axis[i].atom[k];
    }
    if (rest.n && out->n + 3 < TYPE_MAX_AXES) out->axis[out->n++] = rest;
  }
  if (out->n && time_a >= 0) {
    lift_refuse(l, node, E902, "goes along time and another axis of values that have a third one");
    return false;
  }
  /* Along a feature axis of a sequence alone, the window is one step wide. */
  bool beside_time = a->spatial < 0 && time_b < 0 && own->timed && !out->n;
  if (time_a < 0 && !beside_time) out->axis[out->n++] = first;
  if (time_b < 0) out->axis[out->n++] = second;
  out->axis[out->n++] = channels;
  return true;
}

static LiftDone windows(Lift *l, const GraphNode *node, const GraphTensor *w, Sweep a, Sweep b) {
  const GraphValue *x = node->in[0];
  int time, none, time_out = -1;
  Layout layout;
  if (!window_layout(l, node, &a, &b, &layout, &time)) return LIFT_FAILED;
  lift_axis(l, x, 2 + b.spatial, &none);
  bool one = none >= 0 && a.spatial < 0; /* time alone */
  if (one && layout.n > 1 && !layout.axis[layout.n - 2].n) { /* no axis of size 1 is needed beside time */
    layout.axis[layout.n - 2] = layout.axis[layout.n - 1];
    layout.n--;
  }
  Value *value = lift_inner_value(l, node, x, &layout);
  if (!value) return LIFT_FAILED;
  int64_t groups = graph_int(node, GRAPH_ATTR_groups, 1);
  Layer *layer = lift_layer(l, node, one ? LAYER_Conv1D : LAYER_Conv2D, 1, &value);
  Padding padding[2] = {padding_of(l, &a), padding_of(l, &b)};
  layer_set_size(layer, OPT_filters, w->dim[0]);
  if (one) {
    layer_set_size(layer, OPT_kernel, b.taps);
    if (b.stride != 1) layer_set_sizes(layer, OPT_stride, 0, &b.stride);
    if (b.dilation != 1) layer_set_sizes(layer, OPT_dilation, 0, &b.dilation);
    if (padding[1].kind == PAD_ZEROS) layer_set_paddings(layer, OPT_padding, 1, &padding[1]);
    else if (padding[1].kind != PAD_VALID) layer_set_word(layer, OPT_padding, padding_word(padding[1].kind));
  } else {
    layer_set_sizes(layer, OPT_kernel, 2, (int64_t[]){a.taps, b.taps});
    if (a.stride != 1 || b.stride != 1) layer_set_sizes(layer, OPT_stride, 2, (int64_t[]){a.stride, b.stride});
    if (a.dilation != 1 || b.dilation != 1) layer_set_sizes(layer, OPT_dilation, 2, (int64_t[]){a.dilation, b.dilation});
    if (padding[0].kind != PAD_VALID || padding[1].kind != PAD_VALID) layer_set_paddings(layer, OPT_padding, 2, padding);
  }
  if (groups != 1) layer_set_size(layer, OPT_groups, groups);
  if (!give_kernel(l, node, layer, w, &a, &b)) return LIFT_FAILED;
  Layout result = layout;
  int at = result.n - 1;
  result.axis[at--] = lift_axis(l, node->out[0], 1, &none);
  Axis made = lift_axis(l, node->out[0], 2 + b.spatial, &time);
  if (time >= 0) time_out = time;
  else result.axis[at--] = made;
  if (!one && a.spatial >= 0) {
    made = lift_axis(l, node->out[0], 2 + a.spatial, &time);
    if (time >= 0) time_out = time;
    else result.axis[at--] = made;
  }
  if (time_out >= 0) result.time = time_out;
  lift_place(l, node->out[0], layer->out[0], &result);
  l->placed[node->out[0]->id].before = a.extra + b.extra;
  l->placed[node->out[0]->id].loose = a.extra + b.extra > 0;
  return LIFT_DONE;
}

/* [calls, channels before, rows of a call, channels behind] */
static int64_t place_of_row(int64_t row, int64_t channel, int64_t fresh, int64_t d, int64_t inner) {
  return row / fresh * fresh * d + (channel / inner * fresh + row % fresh) * inner + channel % inner;
}

/* Several new rows a call, of which one is made: the rows of a call are features, and the kernel goes over calls. Rows of
 * the oldest call that it does not reach get weights of zero. */
static LiftDone stacked_rows(Lift *l, const GraphNode *node, const GraphTensor *w, int axis) {
  const GraphValue *x = node->in[0];
  const GraphTensor *bias = node->n_in > 2 && node->in[2] ? lift_type(l, node->in[2]) : NULL;
  int64_t kept = l->placed[x->id].before, all = lift_type(l, x)->dim[2 + axis], fresh = all - kept;
  int64_t d = w->dim[1], filters = w->dim[0], taps = w->dim[2 + axis], dilation = listed(node, GRAPH_ATTR_dilations, axis, 1);
  int64_t calls = (all + fresh - 1) / fresh;
  int time;
  int64_t inner = 1; /* channels that stand behind the rows, in the order that x has */
  Axis last = {0}, channels = lift_axis(l, x, 1, &time);
  Layout layout = l->placed[x->id].layout;
  for (int i = 0; i < layout.n; i++)
    for (int k = 0; k < layout.axis[i].n; k++) {
      int atom = layout.axis[i].atom[k];
      bool is_channel = false;
      for (int c = 0; c < channels.n; c++)
        is_channel = is_channel || channels.atom[c] == atom;
      if (!is_channel && atom != l->roles.stacked) continue;
      last.atom[last.n++] = atom;
      inner = is_channel ? inner * atom_size(l->atoms, atom) : 1;
    }
  if (graph_int(node, GRAPH_ATTR_groups, 1) != 1 || w->count != filters * d * taps || lift_type(l, node->out[0])->dim[2 + axis] != 1 ||
      listed(node, GRAPH_ATTR_pads, axis, 0) || !lift_last(l, x, &last, &layout)) {
    lift_refuse(l, node, E902, "goes over %lld new rows and %lld of calls before in a way that is no convolution over calls", (long long)fresh, (long long)kept);
    return LIFT_FAILED;
  }
  Value *value = lift_inner_value(l, node, x, &layout);
  if (!value) return LIFT_FAILED;
  Layer *layer = lift_layer(l, node, LAYER_Conv1D, 1, &value);
  layer_set_size(layer, OPT_filters, filters);
  layer_set_size(layer, OPT_kernel, calls);
  layer_set_word(layer, OPT_padding, "causal");
  if (!bias) layer_set_word(layer, OPT_bias, "false");
  float *kernel = lift_tensor(l, node, layer, ROLE_KERNEL, 3, (int64_t[]){filters, calls, fresh * d});
  int64_t unread = calls * fresh - all;
  for (int64_t f = 0; kernel && f < filters; f++)
    for (int64_t k = 0; k < taps; k++)
      for (int64_t c = 0; c < d; c++)
        kernel[f * calls * fresh * d + place_of_row(unread + k * dilation, c, fresh, d, inner)] = (float)w->data[(f * d + c) * taps + k];
  if (!kernel || (bias && !lift_vector(l, node, layer, ROLE_BIAS, bias, filters))) return LIFT_FAILED;
  Axis made = lift_axis(l, node->out[0], 1, &time);
  Layout result = layout_with_last(&layout, &made);
  lift_place(l, node->out[0], layer->out[0], &result);
  return LIFT_DONE;
}

LiftDone lift_conv(Lift *l, const GraphNode *node) {
  const GraphTensor *w = lift_type(l, node->in[1]);
  int live[GRAPH_MAX_RANK], time_b, n;
  if (!w->data) {
    lift_refuse(l, node, E902, "has a kernel that is not a constant");
    return LIFT_FAILED;
  }
  for (int i = 0; i < spatial_axes(l, node) && l->roles.stacked >= 0; i++) {
    lift_axis(l, node->in[0], 2 + i, &time_b);
    if (time_b >= 0 && lift_type(l, node->in[0])->dim[2 + i] - l->placed[node->in[0]->id].before > 1) return stacked_rows(l, node, w, i);
  }
  n = live_axes(l, node, w, live);
  if (n == 0 && graph_int(node, GRAPH_ATTR_groups, 1) == 1) return pointwise_conv(l, node, w);
  if (n == 0 && spatial_axes(l, node) > 0) live[n++] = spatial_axes(l, node) - 1;
  if (n == 0 || n > 2) {
    lift_refuse(l, node, E902, "is a convolution over %d axes; one and two are supported", n);
    return LIFT_FAILED;
  }
  int a = n == 2 ? live[0] : -1, b = live[n - 1];
  lift_axis(l, node->in[0], 2 + b, &time_b);
  if (a >= 0 && time_b >= 0) { /* time first */
    int other = a;
    a = b;
    b = other;
  }
  return windows(l, node, w, sweep_of(l, node, w, a), sweep_of(l, node, w, b));
}
