/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Blocks of zeros in the kernels of recurrent layers and Dense. In: bound weights in f32. After:
 * the layers of which blocks are left out, in which shape, and for a kernel of these its other
 * blocks with lists that say where they belong.
 *
 * A block has the units of a tile (rows) and either BLOCK_DEPTH inputs in a row or one input; each
 * gate has blocks of its own. A list holds the blocks of one tile, gate and MAT_BLOCK inputs:
 *
 *     for b in first[list]..first[list + 1]        blocks that are not all zeros
 *       k = index[b]
 *       sum[0..rows] += w[b][i][0..rows] x[k + i]  for i in 0..depth
 *
 * Blocks of one input come in turns of one for each partial sum, filled up with zeros.
 *
 * The bits are those of all products. A product with 0 is 0, and a sum that starts at +0 or a bias
 * other than -0 (matpack.c) stays as it is if it is added. That fails where an input is infinite or
 * NaN, for then the product is NaN: the guard, a sum of 0 x over all inputs, makes all sums of a
 * stage NaN then. Partial sums and blocks of MAT_BLOCK terms are those of matvec.c. */
#include "lower/cell_shape.h"
#include "lower/int_layers.h"
#include "lower/mat.h"

/* What leaving out costs, in tenths of a product of one vector: for a list, for the index of a
 * block, for a product of a vector of half the width, and for one on cores that load several
 * numbers at once for whole kernels, and here do not. Measured on Zen 4, GRU(128) and GRU(384) with
 * 5 to 70 % of their blocks, and counted on a Cortex-M4, GRU(40, 64): a block of 4 products
 * takes 4.5 times as long as a product of all others, one of single inputs 1.5 times. A kernel is
 * cut into blocks where its products then take less than GAIN tenths. docs/quantisation.md has the
 * times. */
enum { OF_LIST = 30, OF_BLOCK = 5, OF_PRODUCT = 10, OF_NARROW = 6, OF_SINGLE = 14, GAIN = 9 };
enum { BLOCK_DEPTH = 4, ROWS_OF_SCALARS = 8 };

/* The blocks of one list. */
typedef struct SparseList {
  const Mat *mat;
  const MatPart *part;
  int64_t unit, from, to; /* first unit, inputs from..to */
  int rows, gate;
} SparseList;

static bool is_zero(const SparseList *of, int64_t k, int64_t n) {
  int64_t depth = mat_part_depth(of->part);
  for (int64_t u = of->unit; u < of->unit + of->rows && u < of->mat->units; u++)
    for (int64_t i = k; i < k + n; i++)
      if (of->part->w[of->gate][u * depth + i] != 0) return false;
  return true;
}

/* The inputs of turn `turn` of a list of single inputs, -1: zeros instead. false: it has no such
 * turn. */
static bool turn_of(const SparseList *of, int split, int64_t turn, int64_t *input) {
  bool any = false;
  for (int s = 0; s < split; s++) {
    int64_t left = turn;
    input[s] = -1;
    for (int64_t k = of->from + s; k < of->to && input[s] < 0; k += split)
      if (!is_zero(of, k, 1) && left-- == 0) input[s] = k;
    any = any || input[s] >= 0;
  }
  return any;
}

/* Blocks of a list; of single inputs, its turns. */
static int64_t list_blocks(const SparseList *of, int depth, int split) {
  int64_t most = 0, n[MAT_MAX_SPLIT] = {0};
  for (int64_t k = of->from; k < of->to; k += depth)
    if (!is_zero(of, k, depth)) n[depth > 1 ? 0 : (k - of->from) % split]++;
  for (int s = 0; s < MAT_MAX_SPLIT; s++)
    if (n[s] > most) most = n[s];
  return most;
}

/* Lists of a gate of a tile: one a block of MAT_BLOCK inputs, and one for what is left. */
static int64_t part_lists(const MatPart *p) {
  int64_t blocks = mat_part_blocks(p);
  return blocks + (blocks * MAT_BLOCK < p->d);
}

