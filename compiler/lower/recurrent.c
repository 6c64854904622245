/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* GRU, LSTM and RNN: one step, gates of a unit summed together, activations on the sums.
 *
 * GRU, reset after   z = gate(Wz x + Uz h + bz)   r = gate(Wr x + Ur h + br)
 *                    n = act(Wn x + bn + r (Un h + cn))   h' = n + z (h - n)
 *     four sums a unit: z, r, Wn x + bn, Un h + cn
 * GRU, reset before  as above with n = act(Wn x + bn + Un (r h)); r h of all units comes first
 * LSTM               i, f, o = gate(..)   g = act(..)   c' = f c + i g   h' = o cell(c')
 * RNN                h' = act(W x + U h + b)
 * New states go to `next` while the old are still read, and are copied at the end of the step.
 * Where all sums are made before the first new state is stored, they go to their place at once. */
#include "lower/recurrent.h"
#include "lower/cell_shape.h"
#include "lower/int_layers.h"

/* The samples of a batch side by side, unless the layer stands in a loop over them. */
static KirStmt **samples_open(Emit *e, const Layer *layer) {
  return batch_takes(e, layer) ? batch_open(e) : NULL;
}

static void samples_close(Emit *e, KirStmt **samples) {
  if (samples) batch_close(e, samples);
}

/* The remaining products of a step if W x + b is already computed. */
static void take_hoisted(Mat *mat, Hoisted *from, KirReg *step) {
  mat->part[0] = mat->part[1];
  mat->n_parts = 1;
  mat->start = from;
  mat->start_step = step;
  for (int a = 0; a < from->n_acc; a++)
    mat->has_bias[a] = false;
}

/* Streams remember in one state whether the step is odd. */
static KirBuffer *open_turn(Emit *e, const Layer *layer, const char *suffix, KirReg **t) {
  Kb *kb = &e->kb;
  KirBuffer *turn = new_state(e, layer, arena_printf(e->l->arena, "turn%s", suffix), KIR_I32, 1);
  turn->doc = "1: the next step reads its weights from the other end";
  *t = kb_let(kb, "turn", kb_convert(kb, KIR_INDEX, kb_load(kb, turn, at_batch(e, turn, 0), 1)));
  (*t)->lo = 0;
  (*t)->hi = 1;
  return turn;
}

static void close_turn(Emit *e, KirBuffer *turn, KirReg *t) {
  Kb *kb = &e->kb;
  KirExpr *other = kb_op2(kb, KIR_SUB, kb_int(kb, KIR_INDEX, 1, 1), kb_use(kb, t));
  kb_store(kb, turn, at_batch(e, turn, 0), kb_convert(kb, KIR_I32, other));
}

/* The offset of the cell's position from position 0. */
static KirIndex at_position(const CellCode *cell, KirIndex at) {
  for (int i = 0; i < cell->position.n_terms; i++)
    at = kir_at_plus(at, cell->position.term[i].stride, cell->position.term[i].var);
  return at;
}

static void emit_cell(Emit *e, CellCode *cell, int dir, MatPart x, MatPart h, Step t,
                      const MapRows *rows) {
  Lower *l = e->l;
  const Layer *layer = cell->layer;
  Mat mat[2];
  int n = cell_mats(l, cell, dir, x, h, mat);
  int gates = cell_shape(l, layer)->gates;
  int64_t units = cell_shape(l, layer)->units;
  layer_cost(l, layer)->macs += gates * (x.d + units) * units *
                                (type_step_size(&layer->in[0]->type) / x.d) *
                                domain_of(l, &layer->in[0]->type).n;
  if (layer->kind == LAYER_LSTM)
    cell->peephole = cell_peepholes(l, layer, dir, mat->suffix, mat->lanes);
  if (n == 2) {
    int64_t all = cell->place->positions * cell->place->width;
    cell->z = new_kept(e, layer, "z", KIR_F32, all);
    cell->rh = new_kept(e, layer, "rh", KIR_F32, all);
    cell->z_at = at_position(cell, at_batch(e, cell->z, 0));
    cell->rh_at = at_position(cell, at_batch(e, cell->rh, 0));
    mat[1].part[1].x = cell->rh;
    mat[1].part[1].at = cell->rh_at;
  }
  for (int i = 0; i < n && l->job[layer->id].hoists; i++)
    take_hoisted(&mat[i], &cell->place->hoisted[i], t.in_block);
  bool turns[2] = {false, false};
  for (int i = 0; i < n && !rows->row; i++)
    turns[i] = (t.t || cell_shape(l, layer)->of_stream) &&
               mat_turns(e, &mat[i], cell_shape(l, layer)->of_stream);
  KirBuffer *turn = NULL;
  KirReg *number = t.t;
  if (!number && (turns[0] || turns[n - 1])) turn = open_turn(e, layer, mat[0].suffix, &number);
  for (int i = 0; i < n; i++) {
    if (turns[i]) mat_turn(l, &mat[i], number);
    mat[i].row = rows->row;
    mat[i].n_rows = rows->n;
    mat_emit(e, &mat[i]);
  }
  if (turn) close_turn(e, turn, number);
}

/* The input products of the steps of a block. */
void recurrent_products(Emit *e, const Layer *layer, int dir, const HoistBlock *block) {
  Lower *l = e->l;
  CellPlace *p = cell_of(l, layer, dir);
  CellCode cell = {.layer = layer, .place = p};
  const View *x = view_of(l, layer->in[0]);
  const Type *in = &layer->in[0]->type;
  KirReg *row = kb_reg(&e->kb, "row", kir_type(KIR_INDEX, 1));
  HoistBlock b = *block;
  b.reads_block = x->in_block;
  Step step = {.t = row, .in_block = row};
  Mat mat[2];
  int n = cell_mats(l, &cell, dir, cell_input_part(x, step, in->dim[in->rank - 1].n), (MatPart){0},
                    mat);
  for (int i = 0; i < n; i++) {
    mat[i].n_parts = 1;
    mat[i].split = mat_split(l, &mat[i]); /* of all sums of a unit, also those without x */
    mat[i].n_acc = mat[i].part[0].n_gates;
    hoist_emit(e, &b, &mat[i], row, &p->hoisted[i]);
  }
}

/* A value as the steps of a layer see it: rows are those of the axis it runs along. */
static View steps_view(const Layer *layer, View v, Step row) {
  int axis = layer->along[0].axis;
  if (axis == AXIS_TIME) return v;
  v.at = view_row(&v, row, 0);
  v.time = v.stride[axis];
  v.in_block = false;
  v.rank--;
  for (int i = axis; i < v.rank; i++) {
    v.dim[i] = v.dim[i + 1];
    v.stride[i] = v.stride[i + 1];
  }
  return v;
}

/* Step t of all positions; x and y: the views of steps_view. */
static void step_of(Emit *e, const Layer *layer, int dir, const View *x, const View *y, Step t) {
  Lower *l = e->l;
  CellPlace *p = cell_of(l, layer, dir);
  CellCode cell = {.layer = layer, .place = p};
  int64_t units = cell_shape(l, layer)->units, d = x->dim[x->rank - 1];
  View state = cell_state_view(layer, p->h, kir_at(0), p->width), to = *y;
  KirIndex ix = view_row(x, t, 0);
  MapRows rows = map_open(e, layer, ONLY_STEP, (const View *const[]){&state, x},
                          (KirIndex *const[]){&cell.position, &ix});
  cell.h = at_position(&cell, at_batch(e, p->h, p->h_at));
  cell.next = at_position(&cell, at_batch(e, p->next, p->next_at));
  if (p->c) cell.c = at_position(&cell, at_batch(e, p->c, p->c_at));
  MatPart input = {
      .x = x->buffer, .at = ix, .k_stride = x->stride[x->rank - 1], .taps = 1, .d = d, .name = "W"};
  emit_cell(e, &cell, dir, input, cell_state_part(p->h, cell.h, units), t, &rows);
  close_loops(e, rows.opened);
  KirStmt **samples = samples_open(e, layer);
  KirIndex next = at_batch(e, p->next, p->next_at), h = at_batch(e, p->h, p->h_at);
  int64_t all = p->positions > 1 ? p->positions * p->width : units;
  if (p->next != p->h) kb_copy(&e->kb, p->h, h, p->next, next, all);
  if (y->buffer != p->h) { /* else the state itself is the result */
    View from = cell_state_view(layer, p->next, next, p->width);
    to.dim[to.rank - 1] = units;
    to.at = kir_at_offset(to.at, dir * units * to.stride[to.rank - 1]);
    copy_row(e, &to, t, &from, ONLY_STEP);
  }
  samples_close(e, samples);
}

void recurrent_step(Emit *e, const Layer *layer, int dir, Step t) {
  Lower *l = e->l;
  if (int_computes(l, layer)) {
    int_cell_step(e, layer, dir, t);
    return;
  }
  step_of(e, layer, dir, view_of(l, layer->in[0]), view_of(l, layer->out[0]), t);
}

/* Fields that are not a view of the state: both directions, padded. */
static void give_fields(Emit *e, const Layer *layer, Step row) {
  Lower *l = e->l;
  if (int_computes(l, layer)) {
    int_cell_fields(e, layer);
    return;
  }
  int64_t units = cell_shape(l, layer)->units;
  for (int k = 1; k < LAYER_MAX_RESULTS && layer->out[k]; k++) {
    const Value *v = layer->out[k];
    const View *view = view_of(l, v);
    for (int dir = 0; dir < layer_directions(layer); dir++) {
      const CellPlace *p = cell_of(l, layer, dir);
      KirBuffer *from = k == 2 ? p->c : p->h;
      if (view->buffer == from || v->n_uses == 0) continue;
      View half = *view, state = cell_state_view(
                             layer, from, at_batch(e, from, k == 2 ? p->c_at : p->h_at), p->width);
      half.dim[half.rank - 1] = units;
      half.at = kir_at_offset(half.at, dir * units * half.stride[half.rank - 1]);
      copy_row(e, &half, row, &state, ONLY_STEP);
    }
  }
}

static const char *formula(Lower *l, const Layer *layer) {
  const char *act = layer_word(layer, OPT_activation);
  const char *gate = layer->kind == LAYER_RNN ? "" : layer_word(layer, OPT_gate);
  if (layer->kind == LAYER_RNN) return arena_printf(l->arena, "h' = %s(W x + U h + b)", act);
  if (layer->kind == LAYER_LSTM) {
    const char *out =
        layer_has(layer, OPT_cell_activation) ? layer_word(layer, OPT_cell_activation) : act;
    return arena_printf(
        l->arena,
        "i, f, o = %s(W x + U h + b)   g = %s(W x + U h + b)\nc' = f c + i g   h' = o %s(c')", gate,
        act, out);
  }
  if (layer_word_is(layer, OPT_reset, "before"))
    return arena_printf(l->arena,
                        "z, r = %s(W x + U h + b)   n = %s(W x + b + U (r h))   h' = n + z (h - n)",
                        gate, act);
  return arena_printf(
      l->arena,
      "z, r = %s(W x + U h + b)   n = %s(W x + b + r m)   m = U h + c   h' = n + z (h - n)", gate,
      act);
}

/* A recurrent layer that reads backwards: a loop a direction. */
static void alone(Emit *e, const Layer *layer) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  Domain d = domain_of(l, &layer->in[0]->type);
  bool both = layer_directions(layer) == 2;
  for (int dir = 0; dir < layer_directions(layer); dir++) {
    bool backward = !both || dir == 1;
    KirStmt **samples = samples_open(e, layer);
    recurrent_before(e, layer, dir);
    samples_close(e, samples);
    KirExpr *n = domain_count(e, d), *zero = kb_int(kb, KIR_INDEX, 0, 1);
    if (l->job[layer->id].hoists) {
      HoistBlock block = hoist_open(e, d, backward);
      recurrent_products(e, layer, dir, &block);
      recurrent_step(e, layer, dir, hoist_steps(e, &block, backward));
      kb_end(kb);
      kb_end(kb);
      continue;
    }
    KirReg *t = backward ? kb_for_expr(kb, "t", kb_op2(kb, KIR_SUB, n, kb_int(kb, KIR_INDEX, 1, 1)),
                                       zero, -1)
                         : kb_for_expr(kb, "t", zero, n, 1);
    recurrent_step(e, layer, dir, step_at(t));
    kb_end(kb);
  }
  KirStmt **samples = samples_open(e, layer);
  give_fields(e, layer, ONLY_STEP);
  samples_close(e, samples);
}

