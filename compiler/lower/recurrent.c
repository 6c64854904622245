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

#include <assert.h>
#include <string.h>

/* ---- places ---- */

/* The samples of a batch side by side, unless the layer stands in a loop over them. */
static void samples_open(Lower *l, const Layer *layer) {
  if (batch_takes(l, layer)) batch_open(l);
}

static void samples_close(Lower *l, const Layer *layer) {
  if (batch_takes(l, layer)) batch_close(l);
}

void recurrent_place(Lower *l, const Layer *layer) {
  if (int_computes(l, layer)) {
    int_cell_place(l, layer);
    return;
  }
  const CellShape *shape = cell_shape(l, layer);
  int dirs = layer_directions(layer);
  int64_t all = shape->positions * shape->width;
  KirBuffer *(*new_buffer)(Lower *, const Layer *, const char *, KirElem, int64_t) = new_kept;
  if (shape->of_stream) new_buffer = new_state;
  KirBuffer *h = new_buffer(l, layer, "h", KIR_F32, dirs * all), *c = NULL;
  if (layer->kind == LAYER_LSTM) c = new_buffer(l, layer, "c", KIR_F32, dirs * all);
  KirBuffer *next = shape->in_place ? h : new_kept(l, layer, "next", KIR_F32, all);
  for (int d = 0; d < dirs; d++)
    l->cell[layer->id * 2 + d] = (CellPlace){.h = h,
                                             .c = c,
                                             .next = next,
                                             .h_at = d * all,
                                             .c_at = d * all,
                                             .next_at = shape->in_place ? d * all : 0,
                                             .width = shape->width,
                                             .positions = shape->positions};
}

/* ---- starting states ---- */

static const Value *init_value(const Layer *layer, int state) {
  const OptVal *init = layer_opt(layer, OPT_init);
  if (init->states_of) return init->states_of->out[1 + state];
  return state < init->n_values ? init->values[state] : NULL;
}

/* A learned initial state of one direction, [width]; NULL if the layer has none. */
static KirBuffer *learned_state(Lower *l, const Layer *layer, int state, int dir) {
  Role role = state ? ROLE_INITIAL_C : ROLE_INITIAL_H;
  int64_t units = cell_shape(l, layer)->units, width = l->cell[layer->id * 2 + dir].width;
  if (!layer_has_role(layer, role)) return NULL;
  const float *from = layer->weights ? layer->weights->role[role] : NULL;
  float *to = from ? ARENA_ARRAY(l->arena, float, width) : NULL;
  if (to) memcpy(to, from + dir * units, sizeof *to * (size_t)units);
  const char *part = arena_printf(l->arena, "%s0%s", state ? "c" : "h", dir ? "_backward" : "");
  return new_weights(l, layer, part, to, width, "learned initial state");
}

/* The states of one direction, from `at` on, under the axes that the layer is mapped over. */
static View state_view(const Layer *layer, KirBuffer *b, KirIndex at, int64_t width) {
  const Type *type = &layer->out[1]->type;
  View v = {.buffer = b, .at = at, .rank = type->rank};
  int64_t n = width;
  v.dim[v.rank - 1] = layer_size(layer, OPT_units, 1);
  v.stride[v.rank - 1] = 1;
  for (int i = v.rank - 2; i >= 0; i--) {
    v.dim[i] = type->dim[i].n;
    v.stride[i] = n;
    n *= v.dim[i];
  }
  return v;
}

static void load_state(Lower *l, const Layer *layer, int state, int dir) {
  const CellPlace *p = &l->cell[layer->id * 2 + dir];
  KirBuffer *to = state ? p->c : p->h;
  if (!to) return;
  int64_t units = cell_shape(l, layer)->units;
  KirIndex at = at_batch(l, to, p->h_at);
  const Value *from = init_value(layer, state);
  KirBuffer *learned = learned_state(l, layer, state, dir);
  if (learned) {
    KirReg *i = p->positions > 1 ? kb_for(&l->kb, "i", 0, p->positions, 1) : NULL;
    kb_copy(&l->kb, to, kir_at_plus(at, p->width, i), learned, kir_at(0), p->width);
    if (i) kb_end(&l->kb);
    return;
  }
  bool padded = p->width > units && to->space == KIR_SCRATCH;
  if (!from || padded) {
    if (to->space == KIR_SCRATCH) kb_zero(&l->kb, to, at, p->positions * p->width);
    if (!from) return;
  }
  View given = *view_of(l, from), own = state_view(layer, to, at, p->width);
  given.at = kir_at_offset(given.at, dir * units * given.stride[given.rank - 1]);
  given.dim[given.rank - 1] = units;
  copy_row(l, &own, NULL, &given, NULL);
}

