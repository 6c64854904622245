/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sums of integer products. In: a QuantPart and an operand. After: its weights packed in the order
 * in which they are summed, [block][k / step][row of the block][k % step], and the sums as
 * registers. Arm's DSP instructions extend the even bytes of a word at once, and the odd ones: for
 * them the middle two bytes change places. The smallest cores load bytes without
 * their sign: for them 128 is added to each weight, and 128 times the sum of the operand taken off
 * again. */
#include "lower/int.h"

KirElem int_elem(const QuantFormat *f) {
  if (!f->bits) return KIR_F32;
  return f->bits == 16 ? KIR_I16 : f->is_unsigned ? KIR_U8 : KIR_I8;
}

/* Whether bytes have to be 16 bits before they are multiplied. */
static bool takes_pairs(const Emit *e) {
  return e->l->target->dot_swapped;
}

KirBuffer *int_new_operand(Emit *e, const Layer *layer, const char *name, const QuantFormat *f,
                           int64_t n) {
  KirElem elem = int_elem(f);
  if (!takes_pairs(e) || elem == KIR_I16) return new_kept(e, layer, name, elem, n);
  KirBuffer *q = new_kept(e, layer, name, KIR_I16, n);
  q->lo = elem == KIR_U8 ? 0 : INT8_MIN;
  q->hi = elem == KIR_U8 ? UINT8_MAX : INT8_MAX;
  return q;
}

int int_step(const Emit *e, const QuantFormat *operand) {
  const Target *t = e->l->target;
  bool bytes = operand->bits == 8 && !operand->is_unsigned;
  if (bytes && t->dot_step_bytes) return t->dot_step_bytes;
  return t->dot_step ? t->dot_step : 1;
}

static int64_t row_of(const IntRows *rows, int64_t block, int g) {
  return rows->first + block * rows->block_stride + g * rows->group_stride;
}

/* The place of weight k within its step. */
static int64_t place_in_step(const IntPart *to, int64_t k) {
  int64_t j = k % to->step;
  return to->swapped && (j == 1 || j == 2) ? 3 - j : j;
}

static void pack_weights(const QuantPart *part, const IntRows *rows, const IntPart *to,
                         int16_t *w) {
  for (int64_t b = 0; b < rows->blocks; b++)
    for (int g = 0; g < rows->group; g++) {
      const int16_t *from = part->w + row_of(rows, b, g) * part->depth;
      for (int64_t k = 0; k < part->depth; k++)
        w[b * to->depth * rows->group + (k / to->step * rows->group + g) * to->step +
          place_in_step(to, k)] = from[k];
    }
}

enum { OFFSET = 128, OFFSET_BITS = 7 };

/* Whether sums with 128 added to the weights stay within 32 bits, too. */
static bool offset_fits(const QuantPart *part) {
  int64_t most = part->x.bits == 16 ? -(int64_t)INT16_MIN : UINT8_MAX;
  for (int64_t r = 0; r < part->rows; r++) {
    int64_t sum = part->bias[r] < 0 ? -(int64_t)part->bias[r] : part->bias[r];
    for (int64_t k = 0; k < part->depth; k++)
      sum += (part->w[r * part->depth + k] + OFFSET) * most;
    if (sum > INT32_MAX) return false;
  }
  return part->shift == 0;
}

/* Weights that a program passes at run time may have biases even if those of the model have none.
 */
static bool needs_bias(const Lower *l, const int32_t *bias, int64_t n) {
  bool any = l->m->weights_extern;
  for (int64_t i = 0; i < n; i++)
    any = any || bias[i] != 0;
  return any;
}

