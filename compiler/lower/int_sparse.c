/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Blocks of zeros in weights that are integers. In: a QuantPart whose rows come in `group` gates of
 * each unit. After, where it pays: its other blocks of ROWS units and DEPTH inputs (or one) with
 * lists that say where they belong, and a loop that leaves all sums of the part in memory, ahead of
 * the loop over units that reads them:
 *
 *     for list in 0..lists                       list = gate * (units / ROWS) + units
 *       s[0..ROWS] = bias[list]
 *       for b in first[list]..first[list + 1]
 *         s[r] += w[b][i][r] x[index[b] + i]     for i in 0..depth
 *       sums[list][r] = clamp(s[r])
 *
 * Sums of integers wrap and are exact in any order, so the bits are those of all products. The
 * clamp never acts: its bounds are those of the whole part, which the quantise stage keeps within
 * 32 bits; it tells them to the verifier. */
#include "lower/int.h"
#include "model/quant/prune.h"

enum { ROWS = PRUNE_UNITS, DEPTH = PRUNE_DEPTH };

/* What a sum costs, in tenths of a product of a sparse part: a list, a block's index, and a product
 * of a whole part. Counted on a Cortex-M4, GRU(40, 64), where a product here takes 3 instructions,
 * of 16-bit weights 2.6. Measured on Zen 4 as the time of a GRU(384): 3 with AVX-512, whose
 * compilers make vectors of the sums here, 1 with AVX2, where they do not. Other vectors are taken
 * for as good as AVX2. GAIN as in sparse.c. */
enum { OF_LIST = 200, OF_BLOCK = 20, OF_PRODUCT = 10, GAIN = 9 };

static int whole_product(const Lower *l, int bits) {
  int step = l->target->dot_step;
  if (step >= 8) return l->target->lanes >= 16 ? 3 : 1;
  if (step == 4 && l->target->dot_swapped) return bits == 8 ? 5 : 3;
  return OF_PRODUCT;
}

typedef struct Lists {
  const QuantPart *part;
  const IntRows *rows;
  int64_t units, tiles, n; /* of a gate; its lists; all lists */
} Lists;

static Lists lists_of(const QuantPart *part, const IntRows *rows) {
  bool gates = rows->block_stride == 1; /* cells: a block is a unit; else a row of its own */
  Lists to = {
      .part = part, .rows = rows, .units = gates ? rows->blocks : rows->blocks * rows->group};
  to.tiles = (to.units + ROWS - 1) / ROWS;
  to.n = to.tiles * (gates ? rows->group : 1);
  return to;
}

/* Row r of a list in the part; -1: padding. */
static int64_t row_of(const Lists *lists, int64_t list, int r) {
  int64_t unit = list % lists->tiles * ROWS + r;
  if (unit >= lists->units) return -1;
  return lists->rows->first + list / lists->tiles * lists->rows->group_stride + unit;
}

static bool is_zero(const Lists *lists, int64_t list, int64_t k, int n) {
  for (int r = 0; r < ROWS; r++) {
    int64_t row = row_of(lists, list, r);
    for (int64_t i = k; i < k + n && row >= 0; i++)
      if (lists->part->w[row * lists->part->depth + i]) return false;
  }
  return true;
}

static int64_t count_blocks(const Lists *lists, int depth) {
  int64_t n = 0;
  for (int64_t list = 0; list < lists->n; list++)
    for (int64_t k = 0; k < lists->part->depth; k += depth)
      n += !is_zero(lists, list, k, depth);
  return n;
}

int int_sparse_depth(const Lower *l, const QuantPart *part, const IntRows *rows) {
  Lists lists = lists_of(part, rows);
  bool regular = rows->block_stride == 1 || (rows->block_stride == rows->group && rows->first == 0);
  int64_t whole = lists.n * ROWS * part->depth * whole_product(l, part->bits),
          least = whole * GAIN / 10;
  int best = 0;
  if (!regular || l->opt.keep_zeros || l->m->weights_extern) return 0;
  for (int depth = 1; depth <= DEPTH; depth += DEPTH - 1) {
    if (part->depth % depth || part->depth == depth) continue; /* one block a row is none */
    int64_t cost = lists.n * OF_LIST +
                   count_blocks(&lists, depth) * (OF_BLOCK + (int64_t)depth * ROWS * OF_PRODUCT);
    if (cost >= least) continue;
    least = cost;
    best = depth;
  }
  return best;
}

/* The greatest magnitude that a sum of the part can have, as 2^n - 1. */
static int64_t bound_of(const QuantPart *part) {
  int64_t most = 0, operand = part->x.bits == 16 ? -(int64_t)INT16_MIN : UINT8_MAX, bound = 1;
  for (int64_t row = 0; row < part->rows; row++) {
    int64_t sum = part->bias[row] < 0 ? -(int64_t)part->bias[row] : part->bias[row];
    for (int64_t k = 0; k < part->depth; k++) {
      int64_t w = part->w[row * part->depth + k];
      sum += (w < 0 ? -w : w) * operand;
    }
    if (sum > most) most = sum;
  }
  while (bound - 1 < most && bound - 1 < INT32_MAX)
    bound *= 2;
  return bound - 1;
}

static KirBuffer *index_buffer(Lower *l, const Layer *layer, const char *name, const char *what,
                               const int32_t *data, int64_t n, int64_t most) {
  return sparse_list(l, layer, arena_printf(l->arena, "%s_%s", name, what), data, n, most,
                     "where blocks of weights that are not all zeros belong");
}

