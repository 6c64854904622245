/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Conv1D and Conv2D: one step. The taps of a kernel are parts of one sum, read where the input has
 * them (zeros around it are there too: schedule.c asks for them), so that nothing is copied.
 * Positions of one other axis are the rows of the matrix kernel, the others loops around it. */
#include "lower/int_layers.h"
#include "lower/weighted.h"

static void row_finish(Emit *e, void *context, const MatUnits *u, KirReg *const *acc) {
  Lower *l = e->l;
  const RowOut *out = context;
  Kb *kb = &e->kb;
  for (const Layer *at = l->job[out->layer->id].tail; at; at = l->job[at->id].tail)
    if (at->kind != LAYER_BatchNorm) kb_set(kb, acc[0], pointwise_value(e, at, kb_use(kb, acc[0])));
  mat_store(e, out->buffer, out->at, out->stride, u, acc[0]);
}

Mat row_mat(const Lower *l, const Layer *layer, RowOut *out, int64_t filters, const MapRows *rows) {
  int64_t groups = layer_size(layer, OPT_groups, 1);
  Mat mat = {.layer = layer,
             .units = filters / groups,
             .groups = groups,
             .n_acc = 1,
             .n_parts = 1,
             .suffix = "",
             .acc_name = {"sum"},
             .finish = row_finish,
             .context = out,
             .row = rows->row,
             .n_rows = rows->n};
  mat.lanes = int_is_w8(l, layer)         ? 1
              : layer_is_sparse(l, layer) ? l->sparse[layer->id].lanes
                                          : mat_lanes(l, mat.units);
  mat.bias[0] = layer_role(layer, ROLE_BIAS);
  mat.has_bias[0] = layer_has_role(layer, ROLE_BIAS);
  return mat;
}

/* ---- along time ---- */

static int64_t span_of(const LayerAxis *a) {
  return (a->size - 1) * a->dilation + 1;
}

/* padding=same as Keras has it: the larger half after. With a stride and a length known only at
 * run time the half in front varies up to its greatest value, span / 2. */
static int64_t rows_before(const LayerAxis *a, const Type *in) {
  switch (a->padding.kind) {
  case PAD_VALID: return 0;
  case PAD_CAUSAL: return span_of(a) - 1;
  case PAD_ZEROS: return a->padding.before;
  case PAD_SAME: break;
  }
  if (in->time.kind == TIME_BOUNDED) return (span_of(a) - 1) / 2;
  int64_t n = in->time.n, pad = ((n + a->stride - 1) / a->stride - 1) * a->stride + span_of(a) - n;
  return pad > 0 ? pad / 2 : 0;
}

static Window conv_window(const Layer *layer) {
  const LayerAxis *a = layer_along(layer, AXIS_TIME);
  const Type *in = &layer->in[0]->type;
  if (!a) return (Window){.size = 0};
  Window w = {
      .size = a->size, .hop = a->stride, .dilation = a->dilation, .shift = -rows_before(a, in)};
  w.same_bounded = in->time.kind == TIME_BOUNDED && w.hop > 1 && a->padding.kind == PAD_SAME;
  return w;
}

/* The row of padding in front for a length and stride known only at run time, as Keras has it:
 * max((n' - 1) stride + span - n, 0) / 2. */
KirReg *same_before(Emit *e, const Layer *layer, const Window *w) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  Domain in = domain_of(l, &layer->in[0]->type), out = domain_of(l, &layer->out[0]->type);
  int64_t span = (w->size - 1) * w->dilation + 1;
  KirExpr *pad = kb_op2(kb, KIR_MUL, domain_count(e, out), kb_int(kb, KIR_INDEX, w->hop, 1));
  pad = kb_op2(kb, KIR_ADD, pad, kb_int(kb, KIR_INDEX, span - w->hop, 1));
  pad = kb_op2(kb, KIR_SUB, pad, domain_count(e, in));
  pad = kb_op2(kb, KIR_MAX, pad, kb_int(kb, KIR_INDEX, 0, 1));
  KirReg *r = kb_let(kb, "pad", kb_op2(kb, KIR_DIV, pad, kb_int(kb, KIR_INDEX, 2, 1)));
  r->lo = 0;
  r->hi = (span - 1) / 2;
  return r;
}

