/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The one matrix kernel: acc[a][unit] = bias + sum over parts, k of w[unit][k] * x[k], for up to
 * four accumulators a unit (the gates), followed by a callback that works on the sums where they
 * are.
 *
 * Units are dealt out in tiles of `vectors` vectors of `lanes` units; all gates of a tile are
 * summed at the same time, and weights are packed in the order in which that reads them: tile, k,
 * gate, lane. Units are padded to whole vectors with zero weights. When a tile has fewer sums in
 * flight than the target wants, k is split into partial sums, added pairwise at the end. Long sums
 * are taken in blocks of MAT_BLOCK terms, each added to the total when it is complete, so that
 * rounding errors grow with the root of the block and not of the whole. Weights that arrive at run
 * time stay in the order of weights.h: gate, unit, k. */
#include "lower/int_layers.h"
#include "lower/mat.h"

#include <assert.h>

KirExpr *muladd(Emit *e, KirExpr *a, KirExpr *b, KirExpr *c) {
  return kb_op3(&e->kb, e->l->target->has_fma ? KIR_FMA : KIR_MAD, a, b, c);
}

/* ---- one tile ---- */

typedef struct TileRun {
  Mat *mat;
  const MatTile *tile;
  KirReg *j;     /* number of the tile, NULL: one */
  KirReg *group; /* NULL: one */
  KirReg *block; /* first k of the block being summed, NULL: no blocks */
  int split;
  KirReg *acc[MAT_MAX_SPLIT][MAT_MAX_VECTORS][MAT_MAX_ACC];
} TileRun;

/* Where gate `gate` of vector v of the tile has its weight for input k = 0. */
KirIndex mat_weight_at(const Mat *mat, const MatPart *p, const MatTile *tile, KirReg *j,
                       KirReg *group, int gate, int v) {
  int64_t depth = mat_part_depth(p), wide = (int64_t)tile->vectors * mat->lanes;
  int64_t of_tile = wide * p->n_gates * depth,
          of_group = mat_vectors(mat) * mat->lanes * p->n_gates * depth;
  KirIndex at =
      kir_at(tile->first * mat->lanes * p->n_gates * depth + gate * wide + v * mat->lanes);
  at = kir_at_plus(at, of_tile, j);
  return kir_at_plus(at, of_group, group);
}

int64_t mat_weight_stride(const Mat *mat, const MatPart *p, const MatTile *tile) {
  return (int64_t)tile->vectors * mat->lanes * p->n_gates;
}

KirIndex mat_bias_at(const Mat *mat, const MatTile *tile, KirReg *j, KirReg *group, int v, int a) {
  int64_t of_vector = (int64_t)mat->n_acc * mat->lanes;
  KirIndex at = kir_at((tile->first + v) * of_vector + a * mat->lanes);
  at = kir_at_plus(at, tile->vectors * of_vector, j);
  return kir_at_plus(at, mat_vectors(mat) * of_vector, group);
}

MatUnits mat_units(const Mat *mat, const MatTile *tile, KirReg *j, KirReg *group, int v) {
  int64_t first = (tile->first + v) * mat->lanes, all = mat_vectors(mat);
  MatUnits units = {.lanes = mat->lanes, .valid = mat->lanes};
  bool last_tile = tile->first + tile->count * tile->vectors == all;
  if (last_tile && v == tile->vectors - 1 && !mat->whole)
    units.valid = (int)(mat->units - (all - 1) * mat->lanes);
  units.unit = kir_at_plus(kir_at(first), (int64_t)tile->vectors * mat->lanes, j);
  units.unit = kir_at_plus(units.unit, mat->units, group);
  return units;
}

static KirIndex hoisted_at(const TileRun *r, int v, int a) {
  const Mat *mat = r->mat;
  int64_t of_vector = (int64_t)mat->start->n_acc * mat->lanes;
  KirIndex at = kir_at((r->tile->first + v) * of_vector + a * mat->lanes);
  at = kir_at_plus(at, r->tile->vectors * of_vector, r->j);
  return kir_at_plus(at, mat->start->row, mat->start_step);
}