/* All positions of a feature axis within the step at `row`, every direction. */
static void along_axis(Emit *e, const Layer *layer, Step row) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  int64_t n = layer->in[0]->type.dim[layer->along[0].axis].n;
  bool both = layer_directions(layer) == 2;
  View x = steps_view(layer, *view_of(l, layer->in[0]), row);
  View y = steps_view(layer, *view_of(l, layer->out[0]), row);
  for (int dir = 0; dir < layer_directions(layer); dir++) {
    bool backward = dir == 1 || (!both && layer_word_is(layer, OPT_direction, "backward"));
    recurrent_before(e, layer, dir);
    KirReg *f = backward ? kb_for_expr(kb, "f", kb_int(kb, KIR_INDEX, n - 1, 1),
                                       kb_int(kb, KIR_INDEX, 0, 1), -1)
                         : kb_for(kb, "f", 0, n, 1);
    step_of(e, layer, dir, &x, &y, step_at(f));
    kb_end(kb);
  }
  give_fields(e, layer, row);
}

static bool is_private(const Layer *layer) {
  return layer_is_along_time(layer) && !layer_word_is(layer, OPT_direction, "forward");
}

static void before_steps(Emit *e, const Layer *layer) {
  if (layer_is_along_time(layer)) recurrent_before(e, layer, 0);
}

static void step(Emit *e, const Layer *layer, Step t) {
  if (layer_is_along_time(layer))
    recurrent_step(e, layer, 0, t);
  else
    along_axis(e, layer, t);
}

static void after_steps(Emit *e, const Layer *layer) {
  if (layer_is_along_time(layer)) give_fields(e, layer, ONLY_STEP);
}

const Lowering recurrent_lowering = {.step = step,
                                     .before = before_steps,
                                     .after = after_steps,
                                     .alone = alone,
                                     .is_private = is_private,
                                     .takes_samples = true,
                                     .has_kernel = true,
                                     .formula = formula};
