/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stages that move values: concat, frames, delay, reverse, reshape, flatten, onehot,
 * overlap_add. */
#include "lower/lower_internal.h"

/* Inputs that were not computed in their slice are copied into it. */
static void concat_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  const View *y = view_of(l, layer->out[0]);
  int axis = layer->along[0].axis;
  int64_t at = 0;
  for (int i = 0; i < layer->n_in; i++) {
    const Value *v = layer->in[i];
    const View *x = view_of(l, v);
    const ValuePlace *p = &l->place[v->id];
    View slice = *y;
    slice.dim[axis] = x->dim[axis];
    slice.at = kir_at_offset(slice.at, at * y->stride[axis]);
    if (p->concat != layer || p->concat_input != i) copy_row(e, &slice, t, x, t);
    at += x->dim[axis];
  }
}

/* Row t of the result is rows t * hop .. of the input, one after the other. */
static void frames_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]);
  Window w = window_of(l, layer);
  int64_t d = view_size(x);
  KirIndex ix = kir_at_offset(kir_at_plus(x->at, x->time * w.hop, t.t), w.shift * x->time),
           iy = view_row(y, t, 0);
  bool in_one_piece = x->time == d && view_is_dense(x) && view_last_stride(y) == 1;
  if (in_one_piece) {
    kb_copy(kb, y->buffer, iy, x->buffer, ix, w.size * d);
    return;
  }
  KirReg *i = kb_for(kb, "i", 0, w.size, 1);
  View row = *x, part = {.buffer = y->buffer, .rank = x->rank};
  row.at = kir_at_plus(ix, x->time, i);
  row.time = 0;
  part.at = kir_at_plus(iy, d * view_last_stride(y), i);
  int64_t stride = view_last_stride(y);
  for (int a = x->rank - 1; a >= 0; a--) {
    part.dim[a] = x->dim[a];
    part.stride[a] = stride;
    stride *= x->dim[a];
  }
  copy_row(e, &part, ONLY_STEP, &row, ONLY_STEP);
  kb_end(kb);
}

static void onehot_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]);
  int64_t v = view_last_dim(y), stride = view_last_stride(y);
  KirIndex ix = view_row(x, t, 0), iy = view_row(y, t, 0);
  int opened = open_all_axes(e, x, y, &ix, &iy);
  if (stride == 1)
    kb_zero(kb, y->buffer, iy, v);
  else {
    KirReg *c = kb_for(kb, "c", 0, v, 1);
    kb_store(kb, y->buffer, kir_at_plus(iy, stride, c), kb_num(kb, 0, 1));
    kb_end(kb);
  }
  kb_section(kb, kb->origin, NULL);
  KirReg *row = category_at(e, "category", x, ix, v);
  kb_store(kb, y->buffer, kir_at_plus(iy, stride, row), kb_num(kb, 1, 1));
  kb_end(kb);
  close_loops(e, opened);
}

void reverse_private(Emit *e, const Layer *layer) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]);
  Domain d = domain_of(l, &layer->in[0]->type);
  KirReg *t = kb_for_expr(kb, "t", kb_int(kb, KIR_INDEX, 0, 1), domain_count(e, d), 1);
  View from = *x; /* row n - 1 - t */
  from.at = kir_at_offset(from.at, x->time * (d.kind == TIME_BOUNDED ? -1 : d.n - 1));
  if (d.kind == TIME_BOUNDED) from.at = kir_at_plus(from.at, x->time, e->length[d.length]);
  from.time = -x->time;
  if (d.kind == TIME_BOUNDED) {
    /* n - 1 - t is at least 0 in the loop; the ranges of n and t alone do not say so */
    KirExpr *row =
        kb_op2(kb, KIR_SUB, kb_op2(kb, KIR_SUB, domain_count(e, d), kb_int(kb, KIR_INDEX, 1, 1)),
               kb_use(kb, t));
    KirReg *r = kb_let(kb, "row", row);
    r->lo = 0;
    r->hi = d.n - 1;
    copy_row(e, y, step_at(t), x, step_at(r));
  } else
    copy_row(e, y, step_at(t), &from, step_at(t));
  kb_end(kb);
}

/* Elements of a value as nested loops in the storage order of its type: time at time_pos. */
typedef struct RearrangeWalk {
  int rank;
  int64_t dim[TYPE_MAX_AXES + 1], stride[TYPE_MAX_AXES + 1];
} RearrangeWalk;

static RearrangeWalk storage_walk(const Type *type, const View *v, int time_pos) {
  RearrangeWalk w = {0};
  for (int a = 0; a <= type->rank; a++) {
    if (type_is_sequence(type) && a == time_pos) {
      w.dim[w.rank] = type->time.n;
      w.stride[w.rank++] = v->time;
    }
    if (a == type->rank) break;
    w.dim[w.rank] = v->dim[a];
    w.stride[w.rank++] = v->stride[a];
  }
  return w;
}

