/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Transposed convolutions: x [N, C, ...], w [C, M / groups, k...]. In, a ConvTranspose node; out, a
 * Conv1DTranspose or a Conv2DTranspose. */
#include "import/lift/sweep.h"

#include <string.h>

/* The sweep along a spatial axis. `before` and `after` count positions that are removed from the
 * two ends of the result. */
static Sweep transposed_sweep(Lift *l, const GraphNode *node, const GraphTensor *w, int axis) {
  Sweep sweep = sweep_along(l, node, axis, w->dim[2 + axis]);
  sweep.after -= sweep_number(node, GRAPH_ATTR_output_padding, axis, 0);
  return sweep;
}

/* Sets the options of a stage for n sweeps. */
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
  int live[GRAPH_MAX_RANK], n, time_last = -1;
  int64_t groups = graph_int(node, GRAPH_ATTR_groups, 1);
  Sweep sweep[2];
  SweptField field;
  if (!graph_known(w)) {
    lift_refuse(l, node, E902, "has a kernel that is not a constant");
    return LIFT_FAILED;
  }
  n = sweep_one_or_two(l, node, sweep_live(l, node, w, live), live);
  if (!n) return LIFT_FAILED;
  lift_axis(l, node->in[0], 2 + live[n - 1], &time_last);
  for (int i = 0; i < n; i++) {
    sweep[i] = transposed_sweep(l, node, w, live[n == 2 && time_last >= 0 ? n - 1 - i : i]);
    if (sweep[i].before >= 0 && sweep[i].after >= 0) continue;
    lift_lacks(l, node, E902, "make the padding at the end at least as large as `output_padding`",
               "adds positions after its result that no element reaches (`output_padding`)");
    return LIFT_FAILED;
  }
  if (!field_find(l, node, n, sweep, &field)) return LIFT_FAILED;
  Value *value =
      field_labelled(l, node, &field, n, lift_value(l, node, node->in[0], &field.layout));
  if (!value) return LIFT_FAILED;
  Layer *layer =
      lift_layer(l, node, n == 1 ? LAYER_Conv1DTranspose : LAYER_Conv2DTranspose, 1, &value);
  layer_set_size(layer, OPT_filters, w->dim[1] * groups);
  set_transposed(layer, n, sweep);
  if (groups != 1) layer_set_size(layer, OPT_groups, groups);
  field_name_axes(l, layer, &field, n);
  if (!sweep_kernel(l, node, layer, w, n, sweep)) return LIFT_FAILED;
  field_new_channels(l, node, &field);
  field_place(l, node, &field, n, sweep, layer->out[0]);
  return LIFT_DONE;
}
