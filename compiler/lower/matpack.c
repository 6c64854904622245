/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The order in which the matrix kernel (matvec.c) reads its weights: how many lanes, vectors of a
 * tile and partial sums a layer has, and the buffers of weights in that order. */
#include "lower/mat.h"

/* Lanes of a layer that computes one row at a time. */
static int row_lanes(const Lower *l, int64_t units) {
  int lanes = l->target->lanes;
  /* The widest vector of which at most an eighth of the lanes is padding. */
  while (lanes > l->target->min_lanes) {
    int64_t padded = size_whole(units, lanes);
    if ((padded - units) * 8 <= units) break;
    lanes /= 2;
  }
  return lanes;
}

/* Rows side by side: the chains of a narrow vector are no shorter, and fewer vectors are less work.
 * Twice the width where it saves a quarter of them: 40 units are 3 x 16, not 5 x 8. */
int mat_lanes(const Lower *l, int64_t units) {
  if (!l->is_tiled) return row_lanes(l, units);
  int lanes = l->target->lanes;
  while (lanes > l->target->min_lanes) {
    int64_t wide = (units + lanes - 1) / lanes, narrow = (2 * units + lanes - 1) / lanes;
    if (wide * 4 <= narrow * 3) break;
    lanes /= 2;
  }
  return lanes;
}

int mat_wide_lanes(const Lower *l, int64_t units) {
  int lanes = l->target->lanes;
  while (lanes > l->target->min_lanes && units * 2 <= lanes)
    lanes /= 2;
  return lanes;
}

int64_t mat_vectors(const Mat *mat) {
  return (mat->units + mat->lanes - 1) / mat->lanes;
}

/* Vectors of a tile for one row. */
static int row_vectors(const Lower *l, const Mat *mat) {
  int registers = l->target->lanes > 1 ? l->target->registers : 8;
  int want = (l->target->accumulators + mat->n_acc - 1) / mat->n_acc;
  if (l->target->lanes > 1 && !l->target->is_mcu) { /* more sums share one load of x */
    int of_sum = l->target->loads_first ? 2 : 1;    /* with its weight */
    int room = (registers - 4) / (of_sum * mat->n_acc);
    if (room > want) want = room;
  }
  int64_t have = mat_vectors(mat);
  if (want > MAT_MAX_VECTORS) want = MAT_MAX_VECTORS;
  if (want < 1) want = 1;
  return want > have ? (int)have : want;
}

int mat_tiles(const Lower *l, const Mat *mat, MatTile tile[2]) {
  const SparseShape *sparse = mat_sparse(l, mat);
  int v = sparse              ? sparse->vectors
          : mat->tile_vectors ? mat->tile_vectors
                              : row_vectors(l, mat),
      n = 0;
  int64_t all = mat_vectors(mat), full = all / v;
  tile[n++] = (MatTile){v, 0, full};
  if (all % v) tile[n++] = (MatTile){(int)(all % v), full * v, 1};
  return n;
}

/* The same for every tile, and for rows computed together: the order of a sum is that of its
 * layer. */
int mat_split(const Lower *l, const Mat *mat) {
  if (mat->split) return mat->split;
  if (mat_sparse(l, mat) && l->target->lanes > 1) return MAT_MAX_SPLIT;
  Mat row = *mat;
  row.lanes = row_lanes(l, mat->units);
  int sums = mat->n_acc * row_vectors(l, &row), most = MAT_MAX_SPLIT, split = 1;
  if (l->target->is_mcu && most > 2) most = 2;
  while (split < most && sums * split < l->target->accumulators)
    split *= 2;
  return split;
}

int64_t mat_part_depth(const MatPart *p) {
  return p->taps * (p->taps2 ? p->taps2 : 1) * p->d;
}

void mat_open_taps(Emit *e, const MatPart *p, KirReg *tap[2]) {
  tap[0] = p->taps > 1 ? kb_for(&e->kb, "i", 0, p->taps, 1) : NULL;
  tap[1] = p->taps2 > 1 ? kb_for(&e->kb, "i2", 0, p->taps2, 1) : NULL;
}