static SparseList list_at(const Mat *mat, const MatPart *p, int rows, int64_t number) {
  int64_t lists = part_lists(p), of_tile = lists * p->n_gates, c = number % lists;
  bool cut = mat_part_blocks(p) > 0;
  SparseList of = {.mat = mat, .part = p, .rows = rows, .unit = number / of_tile * rows};
  of.gate = (int)(number % of_tile / lists);
  of.from = cut ? c * MAT_BLOCK : 0;
  of.to = cut && of.from + MAT_BLOCK < p->d ? of.from + MAT_BLOCK : p->d;
  return of;
}

static int64_t all_lists(const Mat *mat, const MatPart *p, int rows) {
  return (mat->units + rows - 1) / rows * p->n_gates * part_lists(p);
}

/* ---- whether it pays ---- */

/* Of mat->lanes or, where a block has half of them, OF_NARROW. */
static int64_t product_cost(const Mat *mat, const SparseShape *shape) {
  return shape->loads_singly ? OF_SINGLE : shape->lanes < mat->lanes ? OF_NARROW : OF_PRODUCT;
}

static int64_t whole_cost(const Mat *mat, const MatPart *p) {
  return mat_vectors(mat) * p->n_gates * p->d * OF_PRODUCT;
}

/* A kernel in blocks of `depth` inputs; 0: it has no such blocks, or its rows are no longer than
 * one. */
static int64_t cost_in_blocks(const Mat *mat, const MatPart *p, const SparseShape *shape, int depth,
                              int split) {
  int rows = shape->vectors * shape->lanes;
  int64_t lists = all_lists(mat, p, rows), cost = lists * OF_LIST;
  int terms = depth > 1 ? depth : split, indices = depth > 1 ? 1 : split;
  if (p->d % depth || p->d == depth) return 0;
  for (int64_t i = 0; i < lists; i++) {
    SparseList of = list_at(mat, p, rows, i);
    cost += list_blocks(&of, depth, split) *
            (indices * OF_BLOCK + terms * shape->vectors * product_cost(mat, shape));
  }
  return cost;
}

/* The least cost of a kernel in tiles of a shape, and the depth of blocks that has it. */
static int64_t part_cost(const Mat *mat, const MatPart *p, const SparseShape *shape, int split,
                         int *depth) {
  int narrow = mat->lanes / shape->lanes; /* of a kernel that is multiplied whole */
  int64_t least = whole_cost(mat, p) * (narrow > 1 ? narrow * OF_NARROW : OF_PRODUCT) / OF_PRODUCT;
  *depth = 0;
  for (int d = 1; d <= BLOCK_DEPTH; d += BLOCK_DEPTH - 1) {
    int64_t cost = cost_in_blocks(mat, p, shape, d, split);
    if (!cost || cost * 10 > whole_cost(mat, p) * GAIN || cost >= least) continue;
    least = cost;
    *depth = d;
  }
  return least;
}

/* Most blocks of random weights hold no zero: a kernel is looked at closely if a tenth is zeros. */
static bool has_zeros(const MatPart *p, int64_t units) {
  int64_t n = units * mat_part_depth(p), zeros = 0;
  for (int g = 0; g < p->n_gates; g++)
    for (int64_t i = 0; i < n; i++)
      zeros += p->w[g][i] == 0;
  return zeros * 10 >= n * p->n_gates;
}

static int64_t shape_cost(const Mat *mat, SparseShape *shape, int split) {
  int64_t cost = 0;
  for (int i = 0; i < mat->n_parts; i++)
    cost += part_cost(mat, &mat->part[i], shape, split, &shape->depth[i]);
  return cost;
}

/* Vectors of a block of `lanes` units: scalars as many as RNNoise's blocks have, else one or two.
 */
static void better_shape(const Lower *l, const Mat *mat, int lanes, int split, int64_t *least,
                         SparseShape *best) {
  bool scalar = l->target->lanes == 1;
  int64_t vectors = (mat->units + lanes - 1) / lanes;
  for (int v = scalar ? ROWS_OF_SCALARS : 1; v <= (scalar ? ROWS_OF_SCALARS : 2); v++) {
    SparseShape shape = {.vectors = v, .lanes = lanes, .loads_singly = l->target->load_many > 0};
    int64_t cost = vectors % v ? *least : shape_cost(mat, &shape, split);
    if (cost >= *least) continue;
    *least = cost;
    *best = shape;
  }
}