void recurrent_before(Lower *l, const Layer *layer, int dir) {
  if (cell_shape(l, layer)->of_stream) return;
  if (int_computes(l, layer)) {
    int_cell_start(l, layer, dir);
    return;
  }
  load_state(l, layer, 0, dir);
  load_state(l, layer, 1, dir);
}

void recurrent_reset(Lower *l, const Layer *layer) {
  for (int d = 0; d < layer_directions(layer); d++) {
    if (int_computes(l, layer)) {
      int_cell_start(l, layer, d);
      continue;
    }
    load_state(l, layer, 0, d);
    load_state(l, layer, 1, d);
  }
}

/* ---- weights ---- */

/* Gate `gate` of role, direction dir; rows of length `row` a unit. NULL for extern weights. */
static const float *gate_weights(const Layer *layer, Role role, int gates, int dir, int gate,
                                 int64_t row) {
  const float *w = layer->weights ? layer->weights->role[role] : NULL;
  return w ? w + (dir * gates + gate) * layer_size(layer, OPT_units, 1) * row : NULL;
}

/* a + b by unit, either may be NULL. */
static const float *sum_of(Lower *l, const float *a, const float *b, int64_t n) {
  if (!a || !b) return a ? a : b;
  float *sum = ARENA_ARRAY(l->arena, float, n);
  for (int64_t i = 0; i < n; i++)
    sum[i] = a[i] + b[i];
  return sum;
}

static MatPart input_part(const View *x, KirReg *t, int64_t d) {
  return (MatPart){.x = x->buffer,
                   .at = view_row(x, t, 0),
                   .k_stride = x->stride[x->rank - 1],
                   .taps = 1,
                   .d = d,
                   .name = "W"};
}

static MatPart state_part(KirBuffer *h, KirIndex at, int64_t units) {
  return (MatPart){.x = h, .at = at, .k_stride = 1, .taps = 1, .d = units, .name = "U"};
}

static void add_gate(MatPart *p, const float *w, int acc) {
  p->w[p->n_gates] = w;
  p->acc[p->n_gates++] = acc;
}

static KirBuffer *pack_peephole(Lower *l, const Layer *layer, int dir, const char *suffix,
                                int lanes) {
  if (!layer_word_is(layer, OPT_peephole, "true")) return NULL;
  int64_t units = cell_shape(l, layer)->units, vectors = (units + lanes - 1) / lanes;
  float *to = ARENA_ARRAY(l->arena, float, vectors * 3 * lanes);
  bool bound = false;
  for (int g = 0; g < 3; g++) {
    const float *p = gate_weights(layer, ROLE_PEEPHOLE, 3, dir, g, 1);
    bound = p != NULL;
    for (int64_t u = 0; u < units && p; u++)
      to[(u / lanes * 3 + g) * lanes + u % lanes] = p[u];
  }
  return new_weights(l, layer, arena_printf(l->arena, "P%s", suffix), bound ? to : NULL,
                     vectors * 3 * lanes, "peepholes i f o");
}

/* ---- the step ---- */

static const char *const gate_names[3][MAT_MAX_ACC] = {
    {"z", "r", "n", "m"}, {"i", "f", "g", "o"}, {"n", "", "", ""}};

/* The products of a step, part 0 of x and part 1 of h: one Mat, or two, the second for the
 * candidate of a GRU that resets before. */