void mat_close_taps(Emit *e, KirReg *const tap[2]) {
  for (int i = 0; i < 2; i++)
    if (tap[i]) kb_end(&e->kb);
}

KirIndex mat_weight_tap(KirIndex at, int64_t stride, const MatPart *p, KirReg *const tap[2]) {
  at = kir_at_plus(at, stride * p->d * (p->taps2 ? p->taps2 : 1), tap[0]);
  return kir_at_plus(at, stride * p->d, tap[1]);
}

KirIndex mat_input_tap(KirIndex at, const MatPart *p, KirReg *const tap[2]) {
  return kir_at_plus(kir_at_plus(at, p->tap_stride, tap[0]), p->tap2_stride, tap[1]);
}

/* Packed weights of a part: groups x [tile][k][gate][lane]. */
static const float *pack_part(Lower *l, const Mat *mat, const MatPart *p) {
  MatTile tile[2];
  int n_tiles = mat_tiles(l, mat, tile);
  int64_t depth = mat_part_depth(p), group = mat_vectors(mat) * mat->lanes * p->n_gates * depth;
  float *to = ARENA_ARRAY(l->arena, float, (mat->groups * group)), *at = to;
  for (int64_t g = 0; g < mat->groups; g++)
    for (int i = 0; i < n_tiles; i++)
      for (int64_t t = 0; t < tile[i].count; t++)
        for (int64_t k = 0; k < depth; k++)
          for (int gate = 0; gate < p->n_gates; gate++)
            for (int64_t u = 0; u < (int64_t)tile[i].vectors * mat->lanes; u++, at++) {
              int64_t unit = (tile[i].first + t * tile[i].vectors) * mat->lanes + u;
              if (unit < mat->units) *at = p->w[gate][(g * mat->units + unit) * depth + k];
            }
  return to;
}

const int32_t *mat_pack_words(Lower *l, const Mat *mat, const MatPart *p, MatWord *word,
                              const void *context) {
  MatTile tile[2];
  int n_tiles = mat_tiles(l, mat, tile);
  int32_t *to = ARENA_ARRAY(l->arena, int32_t, mat_vectors(mat) * mat->lanes * p->n_gates * p->d),
          *at = to;
  for (int i = 0; i < n_tiles; i++)
    for (int64_t t = 0; t < tile[i].count; t++)
      for (int64_t k = 0; k < p->d; k++)
        for (int gate = 0; gate < p->n_gates; gate++)
          for (int64_t u = 0; u < (int64_t)tile[i].vectors * mat->lanes; u++, at++) {
            int64_t unit = (tile[i].first + t * tile[i].vectors) * mat->lanes + u;
            if (unit < mat->units) *at = word(context, gate, unit, k);
          }
  return to;
}

/* Packed bias: groups x [vector][accumulator][lane]. */
static const float *pack_bias(Lower *l, const Mat *mat) {
  int64_t vectors = mat_vectors(mat);
  float *to = ARENA_ARRAY(l->arena, float, (mat->groups * vectors * mat->n_acc * mat->lanes)),
        *at = to;
  for (int64_t g = 0; g < mat->groups; g++)
    for (int64_t v = 0; v < vectors; v++)
      for (int a = 0; a < mat->n_acc; a++)
        for (int i = 0; i < mat->lanes; i++, at++) {
          int64_t unit = v * mat->lanes + i;
          /* -0 becomes +0: sums are then the same whether products with 0 are added or not */
          if (mat->bias[a] && unit < mat->units) *at = mat->bias[a][g * mat->units + unit] + 0.0F;
        }
  return to;
}

static bool mat_has_bias(const Mat *mat) {
  for (int a = 0; a < mat->n_acc; a++)
    if (mat->has_bias[a]) return true;
  return false;
}

