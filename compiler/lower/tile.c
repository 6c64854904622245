/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The matrix kernel for several rows of x at once: rows x columns of sums in registers, so that a
 * vector of weights is read once for all rows of the tile, and an element of x once for all its
 * columns (vectors x gates). In: a Mat packed in tiles of mat_shape's vectors. After: its sums, row
 * by row, in a buffer; finishing them is the caller's.
 *
 *     sums[row][vector][accumulator][lane], here 2 rows x 3 columns:
 *       w0 w1 w2 = W[k]      a0 += w0 x[0][k]  a1 += w1 x[0][k]  a2 += w2 x[0][k]
 *                            b0 += w0 x[1][k]  b1 += w1 x[1][k]  b2 += w2 x[1][k]
 *
 * The order of every sum is that of matvec.c: bias, then the parts, k ascending, the same blocks
 * and the same partial sums; so a row gives the same bits however many are computed together. */
#include "lower/mat.h"

#include <assert.h>

enum { MAX_ROWS = 12, MAX_COLUMNS = MAT_MAX_VECTORS * MAT_MAX_ACC, COLUMNS = 4, LEAST_ROWS = 2 };

typedef struct RowTile {
  const Mat *mat;
  const MatTile *tile;
  const MatRows *rows;
  KirReg *j, *group; /* NULL: one */
  KirReg *block;     /* first k of the block being summed, NULL: no blocks */
  int n, split;
  KirReg *acc[MAT_MAX_SPLIT][MAX_ROWS][MAX_COLUMNS];
} RowTile;

/* As many rows as registers hold beside a row of weights and an x: or beside the weights and all x
 * of a turn, which has an input for each partial sum. */
static int rows_beside(const Lower *l, const Mat *mat, int64_t columns) {
  int64_t split = mat_split(l, mat), registers = l->target->registers - 2;
  if (l->target->loads_first) return (int)((registers - columns * split) / ((columns + 1) * split));
  return (int)((registers - columns) / (columns * split));
}

/* Four columns (two loads of weights a cycle keep four fma in work), 4 x 6 of 32 registers, 4 x 2
 * of 16; fewer where partial sums leave no room for rows, 2 x 3 in four parts of 32. */
int tile_shape(const Lower *l, Mat *mat) {
  const SparseShape *sparse = mat_sparse(l, mat);
  int64_t have = mat_vectors(mat);
  int64_t want = COLUMNS / mat->n_acc > 1 ? COLUMNS / mat->n_acc : 1;
  while (want > 1 && rows_beside(l, mat, want * mat->n_acc) < LEAST_ROWS)
    want--;
  int64_t runs = (have + want - 1) / want;
  mat->tile_vectors = (int)((have + runs - 1) / runs);
  int columns = mat->tile_vectors * mat->n_acc;
  if (sparse) { /* one gate after the other */
    mat->tile_vectors = columns = sparse->vectors;
  }
  int rows = rows_beside(l, mat, columns);
  return rows < 1 ? 1 : rows > MAX_ROWS ? MAX_ROWS : rows;
}

int64_t tile_sums(const Mat *mat) {
  return (int64_t)mat->tile_vectors * mat->n_acc * mat->lanes;
}

/* The index of row r of the tile, where `at` is that of the row in rows->row. */
static KirIndex row_at(const MatRows *rows, KirIndex at, int r) {
  KirIndex to = kir_at(at.offset);
  for (int i = 0; i < at.n_terms; i++) {
    int64_t stride = at.term[i].stride;
    if (at.term[i].var != rows->row)
      to = kir_at_plus(to, stride, at.term[i].var);
    else
      to = kir_at_plus(kir_at_offset(to, stride * (rows->first + r)), stride, rows->base);
  }
  return to;
}

static int columns_of(const RowTile *t) {
  return t->tile->vectors * t->mat->n_acc;
}

static KirReg *new_sum(Emit *e, const RowTile *t, int column, KirExpr *start) {
  return mat_new_sum(e, t->mat, column % t->mat->n_acc, start);
}