/* Whether the walk visits one contiguous piece in order. */
static bool walk_is_dense(const RearrangeWalk *w) {
  int64_t n = 1;
  for (int i = w->rank - 1; i >= 0; i--) {
    if (w->stride[i] != n && w->dim[i] > 1) return false;
    n *= w->dim[i];
  }
  return true;
}

/* Axes that lie in one piece become one. */
static RearrangeWalk walk_merged(RearrangeWalk w) {
  RearrangeWalk m = {0};
  for (int i = 0; i < w.rank; i++) {
    if (w.dim[i] == 1) continue;
    if (m.rank && m.stride[m.rank - 1] == w.stride[i] * w.dim[i]) {
      m.dim[m.rank - 1] *= w.dim[i];
      m.stride[m.rank - 1] = w.stride[i];
    } else {
      m.dim[m.rank] = w.dim[i];
      m.stride[m.rank++] = w.stride[i];
    }
  }
  return m;
}

/* to[i-th element in its order] = from[i-th in its]. One of both must be dense, or both have the
 * same merged axes; otherwise the element number is counted and taken apart. */
static void copy_walk(Emit *e, const View *to, RearrangeWalk wt, const View *from,
                      RearrangeWalk wf) {
  static const char *const names[TYPE_MAX_AXES + 1] = {"i", "j", "k", "m", "p", "q", "r", "s", "u"};
  Kb *kb = &e->kb;
  wt = walk_merged(wt);
  wf = walk_merged(wf);
  int64_t n = 1;
  for (int i = 0; i < wf.rank; i++)
    n *= wf.dim[i];
  bool dense_to = walk_is_dense(&wt), dense_from = walk_is_dense(&wf);
  if (dense_to && dense_from && to->buffer->elem == from->buffer->elem) {
    kb_copy(kb, to->buffer, to->at, from->buffer, from->at, n);
    return;
  }
  KirIndex it = to->at, jf = from->at;
  int opened = 0;
  const RearrangeWalk *outer = dense_to ? &wf : &wt;
  if (dense_to || dense_from) {
    int64_t flat = n;
    for (int i = 0; i < outer->rank; i++) {
      flat /= outer->dim[i];
      KirReg *v = kb_for(kb, names[i], 0, outer->dim[i], 1);
      it = kir_at_plus(it, dense_to ? flat : outer->stride[i], v);
      jf = kir_at_plus(jf, dense_to ? outer->stride[i] : flat, v);
      opened++;
    }
  } else { /* e = number of the element; index a of a walk is e / (product after it) % dim */
    KirReg *element = kb_for(kb, "e", 0, n, 1);
    opened = 1;
    for (int side = 0; side < 2; side++) {
      const RearrangeWalk *w = side ? &wf : &wt;
      int64_t behind = n;
      KirExpr *rest = kb_use(kb, element);
      for (int i = 0; i < w->rank; i++) {
        behind /= w->dim[i];
        KirReg *q =
            kb_let(kb, names[i], kb_op2(kb, KIR_DIV, rest, kb_int(kb, KIR_INDEX, behind, 1)));
        q->lo = 0;
        q->hi = w->dim[i] - 1;
        rest = kb_op2(kb, KIR_SUB, rest,
                      kb_op2(kb, KIR_MUL, kb_use(kb, q), kb_int(kb, KIR_INDEX, behind, 1)));
        if (side)
          jf = kir_at_plus(jf, w->stride[i], q);
        else
          it = kir_at_plus(it, w->stride[i], q);
      }
    }
  }
  kb_store(kb, to->buffer, it, kb_load(kb, from->buffer, jf, 1));
  close_loops(e, opened);
}

/* reshape reads and writes in storage order, flatten in time order. */
static void reshape_private(Emit *e, const Layer *layer) {
  Lower *l = e->l;
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]);
  const Type *in = &layer->in[0]->type, *out = &layer->out[0]->type;
  bool flatten = layer->kind == LAYER_flatten;
  copy_walk(e, y, storage_walk(out, y, out->time_pos), x,
            storage_walk(in, x, flatten ? 0 : in->time_pos));
}

/* y[v * hop + k] += x[v][k]. On a stream each new frame completes hop samples; the rest of the sum
 * waits in the state. */