static int cell_mats(Lower *l, CellCode *cell, int dir, MatPart x, MatPart h, Mat all[2]) {
  const Layer *layer = cell->layer;
  int gates = cell_shape(l, layer)->gates;
  int64_t units = cell_shape(l, layer)->units;
  const char *suffix = dir ? "_backward" : "";
  Mat mat = {.layer = layer,
             .units = units,
             .lanes = cell_shape(l, layer)->lanes,
             .suffix = suffix,
             .context = cell,
             .whole = true,
             .n_parts = 2};
  int names = layer->kind == LAYER_GRU ? 0 : layer->kind == LAYER_LSTM ? 1 : 2;
  for (int a = 0; a < MAT_MAX_ACC; a++)
    mat.acc_name[a] = gate_names[names][a];
  bool before = cell_resets_before(layer), after = layer->kind == LAYER_GRU && !before;
  mat.n_acc = after ? 4 : gates;
  bool has_bias = layer_has_role(layer, ROLE_BIAS);
  for (int a = 0; a < gates; a++)
    mat.has_bias[a] = has_bias;
  if (after) mat.has_bias[3] = layer_has_role(layer, ROLE_RECURRENT_BIAS);
  for (int g = 0; g < gates; g++) {
    add_gate(&x, gate_weights(layer, ROLE_KERNEL, gates, dir, g, x.d), g);
    add_gate(&h, gate_weights(layer, ROLE_RECURRENT, gates, dir, g, units),
             after && g == 2 ? 3 : g);
    const float *b = gate_weights(layer, ROLE_BIAS, gates, dir, g, 1);
    const float *rb = gate_weights(layer, ROLE_RECURRENT_BIAS, gates, dir, g, 1);
    if (after && g == 2) {
      mat.bias[2] = b;
      mat.bias[3] = rb;
    } else
      mat.bias[g] = sum_of(l, b, after ? rb : NULL, units);
  }
  mat.part[0] = x;
  mat.part[1] = h;
  if (!before) {
    mat.finish = after ? gru_after_finish : layer->kind == LAYER_LSTM ? lstm_finish : rnn_finish;
    all[0] = mat;
    return 1;
  }
  /* z and r of all units, then the candidate from r * h */
  Mat candidate = mat;
  mat.n_acc = mat.part[0].n_gates = mat.part[1].n_gates = 2;
  mat.finish = gru_gates_finish;
  mat.suffix = arena_printf(l->arena, "_zr%s", suffix);
  candidate.n_acc = 1;
  candidate.acc_name[0] = "n";
  candidate.bias[0] = mat.bias[2];
  candidate.has_bias[0] = mat.has_bias[2];
  candidate.suffix = arena_printf(l->arena, "_n%s", suffix);
  for (int i = 0; i < 2; i++) {
    candidate.part[i].n_gates = 1;
    candidate.part[i].acc[0] = 0;
    candidate.part[i].w[0] = mat.part[i].w[2];
  }
  candidate.finish = gru_before_finish;
  all[0] = mat;
  all[1] = candidate;
  return 2;
}

/* What is left of a step when W x + b is there already. */
static void take_hoisted(Mat *mat, Hoisted *from) {
  mat->part[0] = mat->part[1];
  mat->n_parts = 1;
  mat->start = from;
  for (int a = 0; a < from->n_acc; a++)
    mat->has_bias[a] = false;
}

/* Streams remember in one state whether the step is odd. */
static KirBuffer *open_turn(Lower *l, const Layer *layer, const char *suffix, KirReg **t) {
  Kb *kb = &l->kb;
  KirBuffer *turn = new_state(l, layer, arena_printf(l->arena, "turn%s", suffix), KIR_I32, 1);
  turn->doc = "1: the next step reads its weights from the other end";
  *t = kb_let(kb, "turn", kb_convert(kb, KIR_INDEX, kb_load(kb, turn, at_batch(l, turn, 0), 1)));
  (*t)->lo = 0;
  (*t)->hi = 1;
  return turn;
}

static void close_turn(Lower *l, KirBuffer *turn, KirReg *t) {
  Kb *kb = &l->kb;
  KirExpr *other = kb_op2(kb, KIR_SUB, kb_int(kb, KIR_INDEX, 1, 1), kb_use(kb, t));
  kb_store(kb, turn, at_batch(l, turn, 0), kb_convert(kb, KIR_I32, other));
}

/* What is added to an index of position 0 for the position of the cell. */
static KirIndex at_position(const CellCode *cell, KirIndex at) {
  for (int i = 0; i < cell->position.n_terms; i++)
    at = kir_at_plus(at, cell->position.term[i].stride, cell->position.term[i].var);
  return at;
}

static void emit_cell(Lower *l, CellCode *cell, int dir, MatPart x, MatPart h, KirReg *t,
                      const MapRows *rows) {
  const Layer *layer = cell->layer;
  Mat mat[2];
  int n = cell_mats(l, cell, dir, x, h, mat);
  int gates = cell_shape(l, layer)->gates;
  int64_t units = cell_shape(l, layer)->units;
  layer_cost(l, layer)->macs += gates * (x.d + units) * units *
                                (type_step_size(&layer->in[0]->type) / x.d) *
                                domain_of(l, &layer->in[0]->type).n;
  if (layer->kind == LAYER_LSTM)
    cell->peephole = pack_peephole(l, layer, dir, mat->suffix, mat->lanes);
  if (n == 2) {
    int64_t all = cell->place->positions * cell->place->width;
    cell->z = new_kept(l, layer, "z", KIR_F32, all);
    cell->rh = new_kept(l, layer, "rh", KIR_F32, all);
    cell->z_at = at_position(cell, at_batch(l, cell->z, 0));
    cell->rh_at = at_position(cell, at_batch(l, cell->rh, 0));
    mat[1].part[1].x = cell->rh;
    mat[1].part[1].at = cell->rh_at;
  }
  for (int i = 0; i < n && l->job[layer->id].hoists; i++)
    take_hoisted(&mat[i], &cell->place->hoisted[i]);
  bool turns[2] = {false, false};
  for (int i = 0; i < n && !rows->row; i++)
    turns[i] = (t || cell_shape(l, layer)->of_stream) &&
               mat_turns(l, &mat[i], cell_shape(l, layer)->of_stream);
  KirBuffer *turn = NULL;
  if (!t && (turns[0] || turns[n - 1])) turn = open_turn(l, layer, mat[0].suffix, &t);
  for (int i = 0; i < n; i++) {
    if (turns[i]) mat_turn(l, &mat[i], t);
    mat[i].row = rows->row;
    mat[i].n_rows = rows->n;
    mat_emit(l, &mat[i]);
  }
  if (turn) close_turn(l, turn, t);
}