static const char *weights_doc(Lower *l, const Mat *mat, const MatPart *p) {
  Text text = text_new(l->arena);
  text_printf(&text, "%s: ", mat->layer->path ? mat->layer->path : "weights");
  if (mat->groups > 1) text_printf(&text, "[group %lld]", (long long)mat->groups);
  MatTile tile[2];
  mat_tiles(l, mat, tile);
  text_printf(&text, "[unit %lld / %d][%s %lld]", (long long)mat->units,
              tile[0].vectors * mat->lanes, p->terms ? "pair of inputs" : "input",
              (long long)mat_part_depth(p));
  if (p->n_gates > 1) text_printf(&text, "[gate %d]", p->n_gates);
  text_printf(&text, "[unit of %d]", tile[0].vectors * mat->lanes);
  return text_str(&text);
}

/* "[unit 64][z r n m]": the starts of the sums. */
static const char *bias_doc(Lower *l, const Mat *mat) {
  if (mat->n_acc == 1) return NULL;
  Text text = text_new(l->arena);
  text_printf(&text, "%s: [unit %lld", mat->layer->path ? mat->layer->path : "bias",
              (long long)mat->units);
  if (mat->lanes > 1) text_printf(&text, " / %d", mat->lanes);
  text_add(&text, "][");
  for (int a = 0; a < mat->n_acc; a++)
    text_printf(&text, "%s%s", a ? " " : "", mat->acc_name[a]);
  text_add(&text, "]");
  if (mat->lanes > 1) text_printf(&text, "[unit of %d]", mat->lanes);
  return text_str(&text);
}

void mat_count_weights(Lower *l, const Mat *mat, const MatPart *p) {
  int64_t rows = mat->groups * mat_vectors(mat) * mat->lanes * p->n_gates;
  layer_cost(l, mat->layer)->kernel_weights += rows * (p->terms ? p->terms : mat_part_depth(p));
}

void mat_pack_bias(Lower *l, Mat *mat) {
  if (!mat_has_bias(mat)) return;
  int64_t n = mat->groups * mat_vectors(mat) * mat->n_acc * mat->lanes;
  mat->packed_bias = new_weights(l, mat->layer, arena_printf(l->arena, "b%s", mat->suffix),
                                 mat->part[0].w[0] ? pack_bias(l, mat) : NULL, n, bias_doc(l, mat));
}

void mat_pack(Lower *l, Mat *mat) {
  for (int i = 0; i < mat->n_parts; i++) {
    MatPart *p = &mat->part[i];
    mat_count_weights(l, mat, p);
    if (p->sparse) {
      sparse_pack(l, mat, p);
      continue;
    }
    int64_t n = mat->groups * mat_vectors(mat) * mat->lanes * p->n_gates * mat_part_depth(p);
    const char *part = arena_printf(l->arena, "%s%s", p->name, mat->suffix);
    if (p->terms) {
      p->packed = new_constants(l, mat->layer, part, KIR_I32,
                                p->w[0] ? mat_pack_words(l, mat, p, mat_weight_pair, p) : NULL, n,
                                weights_doc(l, mat, p));
      continue;
    }
    const float *data = p->w[0] ? pack_part(l, mat, p) : NULL;
    p->packed = new_kernel(l, mat->layer, part, data, n, weights_doc(l, mat, p));
  }
  mat_pack_bias(l, mat);
}

int64_t mat_part_blocks(const MatPart *p) {
  return p->d > 2 * MAT_BLOCK ? p->d / MAT_BLOCK : 0;
}

void mat_add_part(Emit *e, const Mat *mat, const MatPart *p, const MatTile *tile, KirReg *j,
                  const MatAdder *how, void *sums) {
  KirReg *tap[2];
  int64_t blocks = mat_part_blocks(p);
  if (p->sparse) {
    sparse_add_part(e, mat, p, tile, j, how, sums);
    return;
  }
  mat_open_taps(e, p, tap);
  if (blocks) {
    KirReg *block = kb_for(&e->kb, "block", 0, blocks * MAT_BLOCK, MAT_BLOCK);
    void *part = how->open(e, sums, p, block);
    how->range(e, part, p, tap, 0, MAT_BLOCK);
    how->close(e, sums, part, p);
    kb_end(&e->kb);
  }
  how->range(e, sums, p, tap, blocks * MAT_BLOCK, p->d - blocks * MAT_BLOCK);
  mat_close_taps(e, tap);
}
