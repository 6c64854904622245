/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Products ahead of the steps. In: jobs and needs from the schedule. After: the recurrent layers
 * that hoist have W x of a block of steps computed together (tile.c), so that a step reads only U;
 * a Dense or Conv1D that hoists is nothing but such products, by rows; their time loop runs over
 * blocks.
 *
 *     for block in 0..n by 6
 *       rows = min(6, n - block)
 *       sums[0..rows] = b + W x[block..block + rows]        rows x columns tiles
 *       for u in 0..rows
 *         t = block + u    sums[u] + U h, gates, new state, and the other layers of the loop
 *
 * A layer that reads, in the same loop, what the steps of another make needs all of a block before
 * it can begin: it runs in the next pass over the block, and what passes between passes has a row
 * for each step of a block. The sums are those of single steps bit for bit: b + W x comes first in
 * both (matvec.c). */
#include "lower/cell_shape.h"
#include "lower/mat.h"

enum { LEAST_INPUT = 16, LEAST_STEPS = 4 };

/* Whether a layer of `d` steps could be computed by blocks of them at all. */
static bool may_hoist(const Lower *l, const Layer *layer, Domain d) {
  if (l->job[layer->id].is_dead || l->is_tiled || l->model->quant || l->target->is_mcu)
    return false;
  if (layer_is_sparse(l, layer)) return false; /* each step already leaves out the zeros of W */
  if (layer_multiplies_pairs(l, layer)) return false; /* operands are rounded step by step */
  if (l->model->n_loops) return false;                /* the layers of a loop run in one pass */
  if (layer->in[0]->type.rank != 1) return false; /* its rows are the positions it is mapped over */
  return d.kind != TIME_NONE && d.lag == 0 && d.n >= LEAST_STEPS;
}

/* Whether it is faster to read W once for several steps. The sums then go through memory once more,
 * which is slower if there are few inputs. Only whole sums can be hoisted, not partial ones. */
static bool hoist_pays(const Lower *l, const Layer *layer) {
  const Type *in = &layer->in[0]->type;
  return (layer_info(layer->kind)->flags & RECURRENT) && may_hoist(l, layer, domain_of(l, in)) &&
         type_last_dim(in) >= LEAST_INPUT && cell_shape(l, layer)->split == 1;
}

static bool is_even(Domain d, int64_t size) {
  return d.kind != TIME_BOUNDED && d.n % size == 0;
}

/* Whether the layer is nothing but products, so that its steps can be the rows of a Mat. */
static bool may_be_rows(const Lower *l, const Layer *layer) {
  const Job *job = &l->job[layer->id];
  if (layer->kind != LAYER_Dense && layer->kind != LAYER_Conv1D) return false;
  if (job->is_private || layer_size(layer, OPT_groups, 1) > 1) return false;
  return may_hoist(l, layer, job->domain) && layer->out[0]->type.rank == 1 &&
         domain_equal(job->domain, domain_of(l, &layer->in[0]->type));
}

static bool has_rows(const Lower *l, Domain d) {
  for (int i = 0; i < l->model->n_layers; i++)
    if (may_be_rows(l, l->model->layer[i]) && domain_equal(l->job[i].domain, d)) return true;
  return false;
}

/* Whether such a layer reads each weight once for several steps. All blocks have the same number of
 * rows. */
static bool rows_pay(const Lower *l, const Layer *layer) {
  Domain d = l->job[layer->id].domain;
  return may_be_rows(l, layer) && is_even(d, hoist_block(l, d));
}

/* Steps of a block: two row tiles of four columns, so that a panel of W is read from the second
 * cache once for both, but at least 8; a sequence of fixed length in even blocks where it has such
 * a divisor. Measured at 256 inputs and units: 12 steps 0.95 of the time of 6, 20 no better
 * than 12. Layers by rows need even blocks, of two steps and more
 * (docs/performance.md). A recurrent layer alone is slower in blocks of two or three. */
int64_t hoist_block(const Lower *l, Domain d) {
  enum { KEPT_REGISTERS = 6, COLUMNS = 4, TILES = 2, FEWEST_ROWS = 8 };
  int64_t rows = TILES * ((l->target->registers - KEPT_REGISTERS) / COLUMNS);
  if (rows < FEWEST_ROWS) rows = FEWEST_ROWS;
  int64_t least = rows * 2 / 3;
  for (int64_t n = rows; n >= least && d.kind != TIME_BOUNDED; n--)
    if (d.n % n == 0) return n;
  if (d.kind == TIME_BOUNDED) return rows;
  if (d.n < rows) return d.n;
  for (int64_t n = least - 1; n > 1 && has_rows(l, d); n--)
    if (d.n % n == 0) return n;
  return rows;
}

