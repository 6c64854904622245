/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* GRU, LSTM and RNN: one step, gates of a unit summed together, activations on the sums.
 *
 * GRU, reset after   z = gate(Wz x + Uz h + bz)   r = gate(Wr x + Ur h + br)
 *                    n = act(Wn x + bn + r (Un h + cn))   h' = n + z (h - n)
 *     four sums a unit: z, r, Wn x + bn, Un h + cn
 * GRU, reset before  as above with n = act(Wn x + bn + Un (r h)); r h of all units comes first
 * LSTM               i, f, o = gate(..)   g = act(..)   c' = f c + i g   h' = o cell(c')
 * RNN                h' = act(W x + U h + b)
 * New states go to `next` while the old are still read, and are copied at the end of the step. Where
 * all sums are made before the first new state is stored, they go to their place at once. */
#include "lower/recurrent.h"

#include <assert.h>
#include <string.h>

static int64_t units_of(const Layer *layer) {
  return layer_size(layer, OPT_units, 1);
}

/* ---- places ---- */

static int gates_of(const Layer *layer) {
  return layer->kind == LAYER_GRU ? 3 : layer->kind == LAYER_LSTM ? 4 : 1;
}

static bool resets_before(const Layer *layer) {
  return layer->kind == LAYER_GRU && layer_word_is(layer, OPT_reset, "before");
}

/* Weights of a step, padded to whole vectors. */
static int64_t cell_bytes(const Layer *layer, int lanes) {
  const Type *in = &layer->in[0]->type;
  int64_t units = units_of(layer), width = (units + lanes - 1) / lanes * lanes;
  return 4 * gates_of(layer) * width * (units + in->dim[in->rank - 1].n);
}

/* Padding costs nothing but the reading of its weights, an operation on a whole vector as much as
 * on half of one: while the weights stay in the first cache, the widest vectors that make fewer of
 * them than vectors of half the width. */
static int cell_lanes(const Lower *l, const Layer *layer) {
  int64_t units = units_of(layer);
  int lanes = l->target->lanes;
  if (int_is_w8(l, layer)) return 1;
  if (l->target->is_mcu) return mat_lanes(l, units);
  while (lanes > l->target->min_lanes && units * 2 <= lanes)
    lanes /= 2;
  return cell_bytes(layer, lanes) <= l->target->l1_bytes ? lanes : mat_lanes(l, units);
}

static bool streams(const Lower *l, const Layer *layer) {
  return l->streaming && type_is_stream(&layer->in[0]->type);
}

/* The sums of a step, or of its last part, as the tiles see them. */
static Mat last_sums(const Lower *l, const Layer *layer) {
  int gates = gates_of(layer);
  return (Mat){.units = units_of(layer),
               .lanes = cell_lanes(l, layer),
               .n_acc = resets_before(layer) ? 1 : gates == 3 ? 4 : gates};
}

/* Whether all reads of the old state come before the first store of the new one. Weights that do not
 * fit in the first cache may be walked in smaller tiles (mat_turn). */
static bool one_tile(const Lower *l, const Layer *layer) {
  Mat mat = last_sums(l, layer);
  MatTile tile[2];
  int64_t cache = l->target->l1_bytes, most = streams(l, layer) ? cache * 17 / 16 : cache * 7 / 8;
  bool may_turn = cache && cell_bytes(layer, mat.lanes) > most;
  return !l->is_tiled && !may_turn && mat_tiles(l, &mat, tile) == 1 && tile[0].count == 1;
}

void recurrent_place(Lower *l, const Layer *layer) {
  if (int_computes(l, layer)) {
    int_cell_place(l, layer);
    return;
  }
  int dirs = layer_directions(layer);
  int64_t units = units_of(layer);
  int lanes = cell_lanes(l, layer);
  int64_t width = (units + lanes - 1) / lanes * lanes;
  KirBuffer *(*new)(Lower *, const Layer *, const char *, KirElem, int64_t) =
      streams(l, layer) ? new_state : new_kept;
  KirBuffer *h = new (l, layer, "h", KIR_F32, dirs * width);
  KirBuffer *c = layer->kind == LAYER_LSTM ? new (l, layer, "c", KIR_F32, dirs * width) : NULL;
  bool at_once = one_tile(l, layer);
  KirBuffer *next = at_once ? h : new_kept(l, layer, "next", KIR_F32, width);
  for (int d = 0; d < dirs; d++)
    l->cell[layer->id * 2 + d] = (CellPlace){.h = h,
                                             .c = c,
                                             .next = next,
                                             .h_at = d * width,
                                             .c_at = d * width,
                                             .next_at = at_once ? d * width : 0,
                                             .width = width};
}

/* ---- starting states ---- */

static const Value *init_value(const Layer *layer, int state) {
  const OptVal *init = layer_opt(layer, OPT_init);
  if (init->states_of) return init->states_of->out[1 + state];
  return state < init->n_values ? init->values[state] : NULL;
}

/* A learned start state of one direction, [width]; NULL if the layer has none. */
static KirBuffer *learned_state(Lower *l, const Layer *layer, int state, int dir) {
  Role role = state ? ROLE_INITIAL_C : ROLE_INITIAL_H;
  int64_t units = units_of(layer), width = l->cell[layer->id * 2 + dir].width;
  if (!layer_has_role(layer, role)) return NULL;
  const float *from = layer->weights ? layer->weights->role[role] : NULL;
  float *to = from ? ARENA_ARRAY(l->arena, float, width) : NULL;
  if (to) memcpy(to, from + dir * units, sizeof *to * (size_t)units);
  const char *part = arena_printf(l->arena, "%s0%s", state ? "c" : "h", dir ? "_backward" : "");
  return new_weights(l, layer, part, to, width, "learned start state");
}

static void load_state(Lower *l, const Layer *layer, int state, int dir) {
  const CellPlace *p = &l->cell[layer->id * 2 + dir];
  KirBuffer *to = state ? p->c : p->h;
  if (!to) return;
  int64_t units = units_of(layer);
  KirIndex at = at_batch(l, to, p->h_at);
  const Value *from = init_value(layer, state);
  KirBuffer *learned = learned_state(l, layer, state, dir);
  if (learned) {
    kb_copy(&l->kb, to, at, learned, kir_at(0), p->width);
    return;
  }
  if (!from) {
    if (to->space == KIR_SCRATCH) kb_zero(&l->kb, to, at, p->width);
    return;
  }
  const View *view = view_of(l, from);
  KirIndex at_from = kir_at_offset(view_row(view, NULL, 0), dir * units * view->stride[0]);
  kb_copy(&l->kb, to, at, view->buffer, at_from, units);
  if (p->width > units && to->space == KIR_SCRATCH)
    kb_zero(&l->kb, to, kir_at_offset(at, units), p->width - units);
}

void recurrent_before(Lower *l, const Layer *layer, int dir) {
  if (streams(l, layer)) return;
  if (int_computes(l, layer)) {
    int_cell_start(l, layer, dir);
    return;
  }
  load_state(l, layer, 0, dir);
  load_state(l, layer, 1, dir);
}

void recurrent_reset(Lower *l, const Layer *layer) {
  l->cost = &l->m->cost[layer->id];
  for (int d = 0; d < layer_directions(layer); d++) {
    if (int_computes(l, layer)) {
      int_cell_start(l, layer, d);
      continue;
    }
    load_state(l, layer, 0, d);
    load_state(l, layer, 1, d);
  }
  l->cost = NULL;
}

/* ---- weights ---- */

/* Gate `gate` of role, direction dir; rows of length `row` a unit. NULL for extern weights. */
static const float *gate_weights(const Layer *layer, Role role, int gates, int dir, int gate,
                                 int64_t row) {
  const float *w = layer->weights ? layer->weights->role[role] : NULL;
  return w ? w + (dir * gates + gate) * units_of(layer) * row : NULL;
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
  int64_t units = units_of(layer), vectors = (units + lanes - 1) / lanes;
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
static int cell_mats(Lower *l, Cell *cell, int dir, MatPart x, MatPart h, Mat all[2]) {
  const Layer *layer = cell->layer;
  int gates = gates_of(layer);
  int64_t units = units_of(layer);
  const char *suffix = dir ? "_backward" : "";
  Mat mat = {.layer = layer,
             .units = units,
             .lanes = cell_lanes(l, layer),
             .suffix = suffix,
             .context = cell,
             .whole = true,
             .n_parts = 2};
  int names = layer->kind == LAYER_GRU ? 0 : layer->kind == LAYER_LSTM ? 1 : 2;
  for (int a = 0; a < MAT_MAX_ACC; a++)
    mat.acc_name[a] = gate_names[names][a];
  bool before = resets_before(layer), after = layer->kind == LAYER_GRU && !before;
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

int recurrent_split(const Lower *l, const Layer *layer) {
  Mat mat = last_sums(l, layer);
  return mat_split(l, &mat);
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
  *t = kb_let(kb, "turn",
              kb_convert(kb, KIR_INDEX, kb_load(kb, turn, at_batch(l, turn, 0), 1)));
  (*t)->lo = 0;
  (*t)->hi = 1;
  return turn;
}

static void close_turn(Lower *l, KirBuffer *turn, KirReg *t) {
  Kb *kb = &l->kb;
  KirExpr *other = kb_op2(kb, KIR_SUB, kb_int(kb, KIR_INDEX, 1, 1), kb_use(kb, t));
  kb_store(kb, turn, at_batch(l, turn, 0), kb_convert(kb, KIR_I32, other));
}

static void emit_cell(Lower *l, Cell *cell, int dir, MatPart x, MatPart h, KirReg *t) {
  const Layer *layer = cell->layer;
  Mat mat[2];
  int n = cell_mats(l, cell, dir, x, h, mat);
  int gates = gates_of(layer);
  int64_t units = units_of(layer);
  l->cost->macs += gates * (x.d + units) * units * domain_of(l, &layer->in[0]->type).n;
  if (layer->kind == LAYER_LSTM)
    cell->peephole = pack_peephole(l, layer, dir, mat->suffix, mat->lanes);
  if (n == 2) {
    cell->z = new_kept(l, layer, "z", KIR_F32, cell->place->width);
    cell->rh = new_kept(l, layer, "rh", KIR_F32, cell->place->width);
    mat[1].part[1].x = cell->rh;
    mat[1].part[1].at = at_batch(l, cell->rh, 0);
  }
  for (int i = 0; i < n && l->job[layer->id].hoists; i++)
    take_hoisted(&mat[i], &cell->place->hoisted[i]);
  bool turns[2] = {false, false};
  for (int i = 0; i < n; i++)
    turns[i] = streams(l, layer) ? turns_in_stream(l, &mat[i]) : t && outgrows_cache(l, &mat[i]);
  KirBuffer *turn = NULL;
  if (!t && (turns[0] || turns[n - 1])) turn = open_turn(l, layer, mat[0].suffix, &t);
  for (int i = 0; i < n; i++) {
    if (turns[i]) mat_turn(l, &mat[i], t);
    mat_emit(l, &mat[i]);
  }
  if (turn) close_turn(l, turn, t);
}

/* The input products of the steps of a block. */
void recurrent_products(Lower *l, const Layer *layer, int dir, const HoistBlock *block) {
  CellPlace *p = &l->cell[layer->id * 2 + dir];
  Cell cell = {.layer = layer, .place = p};
  const View *x = view_of(l, layer->in[0]);
  const Type *in = &layer->in[0]->type;
  KirReg *row = kb_reg(&l->kb, "row", kir_type(KIR_INDEX, 1));
  HoistBlock b = *block;
  b.reads_block = x->clock != NULL;
  l->block_row = row;
  Mat mat[2];
  int n = cell_mats(l, &cell, dir, input_part(x, row, in->dim[in->rank - 1].n),
                    (MatPart){0}, mat);
  for (int i = 0; i < n; i++) {
    mat[i].n_parts = 1;
    mat[i].split = mat_split(l, &mat[i]); /* of all sums of a unit, also those without x */
    mat[i].n_acc = mat[i].part[0].n_gates;
    hoist_emit(l, &b, &mat[i], row, &p->hoisted[i]);
  }
}

void recurrent_step(Lower *l, const Layer *layer, int dir, KirReg *t) {
  if (int_computes(l, layer)) {
    int_cell_step(l, layer, dir, t);
    return;
  }
  Kb *kb = &l->kb;
  CellPlace *p = &l->cell[layer->id * 2 + dir];
  Cell cell = {.layer = layer, .place = p};
  int64_t units = units_of(layer);
  cell.h = at_batch(l, p->h, p->h_at);
  if (p->c) cell.c = at_batch(l, p->c, p->c_at);
  const View *x = view_of(l, layer->in[0]);
  const Type *in = &layer->in[0]->type;
  int64_t d = in->dim[in->rank - 1].n;
  emit_cell(l, &cell, dir, input_part(x, t, d), state_part(p->h, cell.h, units), t);
  batch_open(l);
  KirIndex next = at_batch(l, p->next, p->next_at);
  if (p->next != p->h) kb_copy(kb, p->h, cell.h, p->next, next, units);
  const View *y = view_of(l, layer->out[0]);
  if (y->buffer == p->h) { /* the state itself is the result */
    batch_close(l);
    return;
  }
  View half = *y,
       from = {.buffer = p->next, .at = next, .rank = 1, .dim = {units}, .stride = {1}};
  half.dim[0] = units;
  half.at = kir_at_offset(half.at, dir * units * half.stride[0]);
  copy_row(l, &half, t, &from, NULL);
  batch_close(l);
}

/* Fields that are not a view of the state: both directions, padded. */
void recurrent_fields(Lower *l, const Layer *layer) {
  if (int_computes(l, layer)) {
    int_cell_fields(l, layer);
    return;
  }
  int64_t units = units_of(layer);
  for (int k = 1; k < LAYER_MAX_RESULTS && layer->out[k]; k++) {
    const Value *v = layer->out[k];
    const View *view = view_of(l, v);
    for (int dir = 0; dir < layer_directions(layer); dir++) {
      const CellPlace *p = &l->cell[layer->id * 2 + dir];
      KirBuffer *from = k == 2 ? p->c : p->h;
      if (view->buffer == from || v->n_uses == 0) continue;
      View half = *view, state = {.buffer = from,
                                  .at = at_batch(l, from, p->h_at),
                                  .rank = 1,
                                  .dim = {units},
                                  .stride = {1}};
      half.dim[0] = units;
      half.at = kir_at_offset(half.at, dir * units * half.stride[0]);
      copy_row(l, &half, NULL, &state, NULL);
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
    batch_open(l);
    recurrent_before(l, layer, dir);
    batch_close(l);
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
  batch_open(l);
  recurrent_fields(l, layer);
  batch_close(l);
}

static bool is_private(const Layer *layer) {
  return !layer_word_is(layer, OPT_direction, "forward");
}

static void before_steps(Lower *l, const Layer *layer) {
  recurrent_before(l, layer, 0);
}

static void step(Lower *l, const Layer *layer, KirReg *t) {
  recurrent_step(l, layer, 0, t);
}

const Lowering recurrent_lowering = {.step = step,
                                     .before = before_steps,
                                     .after = recurrent_fields,
                                     .alone = alone,
                                     .is_private = is_private,
                                     .takes_samples = true,
                                     .has_kernel = true,
                                     .formula = formula};