/* The start of a sum of row r, with its guard. */
static KirExpr *guarded(Emit *e, const RowTile *t, int r, KirExpr *start) {
  const Mat *mat = t->mat;
  if (!mat->guards) return start;
  KirIndex at = row_at(t->rows, kir_at_plus(kir_at(0), 1, mat->row), r);
  KirExpr *guard = kb_load(&e->kb, mat->guards, at, 1);
  return kb_op2(&e->kb, KIR_ADD, start, kb_splat(&e->kb, guard, mat->lanes));
}

static void start_sums(Emit *e, RowTile *t) {
  const Mat *mat = t->mat;
  for (int c = 0; c < columns_of(t); c++) {
    int v = c / mat->n_acc, a = c % mat->n_acc;
    KirExpr *zero = mat_zero(e, mat), *start = zero;
    if (mat->has_bias[a]) {
      KirIndex at = mat_bias_at(mat, t->tile, t->j, t->group, v, a);
      start =
          kb_use(&e->kb, kb_let(&e->kb, "bias", kb_load(&e->kb, mat->packed_bias, at, mat->lanes)));
    }
    for (int r = 0; r < t->n; r++)
      for (int s = 0; s < t->split; s++)
        t->acc[s][r][c] = new_sum(e, t, c, s ? zero : guarded(e, t, r, start));
  }
}

/* Sums of all rows += W[k + offset] x[k + offset]. */
static void add_product(Emit *e, RowTile *t, const MatPart *p, KirReg *const *tap, KirReg *k,
                        int64_t offset, int s) {
  Kb *kb = &e->kb;
  const Mat *mat = t->mat;
  int64_t stride = mat_weight_stride(mat, p, t->tile);
  KirReg *w[MAX_COLUMNS];
  for (int v = 0; v < t->tile->vectors; v++)
    for (int gate = 0; gate < p->n_gates; gate++) {
      KirIndex at = mat_weight_at(mat, p, t->tile, t->j, t->group, gate, v);
      at = kir_at_plus(kir_at_offset(at, stride * offset), stride, k);
      at = mat_weight_tap(kir_at_plus(at, stride, t->block), stride, p, tap);
      w[v * p->n_gates + gate] = kb_let(kb, "w", kb_load(kb, p->packed, at, mat->lanes));
    }
  for (int r = 0; r < t->n; r++) {
    KirIndex at = kir_at_plus(kir_at_offset(p->at, offset * p->k_stride), p->k_stride, k);
    at = mat_input_tap(kir_at_plus(at, p->k_stride, t->block), p, tap);
    at = row_at(t->rows, kir_at_plus(at, p->group_stride, t->group), r);
    KirReg *x = kb_let(kb, "x", kb_splat(kb, kb_load(kb, p->x, at, 1), mat->lanes));
    for (int v = 0; v < t->tile->vectors; v++)
      for (int gate = 0; gate < p->n_gates; gate++) {
        KirReg *acc = t->acc[s][r][v * mat->n_acc + p->acc[gate]];
        kb_set(kb, acc,
               mat_product(e, mat, p, kb_use(kb, w[v * p->n_gates + gate]), kb_use(kb, x),
                           kb_use(kb, acc)));
      }
  }
}

static void add_range(Emit *e, void *sums, const MatPart *p, KirReg *const *tap, int64_t first,
                      int64_t n) {
  RowTile *t = sums;
  Kb *kb = &e->kb;
  int64_t whole = n / t->split * t->split;
  if (whole > t->split) {
    KirReg *k = kb_for(kb, "k", first, first + whole, t->split);
    for (int s = 0; s < t->split; s++)
      add_product(e, t, p, tap, k, s, s);
    kb_end(kb);
  } else
    whole = 0;
  for (int64_t k = whole; k < n; k++)
    add_product(e, t, p, tap, NULL, first + k, (int)(k % t->split));
}

/* Whether part p adds to column c. */
static bool part_adds(const RowTile *t, const MatPart *p, int c) {
  for (int gate = 0; gate < p->n_gates; gate++)
    if (p->acc[gate] == c % t->mat->n_acc) return true;
  return false;
}