static SparseShape shape_of(const Lower *l, const Mat *mat) {
  bool scalar = l->target->lanes == 1;
  int split = scalar ? mat_split(l, mat) : MAT_MAX_SPLIT;
  SparseShape best = {0};
  int64_t least = 0;
  for (int i = 0; i < mat->n_parts; i++)
    least += whole_cost(mat, &mat->part[i]);
  better_shape(l, mat, mat->lanes, split, &least, &best);
  if (mat->lanes / 2 >= ROWS_OF_SCALARS) better_shape(l, mat, mat->lanes / 2, split, &least, &best);
  return best;
}

/* ---- layers ---- */

/* The kernels of a layer; the first of two directions stands for both. */
static bool kernels_of(const Lower *l, const Layer *layer, Mat *mat) {
  bool recurrent = layer_info(layer->kind)->flags & RECURRENT;
  const Type *in = &layer->in[0]->type;
  int64_t d = in->rank ? in->dim[in->rank - 1].n : 0;
  if ((!recurrent && layer->kind != LAYER_Dense) || !layer_role(layer, ROLE_KERNEL) || !d)
    return false;
  int64_t units = layer_size(layer, OPT_units, 1);
  int gates = layer_gates(layer);
  *mat = (Mat){.layer = layer, .units = units, .n_acc = gates, .n_parts = recurrent ? 2 : 1};
  mat->lanes = recurrent ? cell_lanes(l, layer) : mat_lanes(l, units);
  if (layer->kind == LAYER_GRU && !cell_resets_before(layer)) mat->n_acc = 4;
  for (int i = 0; i < mat->n_parts; i++) {
    MatPart *p = &mat->part[i];
    *p = (MatPart){.taps = 1, .d = i ? units : d, .n_gates = gates};
    for (int g = 0; g < gates; g++)
      p->w[g] = layer_role(layer, i ? ROLE_RECURRENT : ROLE_KERNEL) + g * units * p->d;
  }
  return has_zeros(&mat->part[0], units) || (mat->n_parts > 1 && has_zeros(&mat->part[1], units));
}

void sparse_choose(Lower *l) {
  l->sparse = ARENA_ARRAY(l->arena, SparseShape, l->model->n_layers + 1);
  if (l->m->weights_extern) return;
  for (int i = 0; i < l->model->n_layers; i++) {
    const Layer *layer = l->model->layer[i];
    Mat mat;
    if (l->job[i].is_dead || int_is_w8(l, layer) || int_computes(l, layer)) continue;
    if (layer_multiplies_pairs(l, layer)) continue;
    if (!kernels_of(l, layer, &mat)) continue;
    l->sparse[i] = shape_of(l, &mat);
    for (int k = 0; k < mat.n_parts && l->opt.keep_zeros; k++)
      l->sparse[i].depth[k] = 0; /* the same tiles and partial sums, so the same bits */
  }
}

const SparseShape *mat_sparse(const Lower *l, const Mat *mat) {
  const SparseShape *shape = mat->layer ? &l->sparse[mat->layer->id] : NULL;
  return shape && shape->vectors ? shape : NULL;
}

/* ---- the buffers ---- */

/* Block b of a list, inputs as terms: term i of the block is input[i]. */
static void pack_block(const SparseList *of, const int64_t *input, int terms, float *to) {
  int64_t depth = mat_part_depth(of->part);
  for (int i = 0; i < terms; i++)
    for (int r = 0; r < of->rows && of->unit + r < of->mat->units; r++)
      if (input[i] >= 0)
        to[i * of->rows + r] = of->part->w[of->gate][(of->unit + r) * depth + input[i]];
}

typedef struct Packed {
  float *w;
  int32_t *index, *first;
  int64_t n; /* blocks so far */
  int terms, indices;
} Packed;