IntPart int_pack(Emit *e, const Layer *layer, const QuantPart *part, const IntRows *rows,
                 const char *name) {
  Lower *l = e->l;
  QuantFormat wide = {.bits = 16};
  bool bytes = part->bits == 8;
  IntPart to = {.q = part,
                .group = rows->group,
                .rows = *rows,
                .step = int_step(e, bytes ? &part->x : &wide)};
  to.sparse = rows->keep_zeros ? 0 : int_sparse_depth(l, part, rows);
  to.quads = !to.sparse && int_takes_quads(l, part, rows);
  to.offset = l->target->dot_unsigned && part->bits == 8 && !to.sparse && offset_fits(part);
  to.swapped = l->target->dot_swapped && part->bits == 8;
  to.depth = size_whole(part->depth, to.step);
  int64_t n = rows->blocks * rows->group;
  int16_t *w = ARENA_ARRAY(l->arena, int16_t, (n * to.depth));
  int8_t *narrow = ARENA_ARRAY(l->arena, int8_t, (n * to.depth));
  int32_t *bias = ARENA_ARRAY(l->arena, int32_t, n);
  int16_t *m = ARENA_ARRAY(l->arena, int16_t, n);
  float *scale = ARENA_ARRAY(l->arena, float, n);
  pack_weights(part, rows, &to, w);
  for (int64_t i = 0; i < n * to.depth && part->bits == 8; i++)
    narrow[i] = (int8_t)(to.offset ? w[i] + OFFSET : w[i]);
  for (int64_t b = 0; b < rows->blocks; b++)
    for (int g = 0; g < rows->group; g++) {
      int64_t row = row_of(rows, b, g), at = b * rows->group + g;
      if (to.quads && rows->group_stride > 1) at = g * rows->blocks + b; /* as the sums lie */
      bias[at] = part->bias[row];
      if (part->m) m[at] = part->m[row];
      scale[at] = (float)(part->scale[row] * part->x.scale);
    }
  const char *doc = arena_printf(l->arena, "%s of %s: [block %lld][%lld][row %d][%d]", name,
                                 layer->path ? layer->path : "", (long long)rows->blocks,
                                 (long long)(to.depth / to.step), rows->group, to.step);
  layer_cost(l, layer)->kernel_weights += part->rows * part->depth;
  KirElem elem = to.offset ? KIR_U8 : bytes ? KIR_I8 : KIR_I16;
  if (to.sparse)
    int_sparse_pack(e, layer, rows, name, &to);
  else if (to.quads)
    int_quads_pack(e, layer, name, &to);
  else {
    to.w = new_constants(l, layer, name, elem, bytes ? (const void *)narrow : w, n * to.depth, doc);
    if (needs_bias(l, bias, n))
      to.bias = new_constants(l, layer, arena_printf(l->arena, "b%s", name), KIR_I32, bias, n,
                              "biases, in units of the products");
  }
  if (part->m) {
    to.m = new_constants(l, layer, arena_printf(l->arena, "m%s", name), KIR_I16, m, n,
                         "from sums to preactivations");
    to.m->lo = 0;
    to.m->hi = INT16_MAX;
  } else
    to.scale = new_constants(l, layer, arena_printf(l->arena, "s%s", name), KIR_F32, scale, n,
                             "what a unit of the sums stands for");
  return to;
}

/* Of a block, in elements of `size` a block. */
static KirIndex block_at(int64_t offset, int64_t size, KirReg *const *index, const int64_t *stride,
                         int n_index) {
  KirIndex at = kir_at(offset);
  for (int i = 0; i < n_index; i++)
    at = kir_at_plus(at, stride[i] * size, index[i]);
  return at;
}

void int_offset(Emit *e, const Layer *layer, const IntPart *part, IntVector *x) {
  Kb *kb = &e->kb;
  if (part->sparse) int_sparse_sums(e, part, x);
  if (part->quads) int_quads_sums(e, layer, part, x);
  if (!part->offset || x->offset) return;
  KirReg *sum = kb_var(kb, "sum", int_num(e, 0)), *k = kb_for(kb, "k", 0, part->depth, 1);
  KirExpr *element = kb_load(kb, x->buffer, kir_at_plus(x->at, 1, k), 1);
  kb_set(kb, sum, kb_op2(kb, KIR_ADD, kb_use(kb, sum), element));
  kb_end(kb);
  x->offset = kb_let(kb, "offset", kb_op2(kb, KIR_SHL, kb_use(kb, sum), int_num(e, OFFSET_BITS)));
}

/* The sums of a block that were made ahead. */
static void load_sums(Emit *e, const IntPart *part, KirReg *const *index, const int64_t *stride,
                      int n_index, const char *const *name, KirReg **sums) {
  for (int g = 0; g < part->group; g++) {
    int64_t first = part->of_gate ? g * part->of_gate : g;
    KirIndex at = part->side_by_side ? kir_at_plus(kir_at(first), part->of_sample, e->sample)
                                     : at_batch(e, part->sums, first);
    for (int i = 0; i < n_index; i++)
      at = kir_at_plus(at, part->of_gate ? stride[i] : stride[i] * part->group, index[i]);
    KirExpr *sum = kb_load(&e->kb, part->sums, at, 1);
    if (part->quads) sum = kb_clamp(&e->kb, sum, part->least, part->most);
    sums[g] = kb_let(&e->kb, name[g], sum);
  }
}