/* Rows of a tile: as many as its registers hold, in even tiles of the block where they can be. */
static int tile_rows(int64_t block, int most) {
  for (int n = most; 2 * n > most; n--)
    if (block % n == 0) return n;
  return most > block ? (int)block : most;
}

/* The value at the end of a chain of views. */
static const Value *root_of(const Lower *l, const Value *v) {
  while (v->layer && l->job[v->layer->id].is_alias)
    v = v->layer->in[0];
  return v;
}

static bool in_loop(const Lower *l, const Value *v, const Job *of) {
  if (!v->layer || v->field) return false;
  const Job *job = &l->job[v->layer->id];
  return !job->is_private && !job->is_dead && job->in_reset == of->in_reset &&
         job->level == of->level && domain_equal(job->domain, of->domain);
}

/* The pass over a block in which a layer runs: after what it reads of the same loop. */
static void find_pass(Lower *l, const Layer *layer) {
  Job *job = &l->job[layer->id];
  for (int i = 0; i < layer->n_in && !job->is_private; i++) {
    const Value *from = root_of(l, layer->in[i]);
    if (!in_loop(l, from, job)) continue;
    int pass = l->job[from->layer->id].pass + job->hoists;
    if (pass > job->pass) job->pass = pass;
  }
}

/* Notes which values a later pass reads. `last` reads its row after all passes, so it does not
 * count. */
static void keep_between(Lower *l, const Layer *layer) {
  const Job *job = &l->job[layer->id];
  for (int i = 0; i < layer->n_in && !job->is_private && !job->is_alias; i++) {
    const Value *from = root_of(l, layer->in[i]);
    if (in_loop(l, from, job) && l->job[from->layer->id].pass != job->pass)
      l->place[from->id].in_block = true;
  }
}

static void keep_ended(Lower *l, const Layer *layer) {
  if (!lowering_of(layer)->ends_time || layer->kind != LAYER_last ||
      layer->along[0].axis != AXIS_TIME)
    return;
  ValuePlace *p = &l->place[root_of(l, layer->in[0])->id];
  if (p->in_block) p->need.rows = true;
}

void hoist_choose(Lower *l) {
  const Model *model = l->model;
  for (int i = 0; i < model->n_layers; i++) {
    l->job[i].by_rows = rows_pay(l, model->layer[i]);
    l->job[i].hoists = l->job[i].by_rows || hoist_pays(l, model->layer[i]);
    find_pass(l, model->layer[i]);
  }
  for (int i = 0; i < model->n_layers; i++) {
    keep_between(l, model->layer[i]);
    if (l->job[i].by_rows) l->place[fused_result(l, model->layer[i])->id].in_block = true;
  }
  for (int i = 0; i < model->n_layers; i++)
    keep_ended(l, model->layer[i]);
  for (int i = 0; i < model->n_values; i++)
    if (l->place[i].need.rows) l->place[i].in_block = false;
}

/* ---- the block ---- */

/* steps min(block, left) as a register. */
static KirReg *rows_of(Emit *e, Domain d, int64_t size, KirReg *block) {
  Kb *kb = &e->kb;
  KirExpr *left = kb_op2(kb, KIR_SUB, domain_count(e, d), kb_use(kb, block));
  KirReg *rows = kb_let(kb, "rows", kb_op2(kb, KIR_MIN, left, kb_int(kb, KIR_INDEX, size, 1)));
  rows->lo = 1;
  rows->hi = size;
  return rows;
}

HoistBlock hoist_open(Emit *e, Domain d, bool backward) {
  Kb *kb = &e->kb;
  HoistBlock b = {.size = hoist_block(e->l, d), .domain = d};
  KirExpr *zero = kb_int(kb, KIR_INDEX, 0, 1);
  KirReg *done = kb_for_expr(kb, "block", zero, domain_count(e, d), b.size);
  if (!is_even(d, b.size)) b.rows = rows_of(e, d, b.size, done);
  b.first = done;
  if (!backward) return b;
  KirExpr *rows = b.rows ? kb_use(kb, b.rows) : kb_int(kb, KIR_INDEX, b.size, 1);
  KirExpr *left = kb_op2(kb, KIR_SUB, domain_count(e, d), kb_use(kb, done));
  b.first = kb_let(kb, "first", kb_op2(kb, KIR_SUB, left, rows));
  b.first->lo = 0;
  b.first->hi = d.n - (b.rows ? 1 : b.size);
  return b;
}

