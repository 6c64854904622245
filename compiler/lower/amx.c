/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The matrix kernel by tiles of the processor (KIR_TILES), for the samples of a batch side by side.
 * In: a Mat of pairs of bf16, or the bytes of a layer in integers. After: for each vector of units
 * the sums of all rows, then what is done with them, row by row.
 *
 * Operands lie in rows of whole tiles, with zeros beyond their end, and so many rows that they fill
 * tiles, too. Weights are packed as tiles read them:
 *
 *     W[vector][gate][word][unit of 16]      x[row][word]      sums[row][vector][accumulator][unit]
 *
 * The order in which pairs of bf16 are added up is that of the instruction, so their sums have
 * other bits than those of a single sample (docs/numerics.md). Sums of bytes are exact. */
#include "lower/mat.h"

enum { LEAST_ROWS = KIR_TILE };

int64_t amx_whole(int64_t n) {
  return size_whole(n, KIR_TILE);
}

bool amx_has_rows(const Emit *e) {
  return e->l->target->has_tiles && e->is_tiled && e->l->m->batch >= LEAST_ROWS;
}

bool amx_takes(const Emit *e, const Mat *mat) {
  if (!amx_has_rows(e) || !layer_multiplies_pairs(e->l, mat->layer) || mat->row != e->sample)
    return false;
  bool fits = mat->lanes == KIR_TILE && mat->groups <= 1 && !mat->start;
  for (int i = 0; i < mat->n_parts; i++)
    fits = fits && mat->part[i].taps <= 1 && mat->part[i].taps2 <= 1 && !mat->part[i].sparse;
  return fits;
}

/* ---- sums of all rows ---- */

/* Columns i and, if there are two, i + 1 of all rows. */
static void columns_tiles(Emit *e, const AmxColumns *c, int i) {
  Kb *kb = &e->kb;
  KirTileOperands of = c->of;
  of.shape.columns = i + 1 < c->n ? KIR_MOST_TILES : 1;
  of.shape.sum_column = i + 1 < c->n ? c->at[i + 1] - c->at[i] : 0;
  of.weights_at = kir_at_offset(of.weights_at, i * of.shape.weights_column);
  for (int tiles = KIR_MOST_TILES, from = 0; tiles; tiles--) {
    int64_t height = (int64_t)tiles * KIR_TILE, turns = (c->rows - from) / height;
    if (turns < 1) continue;
    KirReg *row = turns > 1 ? kb_for(kb, "row", 0, turns * height, height) : NULL;
    KirTileOperands tile = of;
    int64_t sum_row = of.shape.sum_row, source_row = of.shape.source_row;
    tile.shape.rows = tiles;
    tile.sums_at = kir_at_plus(kir_at_offset(of.sums_at, c->at[i] + from * sum_row), sum_row, row);
    tile.source_at = kir_at_plus(kir_at_offset(of.source_at, from * source_row), source_row, row);
    kb_tiles(kb, &tile);
    if (row) kb_end(kb);
    from += (int)(turns * height);
  }
}

void amx_columns(Emit *e, const AmxColumns *c) {
  for (int i = 0; i < c->n; i += KIR_MOST_TILES)
    columns_tiles(e, c, i);
}

/* ---- pairs of bf16 ---- */

/* Rounds and pairs the operands of a part. */
static void pack_rows(Emit *e, const Mat *mat, MatPart *p) {
  Kb *kb = &e->kb;
  int64_t half = (p->d + 1) / 2, row = amx_whole(half), rows = amx_whole(mat->n_rows);
  const char *name = arena_printf(e->l->arena, "%s_pairs%s", p->name[0] == 'U' ? "h" : "x",
                                  mat->suffix ? mat->suffix : "");
  KirBuffer *to = new_scratch(e, mat->layer, name, KIR_I32, rows * row);
  kb_for_again(kb, mat->row, 0, mat->n_rows);
  KirIndex at = kir_at_plus(kir_at(0), row, mat->row);
  pairs_pack_row(e, p, to, at);
  if (row > half) kb_zero(kb, to, kir_at_offset(at, half), row - half);
  kb_end(kb);
  if (rows > mat->n_rows) kb_zero(kb, to, kir_at(mat->n_rows * row), (rows - mat->n_rows) * row);
  p->terms = p->d;
  p->d = half;
  p->x = to;
  p->at = kir_at(0);
  p->k_stride = 1;
}