void int_sums(Emit *e, const IntPart *part, const IntVector *x, KirReg *const *index,
              const int64_t *stride, int n_index, const char *const *name, KirReg **sums) {
  if (part->sparse || part->quads) {
    load_sums(e, part, index, stride, n_index, name, sums);
    return;
  }
  KirDot dot = {.w = part->w,
                .z = x->buffer,
                .bias = part->bias,
                .z_at = x->at,
                .count = part->depth,
                .step = part->step,
                .swapped = part->swapped};
  dot.w_at = block_at(0, part->group * part->depth, index, stride, n_index);
  if (part->bias) dot.bias_at = block_at(0, part->group, index, stride, n_index);
  kb_dot(&e->kb, sums, part->group, name, &dot);
  for (int r = 0; r < part->group && part->offset; r++) {
    KirExpr *sum = kb_op2(&e->kb, KIR_SUB, kb_use(&e->kb, sums[r]), kb_use(&e->kb, x->offset));
    sums[r] = kb_let(&e->kb, name[r], sum);
  }
}

KirExpr *int_preactivation(Emit *e, const IntPart *part, KirReg *sum, int g, KirReg *const *index,
                           const int64_t *stride, int n_index) {
  bool by_gate = part->quads && part->of_gate;
  KirIndex at = by_gate ? block_at(g * part->rows.blocks, 1, index, stride, n_index)
                        : block_at(g, part->group, index, stride, n_index);
  KirExpr *m = kb_load(&e->kb, part->m, at, 1);
  return int_mulw(e, int_up(e, kb_use(&e->kb, sum), part->q->shift), m);
}

void int_convert(Emit *e, KirBuffer *to, KirIndex to_at, int64_t to_stride, KirBuffer *x,
                 KirIndex at, int64_t stride, int64_t n, const QuantFormat *value,
                 const QuantFormat *operand) {
  Kb *kb = &e->kb;
  bool same = value->bits && value->bits <= operand->bits && to->elem == x->elem;
  if (same && stride == 1 && to_stride == 1) {
    kb_copy(kb, to, to_at, x, at, n);
    return;
  }
  KirReg *k = n > 1 ? kb_for(kb, "k", 0, n, 1) : NULL;
  KirExpr *q = int_operand(e, kb_load(kb, x, kir_at_plus(at, stride, k), 1), value, operand);
  kb_store(kb, to, kir_at_plus(to_at, to_stride, k), q);
  if (k) kb_end(kb);
}

/* Words of what the caller owns may begin anywhere, and then come one by one: for more blocks of
 * rows than a few, a copy costs less. */
static bool pays_copy(const Emit *e, const KirBuffer *x, int64_t blocks) {
  enum { BY_WORDS = 4, FEW_BLOCKS = 4 };
  return e->l->target->dot_step == BY_WORDS && x->space == KIR_IN && blocks > FEW_BLOCKS;
}

/* Whether elements can be multiplied where they lie. */
static bool lies_ready(const Emit *e, const KirBuffer *x, int64_t stride, int64_t n,
                       const QuantFormat *value) {
  bool has_width = x->elem == KIR_I16 || (x->elem != KIR_F32 && !takes_pairs(e));
  return value->bits && stride == 1 && has_width && n % int_step(e, value) == 0;
}

IntVector int_vector(Emit *e, const Layer *layer, const char *name, KirBuffer *x, KirIndex at,
                     int64_t stride, int64_t n, int64_t blocks, const QuantFormat *value,
                     const QuantFormat *operand) {
  bool fits = value->bits && value->bits <= operand->bits;
  if (fits && lies_ready(e, x, stride, n, value) && !pays_copy(e, x, blocks))
    return (IntVector){.buffer = x, .at = at};
  int64_t step = int_step(e, fits ? value : operand), padded = size_whole(n, step);
  KirBuffer *q = int_new_operand(e, layer, name, fits ? value : operand, padded);
  KirIndex q_at = at_batch(e, q, 0);
  int_convert(e, q, q_at, 1, x, at, stride, n, value, operand);
  if (padded > n) kb_zero(&e->kb, q, kir_at_offset(q_at, n), padded - n);
  return (IntVector){.buffer = q, .at = q_at};
}