/* The input products of the steps of a block. */
void recurrent_products(Lower *l, const Layer *layer, int dir, const HoistBlock *block) {
  CellPlace *p = &l->cell[layer->id * 2 + dir];
  CellCode cell = {.layer = layer, .place = p};
  const View *x = view_of(l, layer->in[0]);
  const Type *in = &layer->in[0]->type;
  KirReg *row = kb_reg(&l->kb, "row", kir_type(KIR_INDEX, 1));
  HoistBlock b = *block;
  b.reads_block = x->clock != NULL;
  l->block_row = row;
  Mat mat[2];
  int n = cell_mats(l, &cell, dir, input_part(x, row, in->dim[in->rank - 1].n), (MatPart){0}, mat);
  for (int i = 0; i < n; i++) {
    mat[i].n_parts = 1;
    mat[i].split = mat_split(l, &mat[i]); /* of all sums of a unit, also those without x */
    mat[i].n_acc = mat[i].part[0].n_gates;
    hoist_emit(l, &b, &mat[i], row, &p->hoisted[i]);
  }
}

/* A value as the steps of a layer see it: rows are those of the axis it runs along. */
static View steps_view(const Layer *layer, View v, KirReg *row) {
  int axis = layer->along[0].axis;
  if (axis == AXIS_TIME) return v;
  v.at = view_row(&v, row, 0);
  v.time = v.stride[axis];
  v.clock = NULL;
  v.rank--;
  for (int i = axis; i < v.rank; i++) {
    v.dim[i] = v.dim[i + 1];
    v.stride[i] = v.stride[i + 1];
  }
  return v;
}

/* Step t of all positions; x and y: the views of steps_view. */
static void step_of(Lower *l, const Layer *layer, int dir, const View *x, const View *y,
                    KirReg *t) {
  CellPlace *p = &l->cell[layer->id * 2 + dir];
  CellCode cell = {.layer = layer, .place = p};
  int64_t units = cell_shape(l, layer)->units, d = x->dim[x->rank - 1];
  View state = state_view(layer, p->h, kir_at(0), p->width), to = *y;
  KirIndex ix = view_row(x, t, 0);
  MapRows rows = map_open(l, layer, 2, (const View *const[]){&state, x},
                          (KirIndex *const[]){&cell.position, &ix});
  cell.h = at_position(&cell, at_batch(l, p->h, p->h_at));
  cell.next = at_position(&cell, at_batch(l, p->next, p->next_at));
  if (p->c) cell.c = at_position(&cell, at_batch(l, p->c, p->c_at));
  MatPart input = {
      .x = x->buffer, .at = ix, .k_stride = x->stride[x->rank - 1], .taps = 1, .d = d, .name = "W"};
  emit_cell(l, &cell, dir, input, state_part(p->h, cell.h, units), t, &rows);
  close_loops(l, rows.opened);
  samples_open(l, layer);
  KirIndex next = at_batch(l, p->next, p->next_at), h = at_batch(l, p->h, p->h_at);
  int64_t all = p->positions > 1 ? p->positions * p->width : units;
  if (p->next != p->h) kb_copy(&l->kb, p->h, h, p->next, next, all);
  if (y->buffer != p->h) { /* else the state itself is the result */
    View from = state_view(layer, p->next, next, p->width);
    to.dim[to.rank - 1] = units;
    to.at = kir_at_offset(to.at, dir * units * to.stride[to.rank - 1]);
    copy_row(l, &to, t, &from, NULL);
  }
  samples_close(l, layer);
}

