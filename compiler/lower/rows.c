/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The rows of a Mat: samples of a batch, or positions of an axis that a layer is mapped over. In: a
 * Mat with a register that numbers its rows. After: for each tile of its columns the sums of all
 * rows, then what is done with them, row by row. */
#include "lower/mat.h"

/* `count` tiles of n rows from row `first`. */
static void tiles_emit(Emit *e, const Mat *mat, const MatTile *tile, KirReg *j, KirReg *group,
                       MatRows rows, int64_t first, int64_t count, int n) {
  rows.first = first;
  if (count > 1) rows.base = kb_for(&e->kb, "row", 0, count * n, n);
  rows.at = kir_at_plus(kir_at_offset(rows.origin, rows.stride * first), rows.stride, rows.base);
  if (count > 0) tile_emit(e, mat, tile, j, group, &rows, n);
  if (count > 1) kb_end(&e->kb);
}

void rows_finish(Emit *e, const Mat *mat, const MatTile *tile, KirReg *j, KirReg *group,
                 KirBuffer *sums, int64_t stride) {
  Kb *kb = &e->kb;
  kb_for_again(kb, mat->row, 0, mat->n_rows);
  for (int v = 0; v < tile->vectors; v++) {
    MatUnits units = mat_units(mat, tile, j, group, v);
    KirReg *acc[MAT_MAX_ACC];
    for (int a = 0; a < mat->n_acc; a++) {
      KirIndex at = kir_at(((int64_t)v * mat->n_acc + a) * mat->lanes);
      at = kir_at_plus(at, stride, mat->row);
      acc[a] = kb_var(kb, mat->acc_name[a], kb_load(kb, sums, at, mat->lanes));
    }
    mat->finish(e, mat->context, &units, acc);
  }
  kb_end(kb);
}

MatTile rows_last_tile(const Mat *mat, MatTile *run) {
  bool ragged = !mat->whole && mat->units % mat->lanes &&
                run->first + run->count * run->vectors == mat_vectors(mat);
  if (!ragged || run->count <= 1) return (MatTile){0};
  run->count--;
  return (MatTile){run->vectors, run->first + run->count * run->vectors, 1};
}

/* The sums of all rows of tile j. The rows are dealt out evenly: 32 as 2 x 6 and 4 x 5, not 5 x 6
 * and 2. */
static void tile_rows(Emit *e, const Mat *mat, const MatTile *tile, KirReg *j, KirReg *group,
                      MatRows rows, int most) {
  int64_t samples = mat->n_rows, tiles = (samples + most - 1) / most;
  int n = (int)((samples + tiles - 1) / tiles);
  int64_t large = samples - (n - 1) * tiles;
  tiles_emit(e, mat, tile, j, group, rows, 0, large, n);
  tiles_emit(e, mat, tile, j, group, rows, large * n, tiles - large, n - 1);
}

/* All rows through one run of column tiles. */
static void columns_emit(Emit *e, Mat *mat, const MatTile *tile, KirReg *group, KirBuffer *sums,
                         int most) {
  Kb *kb = &e->kb;
  KirReg *j = tile->count > 1 ? kb_for(kb, "j", 0, tile->count, 1) : NULL;
  MatRows rows = {.row = mat->row, .sums = sums, .stride = tile_sums(mat)};
  tile_rows(e, mat, tile, j, group, rows, most);
  rows_finish(e, mat, tile, j, group, sums, rows.stride);
  if (j) kb_end(kb);
}

void rows_sums(Emit *e, const Mat *mat, int most, KirBuffer *to, int64_t stride) {
  MatTile tile[2];
  int n_tiles = mat_tiles(e->l, mat, tile);
  for (int i = 0; i < n_tiles; i++) {
    int64_t width = (int64_t)tile[i].vectors * mat->lanes;
    KirReg *j = tile[i].count > 1 ? kb_for(&e->kb, "j", 0, tile[i].count, 1) : NULL;
    MatRows rows = {.row = mat->row, .sums = to, .stride = stride};
    rows.origin = kir_at_plus(kir_at(tile[i].first * mat->lanes), width, j);
    tile_rows(e, mat, &tile[i], j, NULL, rows, most);
    if (j) kb_end(&e->kb);
  }
}

/* The guards of all rows of a mat that leaves out zeros. */
static void give_guards(Emit *e, Mat *mat) {
  Kb *kb = &e->kb;
  if (!mat->part[0].sparse && !(mat->n_parts > 1 && mat->part[1].sparse)) return;
  mat->guards = new_scratch(e, mat->layer, arena_printf(e->l->arena, "guards%s", mat->suffix),
                            KIR_F32, mat->n_rows);
  kb_for_again(kb, mat->row, 0, mat->n_rows);
  KirReg *guard = sparse_guard(e, mat);
  kb_store(kb, mat->guards, kir_at_plus(kir_at(0), 1, mat->row), kb_use(kb, guard));
  kb_end(kb);
}

void rows_emit(Emit *e, Mat *mat) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  if (l->target->is_mcu) { /* little room for code */
    kb_for_again(kb, mat->row, 0, mat->n_rows);
    mat_emit_row(e, mat);
    kb_end(kb);
    return;
  }
  MatTile tile[2];
  int most = tile_shape(l, mat), n_tiles = mat_tiles(l, mat, tile);
  mat_pack(l, mat);
  KirBuffer *sums = new_scratch(e, mat->layer, arena_printf(l->arena, "sums%s", mat->suffix),
                                KIR_F32, mat->n_rows * tile_sums(mat));
  give_guards(e, mat);
  KirReg *group = mat->groups > 1 ? kb_for(kb, "g", 0, mat->groups, 1) : NULL;
  for (int i = 0; i < n_tiles; i++) {
    MatTile whole = tile[i], last = rows_last_tile(mat, &whole);
    columns_emit(e, mat, &whole, group, sums, most);
    if (last.count) columns_emit(e, mat, &last, group, sums, most);
  }
  if (group) kb_end(kb);
}

MapRows map_open(Emit *e, const Layer *layer, Step t, const View *const view[2],
                 KirIndex *const at[2]) {
  static const char *const names[TYPE_MAX_AXES] = {"p", "q", "r", "s", "o", "m", "v", "i"};
  MapRows rows = {.row = t.rows ? t.in_block : NULL, .n = t.rows};
  const View *y = view[0];
  int longest = -1;
  bool one_by_one = t.rows || batch_takes(e, layer); /* steps or samples are the rows */
  for (int axis = 0; axis + 1 < y->rank && !one_by_one; axis++)
    if (y->dim[axis] > 1 && (longest < 0 || y->dim[axis] >= y->dim[longest])) longest = axis;
  for (int axis = 0; axis + 1 < y->rank; axis++) {
    KirReg *p;
    if (y->dim[axis] == 1) continue;
    if (axis == longest) {
      p = rows.row = kb_reg(&e->kb, "row", kir_type(KIR_INDEX, 1));
      p->lo = 0;
      p->hi = y->dim[axis] - 1;
      rows.n = y->dim[axis];
    } else {
      p = kb_for(&e->kb, names[axis], 0, y->dim[axis], 1);
      rows.opened++;
    }
    for (int i = 0; i < 2; i++)
      *at[i] = kir_at_plus(*at[i], view[i]->stride[axis], p);
  }
  return rows;
}