static const int32_t *weights_of(Lower *l, const Mat *mat, const MatPart *p) {
  int64_t depth = amx_whole(p->d);
  int32_t *to = ARENA_ARRAY(l->arena, int32_t, mat_vectors(mat) * p->n_gates * depth * KIR_TILE),
          *at = to;
  for (int64_t v = 0; v < mat_vectors(mat); v++)
    for (int gate = 0; gate < p->n_gates; gate++)
      for (int64_t k = 0; k < depth; k++)
        for (int64_t u = v * KIR_TILE; u < (v + 1) * KIR_TILE; u++, at++)
          if (u < mat->units && k < p->d) *at = mat_weight_pair(p, gate, u, k);
  return to;
}

static void pack_weights(Lower *l, const Mat *mat, MatPart *p) {
  int64_t depth = amx_whole(p->d);
  mat_count_weights(l, mat, p);
  p->packed = new_constants(
      l, mat->layer, arena_printf(l->arena, "%s%s", p->name, mat->suffix), KIR_I32,
      p->w[0] ? weights_of(l, mat, p) : NULL, mat_vectors(mat) * p->n_gates * depth * KIR_TILE,
      arena_printf(l->arena, "%s: [unit %lld / %d][gate %d][pair %lld][unit of %d]",
                   mat->layer->path ? mat->layer->path : "weights", (long long)mat->units, KIR_TILE,
                   p->n_gates, (long long)depth, KIR_TILE));
}

/* The sums of all rows as they begin. */
static void start_sums(Emit *e, const Mat *mat, const MatTile *tile, KirReg *j, KirBuffer *sums) {
  Kb *kb = &e->kb;
  KirReg *row = kb_for(kb, "row", 0, amx_whole(mat->n_rows), 1);
  for (int v = 0; v < tile->vectors; v++)
    for (int a = 0; a < mat->n_acc; a++) {
      KirIndex at = kir_at(((int64_t)v * mat->n_acc + a) * mat->lanes);
      KirExpr *start = kb_num(kb, 0, mat->lanes);
      if (mat->has_bias[a])
        start = kb_load(kb, mat->packed_bias, mat_bias_at(mat, tile, j, NULL, v, a), mat->lanes);
      kb_store(kb, sums, kir_at_plus(at, tile_sums(mat), row), start);
    }
  kb_end(kb);
}

static void add_part(Emit *e, const Mat *mat, const MatPart *p, const MatTile *tile, KirReg *j,
                     KirBuffer *sums) {
  int64_t depth = amx_whole(p->d), column = depth * KIR_TILE, vector = p->n_gates * column;
  AmxColumns c = {.n = tile->vectors * p->n_gates, .rows = amx_whole(mat->n_rows)};
  c.of = (KirTileOperands){
      .sums = sums,
      .source = p->x,
      .weights = p->packed,
      .weights_at = kir_at_plus(kir_at(tile->first * vector), tile->vectors * vector, j),
      .words = depth,
      .shape = {.sum_row = tile_sums(mat), .source_row = depth, .weights_column = column}};
  for (int i = 0; i < c.n; i++)
    c.at[i] = ((int64_t)(i / p->n_gates) * mat->n_acc + p->acc[i % p->n_gates]) * mat->lanes;
  amx_columns(e, &c);
}

static void run_emit(Emit *e, const Mat *mat, const MatTile *tile, KirBuffer *sums) {
  KirReg *j = tile->count > 1 ? kb_for(&e->kb, "j", 0, tile->count, 1) : NULL;
  start_sums(e, mat, tile, j, sums);
  for (int i = 0; i < mat->n_parts; i++)
    add_part(e, mat, &mat->part[i], tile, j, sums);
  rows_finish(e, mat, tile, j, NULL, sums, tile_sums(mat));
  if (j) kb_end(&e->kb);
}

void amx_emit(Emit *e, Mat *mat) {
  Lower *l = e->l;
  MatTile tile[2];
  /* two columns share a row of operands */
  mat->tile_vectors = mat->n_acc == 1 && mat_vectors(mat) > 1 ? KIR_MOST_TILES : 1;
  int n_tiles = mat_tiles(l, mat, tile);
  for (int i = 0; i < mat->n_parts; i++) {
    pack_rows(e, mat, &mat->part[i]);
    pack_weights(l, mat, &mat->part[i]);
  }
  mat_pack_bias(l, mat);
  KirBuffer *sums = new_scratch(e, mat->layer, arena_printf(l->arena, "sums%s", mat->suffix),
                                KIR_F32, amx_whole(mat->n_rows) * tile_sums(mat));
  kb_tiles_open(&e->kb);
  for (int i = 0; i < n_tiles; i++) {
    MatTile run = tile[i], last = rows_last_tile(mat, &run);
    run_emit(e, mat, &run, sums);
    if (last.count) run_emit(e, mat, &last, sums);
  }
  kb_end(&e->kb);
}
