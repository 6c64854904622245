/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Samples of a batch side by side. In: a model built for N samples at once. After: its time loops
 * stand outside and its samples inside, so that a layer's weights are read once for all of them.
 *
 *     for t                          outside the tiles the batch is the outer loop:
 *       for b   Dropout, concat ..     for b
 *       tiles   GRU of all samples       for t
 *       for b   softmax ..                 all layers
 *
 * Every layer made of matrix products (matvec.c) takes all samples itself: for each tile of its
 * columns the sums of all samples, then what is done with them, sample by sample. The other layers
 * stand in loops over the samples. All these loops share one register, l->batch, which the views
 * of values carry; what lives from layer to layer has a place for each sample. */
#include "lower/lower_internal.h"

/* What a call may keep for all samples at once, in bytes: more than this, and each sample runs
 * through the whole model alone. */
enum { MOST_SCRATCH = 1 << 20 };

static bool is_output(const Lower *l, const Value *v) {
  for (int i = 0; i < l->model->n_out; i++)
    if (l->model->out[i]->value == v) return true;
  return false;
}

/* Rows of a recurrent layer's own, each as wide as its result: h, c, next, z and r h. */
enum { ROWS_OF_CELL = 5 };

/* What one sample keeps in memory, in bytes; what is computed in the caller's arrays is not
 * counted. */
static int64_t bytes_kept(const Lower *l) {
  int64_t bytes = 0;
  for (int i = 0; i < l->model->n_values; i++) {
    const Value *v = l->model->value[i];
    const Need *need = &l->place[i].need;
    if (!v->layer) continue;
    int64_t rows = layer_info(v->layer->kind)->flags & RECURRENT ? ROWS_OF_CELL : 1;
    bool own = !is_output(l, v) || need->before || need->after;
    if (need->rows && own) rows += domain_of(l, &v->type).n + need->before + need->after;
    bytes += rows * type_step_size(&v->type) * 4;
  }
  return bytes;
}

/* Lengths of their own keep the samples apart; weights in another order than that of the kernels,
 * and machines without room for code, take them one by one. */
void batch_choose(Lower *l) {
  bool apart = l->model->n_lengths > 1 || l->opt.weights_extern || l->target->is_mcu;
  if (l->m->batch <= 1 || apart || bytes_kept(l) > MOST_SCRATCH / l->m->batch) return;
  l->is_tiled = l->is_wide = true;
  l->batch = kb_reg(&l->kb, "b", kir_type(KIR_INDEX, 1));
  l->batch->lo = 0;
  l->batch->hi = l->m->batch - 1;
}

void batch_open(Lower *l) {
  if (!l->is_tiled) return;
  l->batch_at = l->kb.tail;
  kb_for_again(&l->kb, l->batch, 0, l->m->batch);
}

/* A loop with nothing in it goes again. */
void batch_close(Lower *l) {
  if (!l->is_tiled) return;
  bool empty = !(*l->batch_at)->body;
  kb_end(&l->kb);
  if (!empty) return;
  *l->batch_at = NULL;
  l->kb.tail = l->batch_at;
}

bool batch_takes(const Lower *l, const Layer *layer) {
  if (!l->is_tiled) return false;
  return lowering_of(layer)->takes_samples;
}

/* `count` tiles of n rows from row `first`. */
static void rows_emit(Lower *l, const Mat *mat, const MatTile *tile, KirReg *j, KirReg *group,
                      MatRows rows, int64_t first, int64_t count, int n) {
  rows.first = first;
  if (count > 1) rows.base = kb_for(&l->kb, "row", 0, count * n, n);
  rows.at = kir_at_plus(kir_at(rows.stride * first), rows.stride, rows.base);
  if (count > 0) tile_emit(l, mat, tile, j, group, &rows, n);
  if (count > 1) kb_end(&l->kb);
}

/* All samples through one run of column tiles. The rows are dealt out evenly: 32 as 2 x 6 and
 * 4 x 5, not 5 x 6 and 2. */
static void columns_emit(Lower *l, Mat *mat, const MatTile *tile, KirReg *group, KirBuffer *sums,
                         int most) {
  Kb *kb = &l->kb;
  int64_t samples = l->m->batch, tiles = (samples + most - 1) / most;
  int n = (int)((samples + tiles - 1) / tiles);
  int64_t large = samples - (n - 1) * tiles;
  KirReg *j = tile->count > 1 ? kb_for(kb, "j", 0, tile->count, 1) : NULL;
  MatRows rows = {.row = l->batch, .sums = sums, .stride = tile_sums(mat)};
  rows_emit(l, mat, tile, j, group, rows, 0, large, n);
  rows_emit(l, mat, tile, j, group, rows, large * n, tiles - large, n - 1);
  batch_open(l);
  for (int v = 0; v < tile->vectors; v++) {
    MatUnits units = mat_units(mat, tile, j, group, v);
    KirReg *acc[MAT_MAX_ACC];
    for (int a = 0; a < mat->n_acc; a++) {
      KirIndex at = kir_at(((int64_t)v * mat->n_acc + a) * mat->lanes);
      at = kir_at_plus(at, rows.stride, l->batch);
      acc[a] = kb_var(kb, mat->acc_name[a], kb_load(kb, sums, at, mat->lanes));
    }
    mat->finish(l, mat->context, &units, acc);
  }
  batch_close(l);
  if (j) kb_end(kb);
}

void batch_emit(Lower *l, Mat *mat) {
  Kb *kb = &l->kb;
  MatTile tile[2];
  int most = tile_shape(l, mat), n_tiles = mat_tiles(l, mat, tile);
  mat_pack(l, mat);
  KirBuffer *sums = new_scratch(l, mat->layer, arena_printf(l->arena, "sums%s", mat->suffix),
                                KIR_F32, l->m->batch * tile_sums(mat));
  KirReg *group = mat->groups > 1 ? kb_for(kb, "g", 0, mat->groups, 1) : NULL;
  for (int i = 0; i < n_tiles; i++) {
    MatTile whole = tile[i], last = {0};
    if (!mat->whole && mat->units % mat->lanes && i == n_tiles - 1 && whole.count > 1) {
      whole.count--; /* the last vector is partly padding and is stored in another way */
      last = (MatTile){whole.vectors, whole.first + whole.count * whole.vectors, 1};
    }
    columns_emit(l, mat, &whole, group, sums, most);
    if (last.count) columns_emit(l, mat, &last, group, sums, most);
  }
  if (group) kb_end(kb);
}
