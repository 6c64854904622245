/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Convolutions: x [N, C, ...], w [M, C / groups, k...]. Spatial axes of the graph along which a
 * kernel does nothing are mapped; what is left is time, feature axes, or one of each:
 *
 *   one axis     Conv1D, along time or along=f
 *   two          Conv2D along both, time first where it is one of them */
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

static int spatial_axes(const Lift *l, const GraphNode *node) {
  return lift_type(l, node->in[0])->rank - 2;
}

/* The spatial axes along which the kernel does something; zeros that wait around time count. */
static int live_axes(Lift *l, const GraphNode *node, const GraphTensor *w,
                     int out[GRAPH_MAX_RANK]) {
  int n = 0, spatial = spatial_axes(l, node);
  for (int i = 0; i < spatial; i++) {
    bool still = w->dim[2 + i] == 1 && listed(node, GRAPH_ATTR_strides, i, 1) == 1 &&
                 listed(node, GRAPH_ATTR_pads, i, 0) == 0 &&
                 listed(node, GRAPH_ATTR_pads, spatial + i, 0) == 0;
    if (!still) out[n++] = i;
  }
  return n;
}

static Sweep sweep_of(Lift *l, const GraphNode *node, const GraphTensor *w, int axis) {
  int spatial = spatial_axes(l, node), time;
  const Placed *placed = &l->placed[node->in[0]->id];
  Sweep s = {.spatial = axis,
             .taps = w->dim[2 + axis],
             .stride = listed(node, GRAPH_ATTR_strides, axis, 1),
             .dilation = listed(node, GRAPH_ATTR_dilations, axis, 1),
             .before = listed(node, GRAPH_ATTR_pads, axis, 0),
             .after = listed(node, GRAPH_ATTR_pads, spatial + axis, 0),
             .steps = lift_type(l, node->in[0])->dim[2 + axis]};
  lift_axis(l, node->in[0], 2 + axis, &time);
  if (time >= 0) {
    s.before += placed->before;
    s.after += placed->after;
    s.steps -= placed->before + placed->after;
    int64_t reach = (s.taps - 1) * s.dilation;
    if (l->time.kind == TIME_STREAM && placed->before && s.stride == 1 && !s.after &&
        s.before > reach) {
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

/* kernel [filters, taps of a, taps of b, d] from w [filters, d, k...]. */
static bool give_kernel(Lift *l, const GraphNode *node, Layer *layer, const GraphTensor *w,
                        const Sweep *a, const Sweep *b) {
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
          kernel[((f * a->taps + i) * b->taps + j) * d + c] =
              (float)w->data[(f * d + c) * taps + i * stride_a + j * stride_b];
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

/* Where a window goes: x with the axes of the kernel apart and the channels last. */
typedef struct Field {
  Layout layout;
  int time;     /* which sweep goes along time; -1: none */
  int where[2]; /* the axes of the sweeps that do not */
} Field;

/* False after reporting. n: how many sweeps there are. */
static bool find_field(Lift *l, const GraphNode *node, int n, const Sweep *sweep, Field *out) {
  const GraphValue *x = node->in[0];
  Axis group[3];
  int none, time, at[3], of[2] = {-1, -1}, n_groups = 0;
  out->time = -1;
  for (int i = 0; i < n; i++) {
    Axis axis = lift_axis_alone(l, x, 2 + sweep[i].spatial, &time);
    if (time >= 0 && axis.n) {
      lift_refuse(l, node, E902, "goes along an axis that is time and features at once");
      return false;
    }
    if (time >= 0) {
      out->time = i;
      continue;
    }
    of[i] = n_groups;
    group[n_groups++] = axis;
  }
  group[n_groups++] = lift_axis(l, x, 1, &none);
  if (!lift_apart(l, x, n_groups, group, true, &out->layout, at) ||
      (out->time >= 0 && !out->layout.timed)) {
    lift_refuse(l, node, E902, "goes along an axis that the model's value does not have");
    return false;
  }
  for (int i = 0; i < n; i++)
    out->where[i] = of[i] >= 0 ? at[of[i]] : -1;
  return true;
}

/* The axes of a field are those that a stage takes when none is named. */
static bool by_default(const Field *f, int n) {
  int last = f->layout.n - 1;
  if (n == 1) return f->time == 0;
  if (f->time == 0) return f->where[1] == last - 1 && last == 1;
  return f->time < 0 && f->where[0] == last - 2 && f->where[1] == last - 1;
}

static void name_axes(Lift *l, Layer *layer, const Field *f, int n, const AxisNames *names) {
  const char *name[2];
  for (int i = 0; i < n; i++)
    name[i] = f->time == i ? "time" : names->name[f->where[i]];
  lift_set_axes(l, layer, OPT_along, n, name);
}

/* size: what the stage calls its window. usual: the stride that it has by itself, 0: that of its
 * size. */
static void set_windows(const Lift *l, Layer *layer, OptName size, int64_t usual, int n,
                        const Sweep *sweep) {
  Padding padding[2];
  int64_t taps[2] = {1, 1}, stride[2] = {1, 1}, dilation[2] = {1, 1};
  bool strided = false, dilated = false, padded = false;
  for (int i = 0; i < n; i++) {
    padding[i] = padding_of(l, &sweep[i]);
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

static LiftDone windows(Lift *l, const GraphNode *node, const GraphTensor *w, int n,
                        const Sweep *sweep) {
  const GraphValue *x = node->in[0];
  Field field;
  AxisNames names;
  int none, time;
  if (!find_field(l, node, n, sweep, &field)) return LIFT_FAILED;
  Value *value = lift_inner_value(l, node, x, &field.layout);
  if (!value) return LIFT_FAILED;
  bool named = !by_default(&field, n);
  if (named) value = lift_labelled(l, node, value, &field.layout, &names);
  int64_t groups = graph_int(node, GRAPH_ATTR_groups, 1);
  Layer *layer = lift_layer(l, node, n == 1 ? LAYER_Conv1D : LAYER_Conv2D, 1, &value);
  layer_set_size(layer, OPT_filters, w->dim[0]);
  set_windows(l, layer, OPT_kernel, 1, n, sweep);
  if (groups != 1) layer_set_size(layer, OPT_groups, groups);
  if (named) name_axes(l, layer, &field, n, &names);
  const Sweep none_before = {.spatial = -1, .taps = 1};
  if (!give_kernel(l, node, layer, w, n == 1 ? &none_before : &sweep[0], &sweep[n - 1]))
    return LIFT_FAILED;
  Layout result = field.layout;
  result.axis[result.n - 1] = lift_axis(l, node->out[0], 1, &none);
  for (int i = 0; i < n; i++) {
    Axis made = lift_axis(l, node->out[0], 2 + sweep[i].spatial, &time);
    if (field.time == i)
      result.time = time;
    else
      result.axis[field.where[i]] = made;
  }
  lift_place(l, node->out[0], layer->out[0], &result);
  Placed *made = &l->placed[node->out[0]->id], edges = l->placed[x->id];
  if (field.time < 0) { /* each step by itself: what waits around them still does */
    edges.value = made->value;
    edges.layout = made->layout;
    *made = edges;
    return LIFT_DONE;
  }
  made->before = sweep[field.time].extra;
  made->loose = sweep[field.time].extra > 0;
  return LIFT_DONE;
}

/* [calls, channels before, rows of a call, channels behind] */
static int64_t place_of_row(int64_t row, int64_t channel, int64_t fresh, int64_t d, int64_t inner) {
  return row / fresh * fresh * d + (channel / inner * fresh + row % fresh) * inner +
         channel % inner;
}

/* Several new rows a call, of which one is made: the rows of a call are features, and the kernel
 * goes over calls. Rows of the oldest call that it does not reach get weights of zero. */
static LiftDone stacked_rows(Lift *l, const GraphNode *node, const GraphTensor *w, int axis) {
  const GraphValue *x = node->in[0];
  const GraphTensor *bias = node->n_in > 2 && node->in[2] ? lift_type(l, node->in[2]) : NULL;
  int64_t kept = l->placed[x->id].before, all = lift_type(l, x)->dim[2 + axis], fresh = all - kept;
  int64_t d = w->dim[1], filters = w->dim[0], taps = w->dim[2 + axis],
          dilation = listed(node, GRAPH_ATTR_dilations, axis, 1);
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
  if (graph_int(node, GRAPH_ATTR_groups, 1) != 1 || w->count != filters * d * taps ||
      lift_type(l, node->out[0])->dim[2 + axis] != 1 || listed(node, GRAPH_ATTR_pads, axis, 0) ||
      !lift_last(l, x, &last, &layout)) {
    lift_refuse(l, node, E902,
                "goes over %lld new rows and %lld of calls before in a way that is no convolution "
                "over calls",
                (long long)fresh, (long long)kept);
    return LIFT_FAILED;
  }
  Value *value = lift_inner_value(l, node, x, &layout);
  if (!value) return LIFT_FAILED;
  Layer *layer = lift_layer(l, node, LAYER_Conv1D, 1, &value);
  layer_set_size(layer, OPT_filters, filters);
  layer_set_size(layer, OPT_kernel, calls);
  layer_set_word(layer, OPT_padding, "causal");
  if (!bias) layer_set_word(layer, OPT_bias, "false");
  float *kernel =
      lift_tensor(l, node, layer, ROLE_KERNEL, 3, (int64_t[]){filters, calls, fresh * d});
  int64_t unread = calls * fresh - all;
  for (int64_t f = 0; kernel && f < filters; f++)
    for (int64_t k = 0; k < taps; k++)
      for (int64_t c = 0; c < d; c++)
        kernel[f * calls * fresh * d + place_of_row(unread + k * dilation, c, fresh, d, inner)] =
            (float)w->data[(f * d + c) * taps + k];
  if (!kernel || (bias && !lift_vector(l, node, layer, ROLE_BIAS, bias, filters)))
    return LIFT_FAILED;
  Axis made = lift_axis(l, node->out[0], 1, &time);
  Layout result = layout_with_last(&layout, &made);
  lift_place(l, node->out[0], layer->out[0], &result);
  return LIFT_DONE;
}

LiftDone lift_conv(Lift *l, const GraphNode *node) {
  const GraphTensor *w = lift_type(l, node->in[1]);
  int live[GRAPH_MAX_RANK], n, time;
  if (!w->data) {
    lift_refuse(l, node, E902, "has a kernel that is not a constant");
    return LIFT_FAILED;
  }
  for (int i = 0; i < spatial_axes(l, node) && l->roles.stacked >= 0; i++) {
    lift_axis(l, node->in[0], 2 + i, &time);
    if (time >= 0 && lift_type(l, node->in[0])->dim[2 + i] - l->placed[node->in[0]->id].before > 1)
      return stacked_rows(l, node, w, i);
  }
  n = live_axes(l, node, w, live);
  if (n == 0 && graph_int(node, GRAPH_ATTR_groups, 1) == 1) return pointwise_conv(l, node, w);
  if (n == 0 && spatial_axes(l, node) > 0) live[n++] = spatial_axes(l, node) - 1;
  if (n == 0 || n > 2) {
    lift_refuse(l, node, E902, "is a convolution over %d axes; one and two are supported", n);
    return LIFT_FAILED;
  }
  Sweep sweep[2];
  int time_last = -1;
  lift_axis(l, node->in[0], 2 + live[n - 1], &time_last);
  bool turned = n == 2 && time_last >= 0; /* time first */
  for (int i = 0; i < n; i++)
    sweep[i] = sweep_of(l, node, w, live[turned ? n - 1 - i : i]);
  return windows(l, node, w, n, sweep);
}

/* ---- transposed convolutions ---- */

/* One axis of a transposed convolution: before and after are positions of the result that go. */
static Sweep transposed_sweep(Lift *l, const GraphNode *node, const GraphTensor *w, int axis) {
  int spatial = spatial_axes(l, node);
  return (Sweep){.spatial = axis,
                 .taps = w->dim[2 + axis],
                 .stride = listed(node, GRAPH_ATTR_strides, axis, 1),
                 .dilation = listed(node, GRAPH_ATTR_dilations, axis, 1),
                 .before = listed(node, GRAPH_ATTR_pads, axis, 0),
                 .after = listed(node, GRAPH_ATTR_pads, spatial + axis, 0) -
                          listed(node, GRAPH_ATTR_output_padding, axis, 0),
                 .steps = lift_type(l, node->in[0])->dim[2 + axis]};
}

/* kernel [filters, taps of a, taps of b, d / groups] from w [d, filters / groups, k...]; a NULL:
 * one axis. */
static bool give_transposed(Lift *l, const GraphNode *node, Layer *layer, const GraphTensor *w,
                            int64_t groups, const Sweep *a, const Sweep *b) {
  const GraphTensor *bias = node->n_in > 2 && node->in[2] ? lift_type(l, node->in[2]) : NULL;
  int64_t each = w->dim[1], filters = each * groups, d = w->dim[0] / groups, stride_a = 0,
          stride_b = 0, taps = 1, rows = a ? a->taps : 1;
  for (int i = w->rank - 1; i >= 2; i--) {
    if (a && a->spatial == i - 2) stride_a = taps;
    if (b->spatial == i - 2) stride_b = taps;
    taps *= w->dim[i];
  }
  if (!bias) layer_set_word(layer, OPT_bias, "false");
  int64_t dim1[3] = {filters, b->taps, d}, dim2[4] = {filters, rows, b->taps, d};
  float *kernel = lift_tensor(l, node, layer, ROLE_KERNEL, a ? 4 : 3, a ? dim2 : dim1);
  for (int64_t f = 0; kernel && f < filters; f++)
    for (int64_t i = 0; i < rows; i++)
      for (int64_t j = 0; j < b->taps; j++)
        for (int64_t c = 0; c < d; c++)
          kernel[((f * rows + i) * b->taps + j) * d + c] =
              (float)w->data[((f / each * d + c) * each + f % each) * taps + i * stride_a +
                             j * stride_b];
  return kernel && (!bias || lift_vector(l, node, layer, ROLE_BIAS, bias, filters));
}

static void set_transposed(Layer *layer, int n, const Sweep *sweep) {
  Padding crop[2];
  int64_t taps[2] = {1, 1}, stride[2] = {1, 1}, dilation[2] = {1, 1};
  bool strided = false, dilated = false, cropped = false;
  for (int i = 0; i < n; i++) {
    bool whole = !sweep[i].before && !sweep[i].after;
    crop[i] =
        whole ? (Padding){.kind = PAD_VALID}
              : (Padding){.kind = PAD_ZEROS, .before = sweep[i].before, .after = sweep[i].after};
    taps[i] = sweep[i].taps;
    stride[i] = sweep[i].stride;
    dilation[i] = sweep[i].dilation;
    strided = strided || stride[i] != 1;
    dilated = dilated || dilation[i] != 1;
    cropped = cropped || !whole;
  }
  layer_set_sizes(layer, OPT_kernel, n == 1 ? 0 : n, taps);
  if (strided) layer_set_sizes(layer, OPT_stride, n == 1 ? 0 : n, stride);
  if (dilated) layer_set_sizes(layer, OPT_dilation, n == 1 ? 0 : n, dilation);
  if (cropped) layer_set_paddings(layer, OPT_padding, n, crop);
}

LiftDone lift_conv_transpose(Lift *l, const GraphNode *node) {
  const GraphTensor *w = lift_type(l, node->in[1]);
  int live[GRAPH_MAX_RANK], n, time_last = -1, none, time;
  int64_t groups = graph_int(node, GRAPH_ATTR_groups, 1);
  Sweep sweep[2];
  Field field;
  AxisNames names;
  if (!w->data) {
    lift_refuse(l, node, E902, "has a kernel that is not a constant");
    return LIFT_FAILED;
  }
  n = live_axes(l, node, w, live);
  if (n == 0 && spatial_axes(l, node) > 0) live[n++] = spatial_axes(l, node) - 1;
  if (n == 0 || n > 2) {
    lift_refuse(l, node, E902, "is a convolution over %d axes; one and two are supported", n);
    return LIFT_FAILED;
  }
  lift_axis(l, node->in[0], 2 + live[n - 1], &time_last);
  for (int i = 0; i < n; i++) {
    sweep[i] = transposed_sweep(l, node, w, live[n == 2 && time_last >= 0 ? n - 1 - i : i]);
    if (sweep[i].before >= 0 && sweep[i].after >= 0) continue;
    lift_refuse(l, node, E902,
                "adds positions behind its result that no element reaches (`output_padding`)");
    return LIFT_FAILED;
  }
  if (!find_field(l, node, n, sweep, &field)) return LIFT_FAILED;
  Value *value = lift_value(l, node, node->in[0], &field.layout);
  if (!value) return LIFT_FAILED;
  bool named = !by_default(&field, n);
  if (named) value = lift_labelled(l, node, value, &field.layout, &names);
  Layer *layer =
      lift_layer(l, node, n == 1 ? LAYER_Conv1DTranspose : LAYER_Conv2DTranspose, 1, &value);
  layer_set_size(layer, OPT_filters, w->dim[1] * groups);
  set_transposed(layer, n, sweep);
  if (groups != 1) layer_set_size(layer, OPT_groups, groups);
  if (named) name_axes(l, layer, &field, n, &names);
  if (!give_transposed(l, node, layer, w, groups, n == 1 ? NULL : &sweep[0], &sweep[n - 1]))
    return LIFT_FAILED;
  Layout result = field.layout;
  result.axis[result.n - 1] = lift_axis(l, node->out[0], 1, &none);
  for (int i = 0; i < n; i++) {
    Axis made = lift_axis(l, node->out[0], 2 + sweep[i].spatial, &time);
    if (field.time == i)
      result.time = time;
    else
      result.axis[field.where[i]] = made;
  }
  lift_place(l, node->out[0], layer->out[0], &result);
  return LIFT_DONE;
}

/* ---- pools ---- */

/* One axis of a pool; false: it does nothing there. */
static bool pool_sweep(Lift *l, const GraphNode *node, int axis, Sweep *out) {
  int spatial = spatial_axes(l, node);
  *out = (Sweep){.spatial = axis,
                 .taps = listed(node, GRAPH_ATTR_kernel, axis, 1),
                 .stride = listed(node, GRAPH_ATTR_strides, axis, 1),
                 .dilation = listed(node, GRAPH_ATTR_dilations, axis, 1),
                 .before = listed(node, GRAPH_ATTR_pads, axis, 0),
                 .after = listed(node, GRAPH_ATTR_pads, spatial + axis, 0),
                 .steps = lift_type(l, node->in[0])->dim[2 + axis]};
  int64_t n = lift_type(l, node->out[0])->dim[2 + axis],
          reach = (n - 1) * out->stride + (out->taps - 1) * out->dilation + 1;
  int64_t behind = reach - out->steps - out->before - out->after;
  if (behind > 0) out->after += behind; /* windows that end behind the last element */
  return out->taps != 1 || out->stride != 1 || out->before || out->after;
}

/* What pools of the language do not have; true after reporting. */
static bool pool_refused(Lift *l, const GraphNode *node, int n, const Sweep *sweep) {
  const char *why = NULL;
  for (int i = 0; i < n; i++) {
    if (sweep[i].dilation != 1) why = "pools elements that are apart (`dilations`)";
    if ((sweep[i].before || sweep[i].after) && graph_int(node, GRAPH_ATTR_count_pad, 0))
      why = "averages zeros that padding adds (`count_include_pad`)";
  }
  if (why) lift_refuse(l, node, E902, "%s", why);
  return why != NULL;
}

LiftDone lift_pool(Lift *l, const GraphNode *node) {
  Sweep sweep[3];
  Field field;
  AxisNames names;
  int n = 0, time;
  for (int i = 0; i < spatial_axes(l, node) && n < 3; i++)
    n += pool_sweep(l, node, i, &sweep[n]);
  if (n == 0) {
    l->placed[node->out[0]->id] = l->placed[node->in[0]->id];
    return LIFT_DONE;
  }
  if (n > 2) {
    lift_refuse(l, node, E902, "is a pool over %d axes; one and two are supported", n);
    return LIFT_FAILED;
  }
  lift_axis(l, node->in[0], 2 + sweep[n - 1].spatial, &time);
  if (n == 2 && time >= 0) { /* time first */
    sweep[2] = sweep[0];
    sweep[0] = sweep[1];
    sweep[1] = sweep[2];
  }
  if (pool_refused(l, node, n, sweep) || !find_field(l, node, n, sweep, &field)) return LIFT_FAILED;
  Value *value = lift_value(l, node, node->in[0], &field.layout);
  if (!value) return LIFT_FAILED;
  bool named = !by_default(&field, n);
  if (named) value = lift_labelled(l, node, value, &field.layout, &names);
  Layer *layer =
      lift_layer(l, node, node->op == GRAPH_MaxPool ? LAYER_max_pool : LAYER_mean_pool, 1, &value);
  set_windows(l, layer, OPT_size, 0, n, sweep);
  if (named) name_axes(l, layer, &field, n, &names);
  Layout result = field.layout;
  for (int i = 0; i < n; i++) {
    Axis made = lift_axis(l, node->out[0], 2 + sweep[i].spatial, &time);
    if (field.time == i)
      result.time = time;
    else
      result.axis[field.where[i]] = made;
  }
  lift_place(l, node->out[0], layer->out[0], &result);
  return LIFT_DONE;
}
