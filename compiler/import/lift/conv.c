/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Convolutions: x [N, C, ...], w [M, C / groups, k...]. In, a Conv node; out, a stage that depends
 * on the number of axes along which the kernel does something (sweep.h):
 *
 *   none         Dense, the same product at every position
 *   one axis     Conv1D along time, or along an axis of features
 *   two axes     Conv2D; if one of them is time, it comes first */
#include "import/lift/sweep.h"

/* The sweep along a spatial axis. Steps that wait around time (Placed) are padding. */
static Sweep sweep_of(Lift *l, const GraphNode *node, const GraphTensor *w, int axis) {
  int time;
  const Placed *placed = &l->placed[node->in[0]->id];
  Sweep s = sweep_along(l, node, axis, w->dim[2 + axis]);
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

/* A convolution with one tap, as a Dense: the same product at every position. */
static LiftDone pointwise_conv(Lift *l, const GraphNode *node, const GraphTensor *w) {
  const GraphTensor *b = node->n_in > 2 && node->in[2] ? lift_type(l, node->in[2]) : NULL;
  int64_t filters = w->dim[0], d = w->dim[1];
  int time;
  Axis channels = lift_axis_whole(l, node->in[0], 1, &time),
       made = lift_axis(l, node->out[0], 1, &time);
  Layout layout;
  if (!lift_last(l, node->in[0], &channels, &layout)) return LIFT_OTHER;
  Value *value = lift_value(l, node, node->in[0], &layout);
  if (!value) return LIFT_FAILED;
  Layer *layer = lift_layer(l, node, LAYER_Dense, 1, &value);
  layer_set_size(layer, OPT_units, filters);
  if (!b) layer_set_word(layer, OPT_bias, "false");
  float *kernel = lift_tensor(l, node, layer, ROLE_KERNEL, 2, (int64_t[]){filters, d});
  for (int64_t i = 0; kernel && i < filters * d; i++)
    kernel[i] = (float)graph_at(w, i);
  if (!kernel || (b && !lift_vector(l, node, layer, ROLE_BIAS, b, filters))) return LIFT_FAILED;
  Layout result = layout_with_last(&layout, &made);
  lift_place(l, node->out[0], layer->out[0], &result);
  return LIFT_DONE;
}

/* A convolution along one or two axes. */
static LiftDone windows(Lift *l, const GraphNode *node, const GraphTensor *w, int n,
                        const Sweep *sweep) {
  const GraphValue *x = node->in[0];
  SweptField field;
  if (!field_find(l, node, n, sweep, &field)) return LIFT_FAILED;
  Value *value = field_labelled(l, node, &field, n, lift_inner_value(l, node, x, &field.layout));
  if (!value) return LIFT_FAILED;
  int64_t groups = graph_int(node, GRAPH_ATTR_groups, 1);
  Layer *layer = lift_layer(l, node, n == 1 ? LAYER_Conv1D : LAYER_Conv2D, 1, &value);
  layer_set_size(layer, OPT_filters, w->dim[0]);
  sweep_set(l, layer, OPT_kernel, 1, n, sweep);
  if (groups != 1) layer_set_size(layer, OPT_groups, groups);
  field_name_axes(l, layer, &field, n);
  if (!sweep_kernel(l, node, layer, w, n, sweep)) return LIFT_FAILED;
  field_new_channels(l, node, &field);
  field_place(l, node, &field, n, sweep, layer->out[0]);
  Placed *made = &l->placed[node->out[0]->id], edges = l->placed[x->id];
  if (field.time < 0) { /* it works on each step alone: the steps around them still wait */
    edges.value = made->value;
    edges.layout = made->layout;
    *made = edges;
    return LIFT_DONE;
  }
  made->before = sweep[field.time].extra;
  made->loose = sweep[field.time].extra > 0;
  return LIFT_DONE;
}

/* The place of a row and a channel in a kernel [calls, channels before, rows of a call, channels
 * after]. fresh: the rows of a call; inner: how many channels come after the rows. */
static int64_t place_of_row(int64_t row, int64_t channel, int64_t fresh, int64_t d, int64_t inner) {
  return row / fresh * fresh * d + (channel / inner * fresh + row % fresh) * inner +
         channel % inner;
}

/* The channels and the rows of a call as one axis, in the order of the layout of x. *inner gets the
 * number of channels that come after the rows. */
static Axis rows_and_channels(Lift *l, const GraphValue *x, int64_t *inner) {
  int time;
  Axis out = {0}, channels = lift_axis(l, x, 1, &time);
  const Layout *layout = &l->placed[x->id].layout;
  *inner = 1;
  for (int i = 0; i < layout->n; i++)
    for (int k = 0; k < layout->axis[i].n; k++) {
      int atom = layout->axis[i].atom[k];
      bool is_channel = false;
      for (int c = 0; c < channels.n; c++)
        is_channel = is_channel || channels.atom[c] == atom;
      if (!is_channel && atom != l->roles.stacked) continue;
      out.atom[out.n++] = atom;
      *inner = is_channel ? *inner * atom_size(l->atoms, atom) : 1;
    }
  return out;
}

/* A convolution over the kept rows and the several new rows of a call, which makes one row. The
 * rows of a call become features, and a Conv1D goes over calls. Rows of the oldest call that the
 * kernel does not reach get weights of 0. */
static LiftDone stacked_rows(Lift *l, const GraphNode *node, const GraphTensor *w, int axis) {
  const GraphValue *x = node->in[0];
  const GraphTensor *bias = node->n_in > 2 && node->in[2] ? lift_type(l, node->in[2]) : NULL;
  int64_t kept = l->placed[x->id].before, all = lift_type(l, x)->dim[2 + axis], fresh = all - kept;
  int64_t d = w->dim[1], filters = w->dim[0], taps = w->dim[2 + axis],
          dilation = sweep_number(node, GRAPH_ATTR_dilations, axis, 1);
  int64_t calls = (all + fresh - 1) / fresh, inner;
  Axis last = rows_and_channels(l, x, &inner);
  Layout layout;
  if (graph_int(node, GRAPH_ATTR_groups, 1) != 1 || w->count != filters * d * taps ||
      lift_type(l, node->out[0])->dim[2 + axis] != 1 ||
      sweep_number(node, GRAPH_ATTR_pads, axis, 0) || !lift_last(l, x, &last, &layout)) {
    lift_lacks(
        l, node, E902,
        arena_printf(l->arena,
                     "use a convolution without groups and padding whose kernel reaches over "
                     "all %lld rows, or calls of one row",
                     (long long)all),
        "goes over %lld new rows and %lld of calls before in a way that is not a "
        "convolution over calls",
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
            (float)graph_at(w, (f * d + c) * taps + k);
  if (!kernel || (bias && !lift_vector(l, node, layer, ROLE_BIAS, bias, filters)))
    return LIFT_FAILED;
  int time;
  Axis made = lift_axis(l, node->out[0], 1, &time);
  Layout result = layout_with_last(&layout, &made);
  lift_place(l, node->out[0], layer->out[0], &result);
  return LIFT_DONE;
}

LiftDone lift_conv(Lift *l, const GraphNode *node) {
  const GraphTensor *w = lift_type(l, node->in[1]);
  int live[GRAPH_MAX_RANK], n, time;
  if (!graph_known(w)) {
    lift_refuse(l, node, E902, "has a kernel that is not a constant");
    return LIFT_FAILED;
  }
  for (int i = 0; i < sweep_axes(l, node) && l->roles.stacked >= 0; i++) {
    lift_axis(l, node->in[0], 2 + i, &time);
    if (time >= 0 && lift_type(l, node->in[0])->dim[2 + i] - l->placed[node->in[0]->id].before > 1)
      return stacked_rows(l, node, w, i);
  }
  n = sweep_live(l, node, w, live);
  if (n == 0 && graph_int(node, GRAPH_ATTR_groups, 1) == 1) return pointwise_conv(l, node, w);
  n = sweep_one_or_two(l, node, n, live);
  if (!n) return LIFT_FAILED;
  Sweep sweep[2];
  int time_last = -1;
  lift_axis(l, node->in[0], 2 + live[n - 1], &time_last);
  bool turned = n == 2 && time_last >= 0; /* time first */
  for (int i = 0; i < n; i++)
    sweep[i] = sweep_of(l, node, w, live[turned ? n - 1 - i : i]);
  return windows(l, node, w, n, sweep);
}