static void pack_list(const SparseList *of, int depth, int split, Packed *to) {
  int64_t input[BLOCK_DEPTH]; /* at least MAT_MAX_SPLIT */
  int64_t turn = 0, k = of->from;
  while (depth > 1 ? k < of->to : turn_of(of, split, turn, input)) {
    bool zero = depth > 1 && is_zero(of, k, depth);
    for (int i = 0; i < depth && depth > 1; i++)
      input[i] = k + i;
    for (int i = 0; i < to->indices && !zero; i++)
      to->index[to->n * to->indices + i] = (int32_t)(input[i] < 0 ? 0 : input[i]);
    if (!zero) pack_block(of, input, to->terms, to->w + to->n++ * to->terms * of->rows);
    k += depth;
    turn++;
  }
}

KirBuffer *sparse_list(Lower *l, const Layer *layer, const char *name, const int32_t *data,
                       int64_t n, int64_t most, const char *doc) {
  bool narrow = most <= UINT16_MAX;
  uint16_t *small = ARENA_ARRAY(l->arena, uint16_t, n);
  for (int64_t i = 0; i < n && narrow; i++)
    small[i] = (uint16_t)data[i];
  KirBuffer *b = new_constants(l, layer, name, narrow ? KIR_U16 : KIR_I32,
                               narrow ? (const void *)small : data, n, doc);
  b->lo = 0;
  b->hi = most > 0 ? most : 1;
  return b;
}

static const char *list_name(Lower *l, const Mat *mat, const MatPart *p, const char *what) {
  return arena_printf(l->arena, "%s%s_%s", p->name, mat->suffix, what);
}

/* The products that a kernel in blocks saves; padding does not count. */
static void report(Lower *l, const Mat *mat, const MatPart *p, int64_t stored, int64_t kept) {
  KirCost *cost = layer_cost(l, mat->layer);
  int64_t all = mat_vectors(mat) * mat->lanes * p->n_gates * p->d;
  int size = kir_elem_size(p->packed->elem);
  cost->left_out += kept < all ? all - kept : 0;
  cost->saved_bytes += (all - stored) * size - kir_bytes(p->index) - kir_bytes(p->first);
}

void sparse_pack(Lower *l, const Mat *mat, MatPart *p) {
  int rows = mat_sparse(l, mat)->vectors * mat->lanes, split = mat_split(l, mat);
  int64_t lists = all_lists(mat, p, rows), blocks = 0;
  Packed to = {.terms = p->sparse > 1 ? p->sparse : split, .indices = p->sparse > 1 ? 1 : split};
  for (int64_t i = 0; i < lists; i++) {
    SparseList of = list_at(mat, p, rows, i);
    blocks += list_blocks(&of, p->sparse, split);
  }
  int64_t n = (blocks ? blocks : 1) * to.terms;
  to.w = ARENA_ARRAY(l->arena, float, (n * rows));
  to.index = ARENA_ARRAY(l->arena, int32_t, n);
  to.first = ARENA_ARRAY(l->arena, int32_t, lists + 1);
  for (int64_t i = 0; i < lists; i++) {
    SparseList of = list_at(mat, p, rows, i);
    pack_list(&of, p->sparse, split, &to);
    to.first[i + 1] = (int32_t)to.n;
  }
  const char *path = mat->layer->path ? mat->layer->path : "weights";
  const char *doc = arena_printf(
      l->arena, "%s: [block %lld of %lld][input %d][unit of %d]", path, (long long)blocks,
      (long long)(all_lists(mat, p, rows) / part_lists(p) * ((p->d + to.terms - 1) / to.terms)),
      to.terms, rows);
  p->packed = new_kernel(l, mat->layer, arena_printf(l->arena, "%s%s", p->name, mat->suffix), to.w,
                         n * rows, doc);
  p->index = sparse_list(l, mat->layer, list_name(l, mat, p, "index"), to.index,
                         (blocks ? blocks : 1) * to.indices, p->d - p->sparse,
                         "the first input of each block");
  p->first =
      sparse_list(l, mat->layer, list_name(l, mat, p, "first"), to.first, lists + 1, blocks,
                  arena_printf(l->arena, "the first block of each list: [unit %lld / %d][gate %d]",
                               (long long)mat->units, rows, p->n_gates));
  report(l, mat, p, n * rows, blocks * to.terms * rows);
}