KirExpr *mat_zero(Emit *e, const Mat *mat) {
  return mat->is_integer ? kb_int(&e->kb, KIR_I32, 0, mat->lanes) : kb_num(&e->kb, 0, mat->lanes);
}

KirReg *mat_new_sum(Emit *e, const Mat *mat, int a, KirExpr *start) {
  KirReg *sum = kb_var(&e->kb, mat->acc_name[a], start);
  if (mat->is_integer) {
    sum->lo = INT32_MIN;
    sum->hi = INT32_MAX;
  }
  return sum;
}

static void start_sums(Emit *e, TileRun *r) {
  Kb *kb = &e->kb;
  Mat *mat = r->mat;
  int lanes = mat->lanes;
  for (int v = 0; v < r->tile->vectors; v++)
    for (int a = 0; a < mat->n_acc; a++)
      for (int s = 0; s < r->split; s++) {
        KirExpr *start = mat_zero(e, mat);
        if (s == 0 && mat->start && a < mat->start->n_acc)
          start = kb_load(kb, mat->start->sums, hoisted_at(r, v, a), lanes);
        else if (s == 0 && mat->has_bias[a])
          start =
              kb_load(kb, mat->packed_bias, mat_bias_at(mat, r->tile, r->j, r->group, v, a), lanes);
        if (s == 0 && mat->guard)
          start = kb_op2(kb, KIR_ADD, start, kb_splat(kb, kb_use(kb, mat->guard), lanes));
        r->acc[s][v][a] = mat_new_sum(e, mat, a, start);
      }
}

/* Where input k = at of a part is. */
static KirIndex input_at(const TileRun *r, const MatPart *p, KirReg *const *tap, KirReg *k,
                         int64_t k_offset) {
  KirIndex at = kir_at_plus(kir_at_offset(p->at, k_offset * p->k_stride), p->k_stride, k);
  at = kir_at_plus(at, p->k_stride, r->block);
  return kir_at_plus(mat_input_tap(at, p, tap), p->group_stride, r->group);
}

/* acc += w[k + s] * x[k + s] for every gate and vector; tap, k: loop variables or NULL. Weights are
 * loaded in the order they lie in: beyond the first cache, 512 KB of an LSTM in 0.7 of the time of
 * another order. */
static void add_product(Emit *e, TileRun *r, const MatPart *p, KirReg *const *tap, KirReg *k,
                        int64_t k_offset, int s) {
  Kb *kb = &e->kb;
  int lanes = r->mat->lanes;
  KirIndex at = input_at(r, p, tap, k, k_offset);
  bool by_scalar = e->l->target->scalar_factor;
  KirReg *x = kb_let(kb, "x", kb_splat(kb, kb_load(kb, p->x, at, 1), by_scalar ? 1 : lanes));
  int64_t stride = mat_weight_stride(r->mat, p, r->tile);
  for (int i = 0; i < r->tile->vectors * p->n_gates; i++) {
    int gate = i / r->tile->vectors, v = i % r->tile->vectors;
    KirIndex w = mat_weight_at(r->mat, p, r->tile, r->j, r->group, gate, v);
    w = kir_at_plus(kir_at_plus(kir_at_offset(w, stride * k_offset), stride, k), stride, r->block);
    w = mat_weight_tap(w, stride, p, tap);
    KirReg *acc = r->acc[s][v][p->acc[gate]];
    kb_set(kb, acc,
           mat_product(e, r->mat, p, kb_load(kb, p->packed, w, lanes),
                       kb_splat(kb, kb_use(kb, x), lanes), kb_use(kb, acc)));
  }
}

/* How many weights of one input one instruction loads; 0: one. */
static int many_weights(const Lower *l, const TileRun *r, const MatPart *p) {
  int of_input = r->tile->vectors * p->n_gates;
  bool can = l->target->load_many >= of_input && r->mat->lanes == 1 && p->k_stride == 1 &&
             p->packed->elem == KIR_F32 && p->x->elem == KIR_F32;
  return can ? of_input : 0;
}

