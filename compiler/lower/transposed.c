/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Transposed convolutions. A result is computed as the sum that it is, not as additions spread over
 * memory: its position o = q stride + r gets tap i of input q - m where i dilation = m stride + r.
 * Positions with the same r, a phase, have the same taps: a phase is a convolution of its own with
 * a part of the kernel, and its positions are rows of the matrix kernel. Zeros around the input are
 * there, as for a convolution (schedule.c). */
#include "lower/weighted.h"

#include <string.h>

/* One phase along one axis. It computes `count` results of the cropped axis: first, first + stride,
 * and so on; the first belongs to input q. Taps tap, tap + tap_step, .. read inputs q - back, q -
 * back - back_step, .. */
typedef struct Phase {
  int64_t first, count, q, stride;
  int64_t taps, tap, tap_step, back, back_step;
} Phase;

static int64_t common_divisor(int64_t a, int64_t b) {
  return b ? common_divisor(b, a % b) : a;
}

static int64_t crop_of(const LayerAxis *a) {
  int64_t span = (a->size - 1) * a->dilation + 1;
  if (a->padding.kind == PAD_ZEROS) return a->padding.before;
  return a->padding.kind == PAD_SAME && span > a->stride ? (span - a->stride) / 2 : 0;
}

/* Phase r of n results; taps 0: only the bias arrives there. */
static Phase phase_of(const LayerAxis *a, int64_t r, int64_t crop, int64_t n) {
  int64_t s = a->stride, divisor = common_divisor(a->dilation, s),
          turns = crop > r ? (crop - r + s - 1) / s : 0;
  Phase p = {.first = r + turns * s - crop,
             .q = turns,
             .stride = s,
             .tap_step = s / divisor,
             .back_step = a->dilation / divisor};
  p.count = p.first < n ? (n - 1 - p.first) / s + 1 : 0;
  for (p.tap = 0; p.tap < a->size && p.tap < p.tap_step && p.tap * a->dilation % s != r; p.tap++) {
  }
  if (p.tap >= a->size || p.tap >= p.tap_step) return p;
  p.taps = (a->size - 1 - p.tap) / p.tap_step + 1;
  p.back = (p.tap * a->dilation - r) / s;
  return p;
}

/* The rows of the input that one step reads, back from its own; those of a stream are slots of a
 * call. */
static Window transposed_window(const Layer *layer) {
  const LayerAxis *a = layer_along(layer, AXIS_TIME);
  if (!a) return (Window){.size = 0};
  return (Window){.size = a->before + 1,
                  .hop = 1,
                  .dilation = 1,
                  .shift = -a->before,
                  .is_transposed = true,
                  .after = a->after};
}

/* ---- one phase ---- */

/* The part of the kernel that a phase has: [filter][tap][tap][input of a group]. Without taps one
 * of zeros. */
static const float *phase_kernel(Lower *l, const Layer *layer, const Phase *p, int64_t filters,
                                 int64_t depth) {
  const float *w = layer->weights->role[ROLE_KERNEL];
  const LayerAxis *a = layer->along;
  bool two = layer->n_along == 2;
  int64_t size2 = two ? a[1].size : 1, taps = p[0].taps * (two ? p[1].taps : 1);
  float *to = ARENA_ARRAY(l->arena, float, (filters * (taps ? taps : 1) * depth)), *at = to;
  for (int64_t f = 0; f < filters && taps; f++)
    for (int64_t i = 0; i < p[0].taps; i++)
      for (int64_t j = 0; j < (two ? p[1].taps : 1); j++, at += depth) {
        int64_t tap =
            (p[0].tap + i * p[0].tap_step) * size2 + (two ? p[1].tap + j * p[1].tap_step : 0);
        memcpy(at, w + (f * a[0].size * size2 + tap) * depth, (size_t)depth * sizeof *at);
      }
  return to;
}

/* Input and result seen from a phase: position k of both belongs together. */
static void phase_views(const Layer *layer, const Phase *p, View *x, View *y) {
  for (int k = 0; k < layer->n_along; k++) {
    int axis = layer->along[k].axis;
    if (axis == AXIS_TIME) continue;
    x->at = kir_at_offset(x->at, (p[k].q - p[k].back) * x->stride[axis]);
    y->at = kir_at_offset(y->at, p[k].first * y->stride[axis]);
    y->stride[axis] *= p[k].stride;
    x->dim[axis] = y->dim[axis] = p[k].count;
  }
}