static void overlap_add_stream(Emit *e, const Layer *layer) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]);
  Domain in = domain_of(l, &layer->in[0]->type), out = domain_of(l, &layer->out[0]->type);
  int64_t size = view_size(x), hop = layer_size(layer, OPT_hop, 1), sx = view_last_stride(x);
  int64_t late =
      out.lag - in.lag * hop; /* slots by which the result trails its frame's first sample */
  int64_t keep = size + late; /* the sum of the frame being added, after `late` finished samples */
  KirBuffer *sum = new_state(e, layer, "sum", KIR_F32, keep + hop);
  KirIndex at = at_batch(e, sum, 0);
  KirReg *v = NULL;
  bool opened = true;
  if (in.lag > 0 && in.n > 1)
    v = kb_for_expr(kb, "v", domain_skip(e, in), kb_int(kb, KIR_INDEX, in.n, 1), 1);
  else if (in.lag > 0)
    kb_if(kb, kb_op2(kb, KIR_LE, kb_int(kb, KIR_INDEX, in.lag, 1), kb_use(kb, e->calls)));
  else if (in.n > 1)
    v = kb_for(kb, "v", 0, in.n, 1);
  else
    opened = false;
  KirReg *k = kb_for(kb, "k", 0, size, 1);
  KirIndex ik = kir_at_plus(kir_at_offset(at, late), 1, k);
  kb_store(kb, sum, ik,
           kb_op2(kb, KIR_ADD, kb_load(kb, sum, ik, 1),
                  kb_load(kb, x->buffer, kir_at_plus(view_row(x, step_at(v), 0), sx, k), 1)));
  kb_end(kb);
  View row = *y;
  row.at = kir_at_plus(row.at, row.time * hop, v);
  if (hop > 1)
    k = kb_for(kb, "k", 0, hop, 1);
  else
    k = NULL;
  kb_store(kb, y->buffer, kir_at_plus(row.at, row.time, k),
           kb_load(kb, sum, kir_at_plus(at, 1, k), 1));
  if (k) kb_end(kb);
  kb_copy(kb, sum, at, sum, kir_at_offset(at, hop), keep);
  kb_zero(kb, sum, kir_at_offset(at, keep), hop);
  if (opened) kb_end(kb);
}

static void overlap_add_private(Emit *e, const Layer *layer) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  if (lower_streams(l, layer)) {
    overlap_add_stream(e, layer);
    return;
  }
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]);
  Domain in = domain_of(l, &layer->in[0]->type), out = domain_of(l, &layer->out[0]->type);
  int64_t size = view_size(x), hop = layer_size(layer, OPT_hop, 1), sx = view_last_stride(x);
  KirReg *t = kb_for(kb, "t", 0, out.n, 1);
  kb_store(kb, y->buffer, view_row(y, step_at(t), 0), kb_num(kb, 0, 1));
  kb_end(kb);
  KirReg *v = kb_for_expr(kb, "v", kb_int(kb, KIR_INDEX, 0, 1), domain_count(e, in), 1);
  KirReg *k = kb_for(kb, "k", 0, size, 1);
  KirIndex iy = kir_at_plus(kir_at_plus(y->at, y->time * hop, v), y->time, k);
  kb_store(kb, y->buffer, iy,
           kb_op2(kb, KIR_ADD, kb_load(kb, y->buffer, iy, 1),
                  kb_load(kb, x->buffer, kir_at_plus(view_row(x, step_at(v), 0), sx, k), 1)));
  kb_end(kb);
  kb_end(kb);
}

/* Each step of a sequence is laid out anew, time stays first. */
static bool keeps_time(const Layer *layer) {
  const Type *in = &layer->in[0]->type, *out = &layer->out[0]->type;
  bool counted = in->time.kind != TIME_FIXED || in->time.n == out->time.n;
  return type_is_sequence(in) && in->time.kind == out->time.kind && counted && in->time_pos == 0 &&
         out->time_pos == 0 && type_step_size(in) == type_step_size(out);
}

static void reshape_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  View x = *view_of(l, layer->in[0]), y = *view_of(l, layer->out[0]);
  Type in = layer->in[0]->type, out = layer->out[0]->type;
  x.at = view_row(&x, t, 0);
  y.at = view_row(&y, t, 0);
  in.time.kind = out.time.kind = TIME_NONE;
  copy_walk(e, &y, storage_walk(&out, &y, 0), &x, storage_walk(&in, &x, 0));
}

/* A row in one piece under other axes: schedule.c has asked for that. */
static View reshape_view(const Emit *e, const Layer *layer, View view) {
  (void)e->l;
  const Type *out = &layer->out[0]->type;
  int64_t n = 1;
  view.rank = out->rank;
  for (int i = out->rank - 1; i >= 0; i--) {
    view.dim[i] = out->dim[i].n;
    view.stride[i] = n;
    n *= view.dim[i];
  }
  return view;
}

/* ---- families ---- */

bool always_private(const Layer *layer) {
  (void)layer;
  return true;
}

static bool moves_time(const Layer *layer) {
  bool timed = type_is_sequence(&layer->in[0]->type) || type_is_sequence(&layer->out[0]->type);
  return timed && !keeps_time(layer);
}

static Window frames_window(const Layer *layer) {
  return (Window){
      .size = layer_size(layer, OPT_size, 1), .hop = layer_size(layer, OPT_hop, 1), .dilation = 1};
}

const Lowering concat_lowering = {.step = concat_step};
const Lowering frames_lowering = {.step = frames_step, .window = frames_window};
const Lowering onehot_lowering = {.step = onehot_step};
const Lowering overlap_add_lowering = {.is_private = always_private, .alone = overlap_add_private};
const Lowering reshape_lowering = {
    .step = reshape_step, .view = reshape_view, .is_private = moves_time, .alone = reshape_private};
const Lowering flatten_lowering = {.is_private = always_private, .alone = reshape_private};