/* ---- the sums ---- */

KirExpr *sparse_index(Emit *e, KirBuffer *b, KirIndex at) {
  return kb_convert(&e->kb, KIR_INDEX, kb_load(&e->kb, b, at, 1));
}

static void add_list(Emit *e, const Mat *mat, const MatPart *p, int gate, KirIndex list,
                     const MatAdder *how, void *sums) {
  Kb *kb = &e->kb;
  int rows = mat_sparse(e->l, mat)->vectors * mat->lanes, split = mat_split(e->l, mat);
  int terms = p->sparse > 1 ? p->sparse : split;
  KirExpr *from = sparse_index(e, p->first, list),
          *to = sparse_index(e, p->first, kir_at_offset(list, 1));
  KirReg *b = kb_for_expr(kb, "b", from, to, 1), *k = NULL;
  for (int i = 0; i < terms; i++) {
    MatTerm term = {.gate = gate, .s = i % split, .offset = p->sparse > 1 ? i : 0};
    if (i == 0 || p->sparse == 1)
      k = kb_let(
          kb, "k",
          sparse_index(e, p->index,
                       kir_at_plus(kir_at(p->sparse > 1 ? 0 : i), p->sparse > 1 ? 1 : split, b)));
    term.k = k;
    term.w = kir_at_plus(kir_at((int64_t)i * rows), (int64_t)terms * rows, b);
    how->term(e, sums, p, &term);
  }
  kb_end(kb);
}

void sparse_add_part(Emit *e, const Mat *mat, const MatPart *p, const MatTile *tile, KirReg *j,
                     const MatAdder *how, void *sums) {
  Kb *kb = &e->kb;
  int64_t lists = part_lists(p), blocks = mat_part_blocks(p);
  KirIndex first =
      kir_at_plus(kir_at(tile->first / tile->vectors * p->n_gates * lists), p->n_gates * lists, j);
  if (blocks) {
    KirReg *c = kb_for(kb, "part", 0, blocks, 1);
    void *part = how->open(e, sums, p, NULL);
    for (int g = 0; g < p->n_gates; g++)
      add_list(e, mat, p, g, kir_at_plus(kir_at_offset(first, g * lists), 1, c), how, part);
    how->close(e, sums, part, p);
    kb_end(kb);
  }
  for (int g = 0; g < p->n_gates && lists > blocks; g++)
    add_list(e, mat, p, g, kir_at_offset(first, g * lists + blocks), how, sums);
}

/* ---- the guard ---- */

static void guard_range(Emit *e, const MatPart *p, KirReg *sum, int64_t from, int64_t to) {
  Kb *kb = &e->kb;
  int lanes = sum->type.lanes;
  KirReg *k = kb_for(kb, "k", from, to, lanes);
  KirExpr *x = kb_load(kb, p->x, kir_at_plus(p->at, p->k_stride, k), lanes);
  kb_set(kb, sum, muladd(e, x, kb_num(kb, 0, lanes), kb_use(kb, sum)));
  kb_end(kb);
}

KirReg *sparse_guard(Emit *e, const Mat *mat) {
  Kb *kb = &e->kb;
  KirReg *guard = NULL;
  for (int i = 0; i < mat->n_parts; i++) {
    const MatPart *p = &mat->part[i];
    int lanes = p->k_stride == 1 && p->x->elem == KIR_F32 ? e->l->target->lanes : 1;
    int64_t whole = p->d / lanes * lanes;
    if (!p->sparse) continue;
    if (!guard) guard = kb_var(kb, "guard", kb_num(kb, 0, 1));
    if (lanes > 1 && whole) {
      KirReg *sum = kb_var(kb, "zeros", kb_num(kb, 0, lanes));
      guard_range(e, p, sum, 0, whole);
      kb_set(kb, guard,
             kb_op2(kb, KIR_ADD, kb_use(kb, guard), kb_op1(kb, KIR_SUM, kb_use(kb, sum))));
    } else
      whole = 0;
    if (whole < p->d) guard_range(e, p, guard, whole, p->d);
  }
  return guard;
}