/* ---- the step ---- */

/* Where the window of row t begins along time. */
static KirIndex window_at(Emit *e, const Layer *layer, const View *x, Step t) {
  if (!layer_along(layer, AXIS_TIME)) return view_row(x, t, 0);
  Window w = window_of(e->l, layer);
  KirIndex at = kir_at_plus(x->at, x->time * w.hop, t.t);
  if (t.rows) at = kir_at_plus(at, x->time * w.hop, t.in_block);
  if (w.same_bounded) return kir_at_plus(at, -x->time, same_before(e, layer, &w));
  return kir_at_offset(at, w.shift * x->time);
}

/* The input seen from the results: position o along an axis is where its window begins. */
static View strided(const Layer *layer, const View *x) {
  View v = *x;
  for (int k = 0; k < layer->n_along; k++) {
    const LayerAxis *a = &layer->along[k];
    if (a->axis == AXIS_TIME) continue;
    v.at = kir_at_offset(v.at, -a->before * x->stride[a->axis]);
    v.dim[a->axis] = a->n_out;
    v.stride[a->axis] = x->stride[a->axis] * a->stride;
  }
  return v;
}

/* If the taps and their features are contiguous, they become one longer row. */
static void merge_taps(MatPart *p) {
  if (p->taps2 > 1 && p->tap2_stride == p->d * p->k_stride) {
    p->d *= p->taps2;
    p->taps2 = 0;
  }
  if (p->taps2 <= 1 && p->taps > 1 && p->tap_stride == p->d * p->k_stride) {
    p->d *= p->taps;
    p->taps = 1;
  }
}

static MatPart taps_part(const Layer *layer, const View *x, int64_t groups) {
  int64_t d = view_last_dim(x) / groups, size[WINDOW_MAX_AXES] = {1, 1},
          stride[WINDOW_MAX_AXES] = {0};
  for (int k = 0; k < layer->n_along; k++) {
    const LayerAxis *a = &layer->along[k];
    size[k] = a->size;
    stride[k] = a->dilation * (a->axis == AXIS_TIME ? x->time : x->stride[a->axis]);
  }
  MatPart p = {.x = x->buffer,
               .k_stride = view_last_stride(x),
               .taps = size[0],
               .tap_stride = stride[0],
               .taps2 = size[1],
               .tap2_stride = stride[1],
               .d = d,
               .n_gates = 1,
               .name = "W",
               .group_stride = d * view_last_stride(x)};
  p.w[0] = layer_role(layer, ROLE_KERNEL);
  if (groups == 1) merge_taps(&p);
  return p;
}

static void conv_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, fused_result(l, layer));
  int64_t filters = view_last_dim(y), groups = layer_size(layer, OPT_groups, 1);
  View from = strided(layer, x);
  from.at = kir_at_offset(window_at(e, layer, x, t), from.at.offset - x->at.offset);
  KirIndex iy = view_row(y, t, 0);
  MapRows rows =
      map_open(e, layer, t, (const View *const[]){y, &from}, (KirIndex *const[]){&iy, &from.at});
  RowOut out = {layer, y->buffer, iy, view_last_stride(y)};
  Mat mat = row_mat(l, layer, &out, filters, &rows);
  mat.part[0] = taps_part(layer, x, groups);
  mat.part[0].at = from.at;
  int64_t depth = mat_part_depth(&mat.part[0]), positions = view_size(y) / filters;
  layer_cost(l, layer)->macs += domain_of(l, &layer->out[0]->type).n * positions * filters * depth;
  fold_norm(l, layer, &mat, filters, depth);
  bool in_integers = int_is_w8(l, layer) || int_computes(l, layer);
  if (is_depthwise(&mat) && !in_integers)
    depthwise_emit(e, &mat);
  else
    mat_emit(e, &mat);
  close_loops(e, rows.opened);
}

const Lowering conv_lowering = {.step = conv_step,
                                .window = conv_window,
                                .takes_samples = true,
                                .has_kernel = true,
                                .text = "y[t] = sum of W[i] x[t * stride + i * dilation] + b"};