void recurrent_step(Lower *l, const Layer *layer, int dir, KirReg *t) {
  if (int_computes(l, layer)) {
    int_cell_step(l, layer, dir, t);
    return;
  }
  step_of(l, layer, dir, view_of(l, layer->in[0]), view_of(l, layer->out[0]), t);
}

/* Fields that are not a view of the state: both directions, padded. */
static void give_fields(Lower *l, const Layer *layer, KirReg *row) {
  if (int_computes(l, layer)) {
    int_cell_fields(l, layer);
    return;
  }
  int64_t units = cell_shape(l, layer)->units;
  for (int k = 1; k < LAYER_MAX_RESULTS && layer->out[k]; k++) {
    const Value *v = layer->out[k];
    const View *view = view_of(l, v);
    for (int dir = 0; dir < layer_directions(layer); dir++) {
      const CellPlace *p = &l->cell[layer->id * 2 + dir];
      KirBuffer *from = k == 2 ? p->c : p->h;
      if (view->buffer == from || v->n_uses == 0) continue;
      View half = *view,
           state = state_view(layer, from, at_batch(l, from, k == 2 ? p->c_at : p->h_at), p->width);
      half.dim[half.rank - 1] = units;
      half.at = kir_at_offset(half.at, dir * units * half.stride[half.rank - 1]);
      copy_row(l, &half, row, &state, NULL);
    }
  }
}

/* ---- the layer ---- */

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
static void alone(Lower *l, const Layer *layer) {
  Kb *kb = &l->kb;
  Domain d = domain_of(l, &layer->in[0]->type);
  bool both = layer_directions(layer) == 2;
  for (int dir = 0; dir < layer_directions(layer); dir++) {
    bool backward = !both || dir == 1;
    samples_open(l, layer);
    recurrent_before(l, layer, dir);
    samples_close(l, layer);
    KirExpr *n = domain_count(l, d), *zero = kb_int(kb, KIR_INDEX, 0, 1);
    if (l->job[layer->id].hoists) {
      HoistBlock block = hoist_open(l, d, backward);
      recurrent_products(l, layer, dir, &block);
      recurrent_step(l, layer, dir, hoist_steps(l, &block, backward));
      kb_end(kb);
      kb_end(kb);
      continue;
    }
    KirReg *t = backward ? kb_for_expr(kb, "t", kb_op2(kb, KIR_SUB, n, kb_int(kb, KIR_INDEX, 1, 1)),
                                       zero, -1)
                         : kb_for_expr(kb, "t", zero, n, 1);
    recurrent_step(l, layer, dir, t);
    kb_end(kb);
  }
  samples_open(l, layer);
  give_fields(l, layer, NULL);
  samples_close(l, layer);
}

/* All positions of a feature axis within the step at `row`, every direction. */
static void along_axis(Lower *l, const Layer *layer, KirReg *row) {
  Kb *kb = &l->kb;
  int64_t n = layer->in[0]->type.dim[layer->along[0].axis].n;
  bool both = layer_directions(layer) == 2;
  View x = steps_view(layer, *view_of(l, layer->in[0]), row);
  View y = steps_view(layer, *view_of(l, layer->out[0]), row);
  for (int dir = 0; dir < layer_directions(layer); dir++) {
    bool backward = dir == 1 || (!both && layer_word_is(layer, OPT_direction, "backward"));
    recurrent_before(l, layer, dir);
    KirReg *f = backward ? kb_for_expr(kb, "f", kb_int(kb, KIR_INDEX, n - 1, 1),
                                       kb_int(kb, KIR_INDEX, 0, 1), -1)
                         : kb_for(kb, "f", 0, n, 1);
    step_of(l, layer, dir, &x, &y, f);
    kb_end(kb);
  }
  give_fields(l, layer, row);
}

static bool is_private(const Layer *layer) {
  return runs_in_time(layer) && !layer_word_is(layer, OPT_direction, "forward");
}

static void before_steps(Lower *l, const Layer *layer) {
  if (runs_in_time(layer)) recurrent_before(l, layer, 0);
}

static void step(Lower *l, const Layer *layer, KirReg *t) {
  if (runs_in_time(layer))
    recurrent_step(l, layer, 0, t);
  else
    along_axis(l, layer, t);
}

static void after_steps(Lower *l, const Layer *layer) {
  if (runs_in_time(layer)) give_fields(l, layer, NULL);
}

const Lowering recurrent_lowering = {.step = step,
                                     .before = before_steps,
                                     .after = after_steps,
                                     .alone = alone,
                                     .is_private = is_private,
                                     .takes_samples = true,
                                     .has_kernel = true,
                                     .formula = formula};