/* x and y: rows, at the ones that belong together. */
static void phase_emit(Emit *e, const Layer *layer, const Phase *p, View x, View y, int64_t runs) {
  Lower *l = e->l;
  int64_t filters = y.dim[y.rank - 1], groups = layer_size(layer, OPT_groups, 1),
          d = x.dim[x.rank - 1] / groups;
  const LayerAxis *a = layer->along;
  int64_t stride[WINDOW_MAX_AXES] = {0}, taps[WINDOW_MAX_AXES] = {1, 1};
  for (int k = 0; k < layer->n_along; k++) {
    taps[k] = p[k].taps;
    stride[k] = -p[k].back_step * (a[k].axis == AXIS_TIME ? x.time : x.stride[a[k].axis]);
  }
  bool silent = taps[0] == 0 || taps[1] == 0; /* no tap arrives */
  phase_views(layer, p, &x, &y);
  MapRows rows = map_open(e, layer, ONLY_STEP, (const View *const[]){&y, &x},
                          (KirIndex *const[]){&y.at, &x.at});
  RowOut out = {layer, y.buffer, y.at, y.stride[y.rank - 1]};
  Mat mat = row_mat(l, layer, &out, filters, &rows);
  mat.part[0] = (MatPart){.x = x.buffer,
                          .at = x.at,
                          .k_stride = x.stride[x.rank - 1],
                          .taps = silent ? 1 : taps[0],
                          .tap_stride = stride[0],
                          .taps2 = silent ? 1 : taps[1],
                          .tap2_stride = stride[1],
                          .d = d,
                          .n_gates = 1,
                          .name = "W",
                          .group_stride = d * x.stride[x.rank - 1]};
  mat.part[0].w[0] = phase_kernel(l, layer, p, filters, d);
  int64_t depth = mat_part_depth(&mat.part[0]);
  if (!silent) layer_cost(l, layer)->macs += runs * view_size(&y) * depth;
  fold_norm(l, layer, &mat, filters, depth);
  if (silent) mat.n_parts = 0; /* the bias alone: 0 * NaN would be NaN */
  if (!silent && is_depthwise(&mat))
    depthwise_emit(e, &mat);
  else
    mat_emit(e, &mat);
  close_loops(e, rows.opened);
}

/* All phases along the feature axes; p holds that of time, if there is one. */
static void phases_emit(Emit *e, const Layer *layer, Phase *p, int k, const View *x, const View *y,
                        int64_t runs) {
  if (k == layer->n_along) {
    phase_emit(e, layer, p, *x, *y, runs);
    return;
  }
  const LayerAxis *a = &layer->along[k];
  if (a->axis == AXIS_TIME) {
    phases_emit(e, layer, p, k + 1, x, y, runs);
    return;
  }
  for (int64_t r = 0; r < a->stride; r++) {
    p[k] = phase_of(a, r, crop_of(a), a->n_out);
    if (p[k].count) phases_emit(e, layer, p, k + 1, x, y, runs);
  }
}

static void transposed_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  View x = *view_of(l, layer->in[0]), y = *view_of(l, fused_result(l, layer));
  Phase p[WINDOW_MAX_AXES];
  x.at = view_row(&x, t, 0);
  y.at = view_row(&y, t, 0);
  phases_emit(e, layer, p, 0, &x, &y, domain_of(l, &layer->out[0]->type).n);
}

/* ---- along time: the steps of the input, each making several ---- */

/* Steps q of phase p of a whole sequence, or of the slots of a call. */
static void time_phase(Emit *e, const Layer *layer, int k, const Phase *p, KirExpr *from,
                       KirExpr *to, int64_t runs) {
  Lower *l = e->l;
  View x = *view_of(l, layer->in[0]), y = *view_of(l, layer->out[0]);
  Phase both[WINDOW_MAX_AXES];
  both[k] = *p;
  KirReg *v = to ? kb_for_expr(&e->kb, "v", from, to, 1) : NULL;
  x.at = kir_at_plus(kir_at_offset(x.at, (p->q - p->back) * x.time), x.time, v);
  y.at = kir_at_plus(kir_at_offset(y.at, p->first * y.time), p->stride * y.time, v);
  phases_emit(e, layer, both, 0, &x, &y, runs);
  if (v) kb_end(&e->kb);
}

static void transposed_stream(Emit *e, const Layer *layer, int k) {
  Kb *kb = &e->kb;
  const LayerAxis *a = &layer->along[k];
  Domain in = domain_of(e->l, &layer->in[0]->type);
  bool waits = in.lag > 0 && in.n == 1;
  if (waits) kb_if(kb, kb_op2(kb, KIR_LE, kb_int(kb, KIR_INDEX, in.lag, 1), kb_use(kb, e->calls)));
  for (int64_t r = 0; r < a->stride; r++) {
    Phase p = phase_of(a, r, 0, a->stride);
    KirExpr *from = in.lag > 0 && !waits ? domain_skip(e, in) : kb_int(kb, KIR_INDEX, 0, 1);
    time_phase(e, layer, k, &p, from, in.n > 1 ? kb_int(kb, KIR_INDEX, in.n, 1) : NULL, in.n);
  }
  if (waits) kb_end(kb);
}

static void transposed_alone(Emit *e, const Layer *layer) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  int k = layer->along[0].axis == AXIS_TIME ? 0 : 1;
  const LayerAxis *a = &layer->along[k];
  if (lower_streams(l, layer)) {
    transposed_stream(e, layer, k);
    return;
  }
  Domain out = domain_of(l, &layer->out[0]->type);
  bool varies = out.kind == TIME_BOUNDED; /* then the stride is 1: one phase */
  for (int64_t r = 0; r < a->stride; r++) {
    Phase p = phase_of(a, r, crop_of(a), out.n);
    KirExpr *to = varies ? domain_count(e, out) : kb_int(kb, KIR_INDEX, p.count, 1);
    if (p.count) time_phase(e, layer, k, &p, kb_int(kb, KIR_INDEX, 0, 1), to, p.count);
  }
}

static bool transposes_time(const Layer *layer) {
  return layer_along(layer, AXIS_TIME) != NULL;
}

const Lowering transposed_lowering = {
    .step = transposed_step,
    .window = transposed_window,
    .is_private = transposes_time,
    .alone = transposed_alone,
    .has_kernel = true,
    .text = "y[o] = sum of W[i] x[q] over q * stride + i * dilation = o, + b"};