/* acc += w x for every gate and vector of a tile; weight: [gate][vector]. */
static void add_fused(Emit *e, TileRun *r, const MatPart *p, int s, KirReg *const *weight,
                      KirReg *x) {
  Kb *kb = &e->kb;
  for (int v = 0; v < r->tile->vectors; v++)
    for (int gate = 0; gate < p->n_gates; gate++) {
      KirReg *w = weight[gate * r->tile->vectors + v], *acc = r->acc[s][v][p->acc[gate]];
      kb_set(kb, acc, kb_op3(kb, KIR_FMA, kb_use(kb, w), kb_use(kb, x), kb_use(kb, acc)));
    }
}

/* The same rounding twice: all products, then all sums, so that no sum waits for its product. */
static void add_rounded(Emit *e, TileRun *r, const MatPart *p, int s, KirReg *const *weight,
                        KirReg *x) {
  Kb *kb = &e->kb;
  KirReg *product[KIR_MAX_LOADS];
  int n = r->tile->vectors * p->n_gates;
  for (int i = 0; i < n; i++)
    product[i] = kb_let(kb, "p", kb_op2(kb, KIR_MUL, kb_use(kb, weight[i]), kb_use(kb, x)));
  for (int i = 0; i < n; i++) {
    KirReg *acc = r->acc[s][i % r->tile->vectors][p->acc[i / r->tile->vectors]];
    kb_set(kb, acc, kb_op2(kb, KIR_ADD, kb_use(kb, product[i]), kb_use(kb, acc)));
  }
}

enum { MANY_INPUTS = 4, HOME_OF_INPUTS = 12, HOME_OF_WEIGHTS = 16 };

/* MANY_INPUTS inputs from k + offset on: they are loaded together, and their weights as many at
 * once as there is room for in registers. Of 32 registers inputs take 4, weights 16, sums 8, and 4
 * are left. */
static void add_many(Emit *e, TileRun *r, const MatPart *p, KirReg *const *tap, KirReg *k,
                     int64_t k_offset) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  KirReg *x[MANY_INPUTS], *w[KIR_MAX_LOADS];
  int of_input = many_weights(l, r, p), at_once = l->target->load_many / of_input;
  int64_t stride = mat_weight_stride(r->mat, p, r->tile);
  if (at_once > MANY_INPUTS) at_once = MANY_INPUTS;
  if (at_once == 3) at_once = 2;
  kb_loads(kb, x, MANY_INPUTS, HOME_OF_INPUTS, "x", p->x, input_at(r, p, tap, k, k_offset));
  for (int i = 0; i < MANY_INPUTS; i++) {
    if (i % at_once == 0) {
      KirIndex at = mat_weight_at(r->mat, p, r->tile, r->j, r->group, 0, 0);
      at = kir_at_plus(kir_at_offset(at, stride * (k_offset + i)), stride, k);
      at = mat_weight_tap(kir_at_plus(at, stride, r->block), stride, p, tap);
      kb_loads(kb, w, at_once * of_input, HOME_OF_WEIGHTS, "w", p->packed, at);
    }
    KirReg *const *weight = w + i % at_once * of_input;
    if (l->target->has_fma)
      add_fused(e, r, p, i % r->split, weight, x[i]);
    else
      add_rounded(e, r, p, i % r->split, weight, x[i]);
  }
}

/* k from first to first + n - 1 into the sums. */
static void add_range(Emit *e, void *sums, const MatPart *p, KirReg *const *tap, int64_t first,
                      int64_t n) {
  Lower *l = e->l;
  TileRun *r = sums;
  Kb *kb = &e->kb;
  if (n >= MANY_INPUTS && many_weights(l, r, p)) {
    int64_t many = n / MANY_INPUTS * MANY_INPUTS;
    KirReg *k = many > MANY_INPUTS ? kb_for(kb, "k", first, first + many, MANY_INPUTS) : NULL;
    add_many(e, r, p, tap, k, k ? 0 : first);
    if (k) kb_end(kb);
    for (int64_t i = many; i < n; i++)
      add_product(e, r, p, tap, NULL, first + i, (int)(i % r->split));
    return;
  }
  int step =
      l->target->unroll > r->split && n >= 4 * l->target->unroll ? l->target->unroll : r->split;
  int64_t whole = n / step * step;
  if (whole > step) {
    KirReg *k = kb_for(kb, "k", first, first + whole, step);
    for (int s = 0; s < step; s++)
      add_product(e, r, p, tap, k, s, s % r->split);
    kb_end(kb);
  } else
    whole = 0;
  for (int64_t k = whole; k < n; k++) /* at most 2 step - 1 */
    add_product(e, r, p, tap, NULL, first + k, (int)(k % r->split));
}