Step hoist_steps(Emit *e, const HoistBlock *b, bool backward) {
  Kb *kb = &e->kb;
  KirExpr *rows = b->rows ? kb_use(kb, b->rows) : kb_int(kb, KIR_INDEX, b->size, 1);
  KirExpr *zero = kb_int(kb, KIR_INDEX, 0, 1);
  KirExpr *top = backward ? kb_op2(kb, KIR_SUB, rows, kb_int(kb, KIR_INDEX, 1, 1)) : NULL;
  KirReg *u = backward ? kb_for_expr(kb, "u", top, zero, -1) : kb_for_expr(kb, "u", zero, rows, 1);
  KirReg *t = kb_let(kb, "t", kb_op2(kb, KIR_ADD, kb_use(kb, b->first), kb_use(kb, u)));
  t->lo = 0;
  t->hi = b->domain.n - 1;
  return (Step){.t = t, .in_block = u};
}

Step hoist_rows(Emit *e, const HoistBlock *b) {
  KirReg *row = kb_reg(&e->kb, "row", kir_type(KIR_INDEX, 1));
  row->lo = 0;
  row->hi = b->size - 1;
  return (Step){.t = b->first, .in_block = row, .rows = b->size};
}

/* ---- the products ---- */

/* Tiles of n rows of one run of columns, from row `from` of the block while they fit. */
static void block_rows_emit(Emit *e, const HoistBlock *b, const Mat *mat, const MatTile *tile,
                            KirReg *j, const Hoisted *to, const MatRows *base, KirReg *from,
                            int n) {
  Kb *kb = &e->kb;
  MatRows rows = *base;
  if (!b->reads_block) {
    rows.base = kb_let(kb, "t", kb_op2(kb, KIR_ADD, kb_use(kb, b->first), kb_use(kb, from)));
    rows.base->lo = 0;
    rows.base->hi = b->domain.n - n;
  } else
    rows.base = from;
  int64_t of_tile = (int64_t)tile->vectors * mat->n_acc * mat->lanes;
  rows.at = kir_at_plus(kir_at(tile->first * mat->n_acc * mat->lanes), of_tile, j);
  rows.at = kir_at_plus(rows.at, to->row, from);
  rows.stride = to->row;
  rows.sums = to->sums;
  tile_emit(e, mat, tile, j, NULL, &rows, n);
}

/* Whole tiles, then the remaining rows one by one. */
static void columns_emit(Emit *e, const HoistBlock *b, const Mat *mat, const MatTile *tile,
                         const Hoisted *to, const MatRows *base, int n) {
  Kb *kb = &e->kb;
  KirReg *j = tile->count > 1 ? kb_for(kb, "j", 0, tile->count, 1) : NULL;
  KirExpr *zero = kb_int(kb, KIR_INDEX, 0, 1);
  if (!b->rows && b->size % n == 0) {
    KirReg *from = kb_for(kb, "row", 0, b->size, n);
    block_rows_emit(e, b, mat, tile, j, to, base, from, n);
    kb_end(kb);
  } else {
    KirExpr *rows = b->rows ? kb_use(kb, b->rows) : kb_int(kb, KIR_INDEX, b->size, 1);
    KirExpr *tiles = kb_op2(kb, KIR_DIV, rows, kb_int(kb, KIR_INDEX, n, 1));
    KirReg *whole = kb_let(kb, "whole", kb_op2(kb, KIR_MUL, tiles, kb_int(kb, KIR_INDEX, n, 1)));
    KirReg *from = kb_for_expr(kb, "row", zero, kb_use(kb, whole), n);
    from->hi = b->size - n;
    block_rows_emit(e, b, mat, tile, j, to, base, from, n);
    kb_end(kb);
    rows = b->rows ? kb_use(kb, b->rows) : kb_int(kb, KIR_INDEX, b->size, 1);
    from = kb_for_expr(kb, "row", kb_use(kb, whole), rows, 1);
    from->lo = 0;
    from->hi = b->size - 1;
    block_rows_emit(e, b, mat, tile, j, to, base, from, 1);
    kb_end(kb);
  }
  if (j) kb_end(kb);
}

void hoist_emit(Emit *e, const HoistBlock *b, Mat *mat, KirReg *row, Hoisted *to) {
  Lower *l = e->l;
  MatTile tile[2];
  int most = tile_shape(l, mat), n_tiles = mat_tiles(l, mat, tile);
  int n = tile_rows(b->size, most);
  mat->groups = 1;
  mat_pack(l, mat);
  to->n_acc = mat->n_acc;
  to->row = mat_vectors(mat) * mat->n_acc * mat->lanes;
  to->sums = new_scratch(e, mat->layer, arena_printf(l->arena, "Wx%s", mat->suffix), KIR_F32,
                         to->row * b->size);
  MatRows base = {.row = row};
  for (int i = 0; i < n_tiles; i++)
    columns_emit(e, b, mat, &tile[i], to, &base, n);
}