/* Sums of a block of their own, from zero. */
static void *open_block(Emit *e, const void *sums, const MatPart *p, KirReg *block) {
  const RowTile *t = sums;
  RowTile *part = ARENA_NEW(e->l->arena, RowTile);
  *part = *t;
  part->block = block;
  for (int c = 0; c < columns_of(t); c++)
    for (int i = 0; i < t->n * t->split && part_adds(t, p, c); i++)
      part->acc[i % t->split][i / t->split][c] = new_sum(e, t, c, mat_zero(e, t->mat));
  return part;
}

/* They are added to the others. */
static void close_block(Emit *e, void *sums, const void *part, const MatPart *p) {
  RowTile *t = sums;
  const RowTile *of = part;
  Kb *kb = &e->kb;
  for (int c = 0; c < columns_of(t); c++)
    for (int i = 0; i < t->n * t->split && part_adds(t, p, c); i++) {
      KirReg *total = t->acc[i % t->split][i / t->split][c];
      KirReg *more = of->acc[i % t->split][i / t->split][c];
      kb_set(kb, total, kb_op2(kb, KIR_ADD, kb_use(kb, total), kb_use(kb, more)));
    }
}

/* One input of a sparse part into the sums of one gate, for all rows. */
static void add_term(Emit *e, void *sums, const MatPart *p, const MatTerm *term) {
  RowTile *t = sums;
  Kb *kb = &e->kb;
  int lanes = t->mat->lanes, columns = t->tile->vectors;
  KirReg *w[MAX_COLUMNS];
  for (int v = 0; v < columns; v++)
    w[v] =
        kb_let(kb, "w", kb_load(kb, p->packed, kir_at_offset(term->w, (int64_t)v * lanes), lanes));
  for (int r = 0; r < t->n; r++) {
    KirIndex at =
        kir_at_plus(kir_at_offset(p->at, term->offset * p->k_stride), p->k_stride, term->k);
    KirExpr *element = kb_load(kb, p->x, row_at(t->rows, at, r), 1);
    KirReg *x = kb_let(kb, "x", kb_splat(kb, element, lanes));
    for (int v = 0; v < columns; v++) {
      KirReg *acc = t->acc[term->s][r][v * t->mat->n_acc + p->acc[term->gate]];
      kb_set(kb, acc, muladd(e, kb_use(kb, w[v]), kb_use(kb, x), kb_use(kb, acc)));
    }
  }
}

static const MatAdder adder = {open_block, close_block, add_range, add_term};

/* Partial sums pairwise into the first, and all to memory. */
static void store_sums(Emit *e, RowTile *t) {
  Kb *kb = &e->kb;
  int lanes = t->mat->lanes;
  for (int r = 0; r < t->n; r++)
    for (int c = 0; c < columns_of(t); c++) {
      for (int step = 1; step < t->split; step *= 2)
        for (int s = 0; s + step < t->split; s += 2 * step) {
          KirReg *to = t->acc[s][r][c], *from = t->acc[s + step][r][c];
          kb_set(kb, to, kb_op2(kb, KIR_ADD, kb_use(kb, to), kb_use(kb, from)));
        }
      KirIndex at = kir_at_offset(t->rows->at, t->rows->stride * r + (int64_t)c * lanes);
      kb_store(kb, t->rows->sums, at, kb_use(kb, t->acc[0][r][c]));
    }
}

void tile_emit(Emit *e, const Mat *mat, const MatTile *tile, KirReg *j, KirReg *group,
               const MatRows *rows, int n) {
  RowTile t = {.mat = mat, .tile = tile, .rows = rows, .j = j, .group = group, .n = n};
  t.split = mat_split(e->l, mat);
  assert(n <= MAX_ROWS && columns_of(&t) <= MAX_COLUMNS);
  start_sums(e, &t);
  for (int i = 0; i < mat->n_parts; i++)
    mat_add_part(e, mat, &mat->part[i], tile, j, &adder, &t);
  store_sums(e, &t);
}