/* Sums of a block of their own, from zero. */
static void *open_block(Emit *e, const void *sums, const MatPart *p, KirReg *block) {
  const TileRun *r = sums;
  TileRun *part = ARENA_NEW(e->l->arena, TileRun);
  *part = *r;
  part->block = block;
  for (int v = 0; v < r->tile->vectors; v++)
    for (int gate = 0; gate < p->n_gates; gate++)
      for (int s = 0; s < r->split; s++)
        part->acc[s][v][p->acc[gate]] = mat_new_sum(e, r->mat, p->acc[gate], mat_zero(e, r->mat));
  return part;
}

/* They are added to the others. */
static void close_block(Emit *e, void *sums, const void *part, const MatPart *p) {
  TileRun *r = sums;
  const TileRun *of = part;
  Kb *kb = &e->kb;
  for (int v = 0; v < r->tile->vectors; v++)
    for (int gate = 0; gate < p->n_gates; gate++)
      for (int s = 0; s < r->split; s++) {
        KirReg *total = r->acc[s][v][p->acc[gate]];
        kb_set(kb, total,
               kb_op2(kb, KIR_ADD, kb_use(kb, total), kb_use(kb, of->acc[s][v][p->acc[gate]])));
      }
}

/* One input of a sparse part into the sums of one gate. */
static void add_term(Emit *e, void *sums, const MatPart *p, const MatTerm *term) {
  TileRun *r = sums;
  Kb *kb = &e->kb;
  int lanes = r->mat->lanes;
  KirExpr *x = kb_load(kb, p->x, input_at(r, p, (KirReg *const[2]){0}, term->k, term->offset), 1);
  KirReg *factor = kb_let(kb, "x", kb_splat(kb, x, e->l->target->scalar_factor ? 1 : lanes));
  for (int v = 0; v < r->tile->vectors; v++) {
    KirReg *acc = r->acc[term->s][v][p->acc[term->gate]];
    KirExpr *w = kb_load(kb, p->packed, kir_at_offset(term->w, (int64_t)v * lanes), lanes);
    kb_set(kb, acc, muladd(e, w, kb_splat(kb, kb_use(kb, factor), lanes), kb_use(kb, acc)));
  }
}

static const MatAdder adder = {open_block, close_block, add_range, add_term};

/* Adds partial sums pairwise, into the first. */
static void join_sums(Emit *e, TileRun *r) {
  Kb *kb = &e->kb;
  for (int step = 1; step < r->split; step *= 2)
    for (int s = 0; s + step < r->split; s += 2 * step)
      for (int v = 0; v < r->tile->vectors; v++)
        for (int a = 0; a < r->mat->n_acc; a++)
          kb_set(
              kb, r->acc[s][v][a],
              kb_op2(kb, KIR_ADD, kb_use(kb, r->acc[s][v][a]), kb_use(kb, r->acc[s + step][v][a])));
}

static void emit_tile(Emit *e, TileRun *r) {
  Mat *mat = r->mat;
  r->split = mat_split(e->l, mat);
  start_sums(e, r);
  for (int i = 0; i < mat->n_parts; i++)
    mat_add_part(e, mat, &mat->part[i], r->tile, r->j, &adder, r);
  join_sums(e, r);
  for (int v = 0; v < r->tile->vectors; v++) {
    MatUnits units = mat_units(mat, r->tile, r->j, r->group, v);
    mat->finish(e, mat->context, &units, r->acc[0][v]);
  }
}

/* j in even turns, count - 1 - j in odd ones: what was read last is read first, while the cache has
 * it still. */