/* What leaving out saves; padding of the whole part to steps does not count. */
static void report(Lower *l, const Layer *layer, const IntPart *to, const Lists *lists,
                   int64_t kept) {
  KirCost *cost = layer_cost(l, layer);
  int64_t all = lists->n * ROWS * lists->part->depth;
  cost->left_out += all - kept;
  cost->saved_bytes += (all - to->w->count) * kir_elem_size(to->w->elem) - kir_bytes(to->index) -
                       kir_bytes(to->list);
}

void int_sparse_pack(Emit *e, const Layer *layer, const IntRows *rows, const char *name,
                     IntPart *to) {
  Lower *l = e->l;
  const QuantPart *part = to->q;
  Lists lists = lists_of(part, rows);
  int64_t blocks = count_blocks(&lists, to->sparse), n = (blocks ? blocks : 1),
          of_block = (int64_t)to->sparse * ROWS;
  int16_t *w = ARENA_ARRAY(l->arena, int16_t, (n * of_block));
  int8_t *narrow = ARENA_ARRAY(l->arena, int8_t, (n * of_block));
  int32_t *index = ARENA_ARRAY(l->arena, int32_t, n),
          *first = ARENA_ARRAY(l->arena, int32_t, lists.n + 1);
  int32_t *bias = ARENA_ARRAY(l->arena, int32_t, (lists.n * ROWS));
  int64_t b = 0;
  for (int64_t list = 0; list < lists.n; list++) {
    for (int r = 0; r < ROWS; r++)
      if (row_of(&lists, list, r) >= 0) bias[list * ROWS + r] = part->bias[row_of(&lists, list, r)];
    for (int64_t k = 0; k < part->depth; k += to->sparse) {
      if (is_zero(&lists, list, k, to->sparse)) continue;
      for (int64_t i = 0; i < of_block; i++) {
        int64_t row = row_of(&lists, list, (int)(i % ROWS));
        if (row >= 0) w[b * of_block + i] = part->w[row * part->depth + k + i / ROWS];
        narrow[b * of_block + i] = (int8_t)w[b * of_block + i];
      }
      index[b++] = (int32_t)k;
    }
    first[list + 1] = (int32_t)b;
  }
  bool bytes = part->bits == 8;
  const char *doc = arena_printf(l->arena, "%s of %s: [block %lld of %lld][input %d][unit of %d]",
                                 name, layer->path ? layer->path : "", (long long)blocks,
                                 (long long)(lists.n * part->depth / to->sparse), to->sparse, ROWS);
  to->w = new_constants(l, layer, name, bytes ? KIR_I8 : KIR_I16, bytes ? (const void *)narrow : w,
                        n * of_block, doc);
  to->bias = new_constants(l, layer, arena_printf(l->arena, "b%s", name), KIR_I32, bias,
                           lists.n * ROWS, "biases, in units of the products");
  to->index = index_buffer(l, layer, name, "index", index, n, part->depth - to->sparse);
  to->list = index_buffer(l, layer, name, "first", first, lists.n + 1, blocks);
  to->sums = new_kept(e, layer, arena_printf(l->arena, "s%s_sums", name), KIR_I32, lists.n * ROWS);
  to->sums->hi = bound_of(part);
  to->sums->lo = -to->sums->hi;
  to->of_gate = lists.n > lists.tiles ? lists.tiles * ROWS : 0;
  report(l, layer, to, &lists, blocks * of_block);
}

void int_sparse_sums(Emit *e, const IntPart *part, const IntVector *x) {
  Kb *kb = &e->kb;
  KirReg *sum[ROWS];
  KirReg *list = kb_for(kb, "list", 0, part->bias->count / ROWS, 1);
  KirIndex row = kir_at_plus(kir_at(0), ROWS, list), at = kir_at_plus(kir_at(0), 1, list);
  for (int r = 0; r < ROWS; r++)
    sum[r] = kb_var(kb, "s", kb_load(kb, part->bias, kir_at_offset(row, r), 1));
  for (int r = 0; r < ROWS; r++) { /* they wrap */
    sum[r]->lo = INT32_MIN;
    sum[r]->hi = INT32_MAX;
  }
  KirReg *b = kb_for_expr(kb, "b", sparse_index(e, part->list, at),
                          sparse_index(e, part->list, kir_at_offset(at, 1)), 1);
  KirReg *k = kb_let(kb, "k", sparse_index(e, part->index, kir_at_plus(kir_at(0), 1, b)));
  for (int i = 0; i < part->sparse; i++) {
    KirReg *z =
        kb_let(kb, "z", kb_load(kb, x->buffer, kir_at_plus(kir_at_offset(x->at, i), 1, k), 1));
    for (int r = 0; r < ROWS; r++) {
      KirIndex w = kir_at_plus(kir_at((int64_t)i * ROWS + r), (int64_t)part->sparse * ROWS, b);
      KirExpr *product = kb_op2(kb, KIR_MUL, kb_load(kb, part->w, w, 1), kb_use(kb, z));
      kb_set(kb, sum[r], kb_op2(kb, KIR_ADD, kb_use(kb, sum[r]), product));
    }
  }
  kb_end(kb);
  for (int r = 0; r < ROWS; r++) {
    KirExpr *within = kb_clamp(kb, kb_use(kb, sum[r]), part->sums->lo, part->sums->hi);
    KirIndex to = kir_at_offset(at_batch(e, part->sums, 0), r);
    kb_store(kb, part->sums, kir_at_plus(to, ROWS, list), within);
  }
  kb_end(kb);
}