static KirReg *turned(Emit *e, KirReg *j, int64_t count, KirReg *turn) {
  Kb *kb = &e->kb;
  KirExpr *half = kb_op2(kb, KIR_DIV, kb_use(kb, turn), kb_int(kb, KIR_INDEX, 2, 1));
  KirExpr *even = kb_op2(kb, KIR_MUL, half, kb_int(kb, KIR_INDEX, 2, 1));
  KirReg *odd = kb_let(kb, "odd", kb_op2(kb, KIR_SUB, kb_use(kb, turn), even));
  odd->lo = 0;
  odd->hi = 1;
  KirExpr *there = kb_op2(kb, KIR_SUB, kb_int(kb, KIR_INDEX, count - 1, 1),
                          kb_op2(kb, KIR_MUL, kb_int(kb, KIR_INDEX, 2, 1), kb_use(kb, j)));
  KirExpr *at = kb_op2(kb, KIR_ADD, kb_use(kb, j), kb_op2(kb, KIR_MUL, kb_use(kb, odd), there));
  KirReg *to = kb_let(kb, "tile", at);
  to->lo = 0;
  to->hi = count - 1;
  return to;
}

void mat_emit(Emit *e, Mat *mat) {
  Lower *l = e->l;
  if (mat->groups < 1) mat->groups = 1;
  if (batch_takes(e, mat->layer)) {
    mat->row = e->sample;
    mat->n_rows = l->m->batch;
  }
  if (int_is_w8(l, mat->layer)) {
    int_w8_emit(e, mat);
    return;
  }
  if (int_computes(l, mat->layer)) {
    int_matrix_emit(e, mat);
    return;
  }
  if (amx_takes(e, mat)) {
    amx_emit(e, mat);
    return;
  }
  mat_pair(e, mat);
  if (mat->row) {
    rows_emit(e, mat);
    return;
  }
  mat_emit_row(e, mat);
}

void mat_emit_row(Emit *e, Mat *mat) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  MatTile tile[2];
  /* A loop over tiles whose last vector is partly padding would have to store two ways: the last
   * tile then stands alone. */
  if (!mat->is_integer) mat_pack(l, mat);
  mat->guard = sparse_guard(e, mat);
  int n_tiles = mat_tiles(l, mat, tile);
  KirReg *group = mat->groups > 1 ? kb_for(kb, "g", 0, mat->groups, 1) : NULL;
  for (int i = 0; i < n_tiles; i++) {
    MatTile whole = tile[i], rest = {0};
    bool ragged = !mat->whole && mat->units % mat->lanes != 0 &&
                  whole.first + whole.count * whole.vectors == mat_vectors(mat);
    if (ragged && whole.count > 1) {
      whole.count--;
      rest = (MatTile){whole.vectors, whole.first + whole.count * whole.vectors, 1};
    }
    TileRun r = {.mat = mat, .tile = &whole, .group = group};
    if (whole.count > 1) r.j = kb_for(kb, "j", 0, whole.count, 1);
    if (whole.count > 1 && mat->turn) r.j = turned(e, r.j, whole.count, mat->turn);
    emit_tile(e, &r);
    if (whole.count > 1) kb_end(kb);
    if (rest.count) {
      TileRun last = {.mat = mat, .tile = &rest, .group = group};
      emit_tile(e, &last);
    }
  }
  if (group) kb_end(kb);
}

KirIndex mat_unit_at(KirIndex row, int64_t stride, const MatUnits *u) {
  row.offset += u->unit.offset * stride;
  for (int i = 0; i < u->unit.n_terms; i++)
    row = kir_at_plus(row, u->unit.term[i].stride * stride, u->unit.term[i].var);
  return row;
}

void mat_store(Emit *e, KirBuffer *b, KirIndex row, int64_t stride, const MatUnits *u,
               KirReg *value) {
  Kb *kb = &e->kb;
  KirIndex at = mat_unit_at(row, stride, u);
  if (stride == 1 && u->valid == u->lanes) {
    kb_store(kb, b, at, kb_use(kb, value));
    return;
  }
  for (int i = 0; i < u->valid; i++)
    kb_store(kb, b, kir_at_offset(at, i * stride), kb_lane(kb, kb_use(kb, value), i));
}
