/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sums of products of bytes, four at a time, for targets that have an instruction for them. In: a
 * QuantPart of 8 bits whose operand has 8 bits, too. After: all its sums in memory, made by the
 * matrix kernel with units in lanes, ahead of what reads them.
 *
 * On x86 the instruction multiplies bytes without a sign by bytes with one: 128 is added to an
 * operand that has a sign, and what that adds to a sum, 128 times its weights, is taken off its
 * bias. Arm's multiplies bytes with a sign: 128 is taken off an operand that has none.
 * Inputs k, k + q, k + 2 q and k + 3 q of a row are a word, so that compilers pack words by whole
 * vectors. Sums are exact: they wrap in KIR, and are known to stay within the bounds they are
 * clamped to.
 *
 * Samples of a batch that lie side by side have their words packed first, then all their sums made
 * together, in rows of gate after gate; on processors with tiles, by those (int_tiles.c). */
#include "lower/int.h"

enum { QUAD = 4, BYTE = 8, BYTE_MASK = 0xff, OFFSET = 128 };

static int64_t words_of(const QuantPart *part) {
  return (part->depth + QUAD - 1) / QUAD;
}

/* What is added to an element of the operand to make it such a byte. */
static int64_t offset_of(const Lower *l, const QuantPart *part) {
  if (l->target->quads_signed) return part->x.is_unsigned ? -OFFSET : 0;
  return part->x.is_unsigned ? 0 : OFFSET;
}

/* Whether the gates of a unit are sums beside each other, as the blocks of its rows are. */
static bool is_by_gate(const IntRows *rows) {
  return rows->group > 1 && rows->group_stride > 1;
}

static int64_t row_of(const IntRows *rows, int64_t unit, int gate) {
  return is_by_gate(rows) ? rows->first + unit * rows->block_stride + gate * rows->group_stride
                          : rows->first + unit;
}

/* Units of a gate, or rows that come one after another; and their gates. */
static int64_t units_of(const IntRows *rows) {
  return is_by_gate(rows) ? rows->blocks : rows->blocks * rows->group;
}

static int gates_of(const IntRows *rows) {
  return is_by_gate(rows) ? rows->group : 1;
}

/* Of samples side by side a vector more costs little; tiles have all lanes. */
static int lanes_of(const Lower *l, const IntPart *part) {
  return part->side_by_side ? l->target->lanes : mat_wide_lanes(l, units_of(&part->rows));
}

/* The bias of a row as the sums of its words begin, and the least and the most that they, or a
 * part of them, can be. */
static int64_t bias_of(const Lower *l, const QuantPart *part, int64_t row, int64_t *least,
                       int64_t *most) {
  bool is_signed = l->target->quads_signed;
  int64_t lo = is_signed ? INT8_MIN : 0, hi = is_signed ? INT8_MAX : UINT8_MAX;
  int64_t offset = offset_of(l, part), bias = part->bias[row];
  for (int64_t k = 0; k < part->depth; k++)
    bias -= offset * part->w[row * part->depth + k];
  *least = *most = bias;
  for (int64_t k = 0; k < part->depth; k++) {
    int64_t w = part->w[row * part->depth + k];
    *least += w * (w < 0 ? hi : lo);
    *most += w * (w < 0 ? lo : hi);
  }
  return bias;
}

bool int_takes_quads(const Lower *l, const QuantPart *part, const IntRows *rows) {
  if (!l->target->has_quads || part->bits != BYTE || part->x.bits != BYTE || rows->keep_zeros)
    return false;
  for (int64_t r = 0; r < part->rows; r++) {
    int64_t least, most;
    bias_of(l, part, r, &least, &most);
    if (least < INT32_MIN || most > INT32_MAX) return false;
  }
  return true;
}

static int32_t weight_word(const QuantPart *part, int64_t row, int64_t k) {
  uint32_t word = 0;
  for (int i = 0; i < QUAD; i++) {
    int64_t at = k + i * words_of(part);
    uint32_t byte = at < part->depth ? (uint32_t)part->w[row * part->depth + at] & BYTE_MASK : 0;
    word |= byte << BYTE * i;
  }
  return (int32_t)word;
}

/* Tiles of about the same width: in a narrow one, few sums would wait for each other. */
static void make_even(const Lower *l, Mat *mat) {
  MatTile tile[2];
  if (mat_tiles(l, mat, tile) < 2) return;
  int64_t runs = tile[0].count + 1;
  mat->tile_vectors = (int)((mat_vectors(mat) + runs - 1) / runs);
}

/* The matrix kernel that makes the sums; its operand and what finishes it are the caller's. The
 * gates of samples side by side are units like others, in the order of the sums. */
static Mat mat_of(const Lower *l, const Layer *layer, const IntPart *part) {
  const IntRows *rows = &part->rows;
  Mat mat = {.layer = layer,
             .units = part->side_by_side ? part->of_sample : units_of(rows),
             .groups = 1,
             .lanes = lanes_of(l, part),
             .n_acc = part->side_by_side ? 1 : gates_of(rows),
             .n_parts = 1,
             .is_integer = true,
             .whole = true};
  mat.part[0] = (MatPart){.k_stride = 1,
                          .taps = 1,
                          .d = words_of(part->q),
                          .n_gates = mat.n_acc,
                          .terms = part->q->depth,
                          .packed = part->w};
  mat.packed_bias = part->bias;
  for (int a = 0; a < mat.n_acc; a++) {
    mat.part[0].acc[a] = a;
    mat.has_bias[a] = true;
    mat.acc_name[a] = "s";
  }
  if (part->side_by_side) {
    mat.split = 1; /* there are sums enough */
    tile_shape(l, &mat);
  } else
    make_even(l, &mat);
  return mat;
}

int64_t int_quads_width(const Lower *l, const IntPart *part) {
  return size_whole(units_of(&part->rows), lanes_of(l, part));
}

int64_t int_quads_row(const Lower *l, const IntPart *part, int64_t at) {
  int64_t width = int_quads_width(l, part), unit = at % width;
  return unit < units_of(&part->rows) ? row_of(&part->rows, unit, (int)(at / width)) : -1;
}

/* A MatWord of an IntPart. */
static int32_t word_at(const void *context, int gate, int64_t unit, int64_t k) {
  const IntPart *part = context;
  return weight_word(part->q, row_of(&part->rows, unit, gate), k);
}

/* The same, where the gates of samples side by side are units. */
typedef struct SideBySide {
  const Lower *l;
  const IntPart *part;
} SideBySide;

static int32_t side_word_at(const void *context, int gate, int64_t unit, int64_t k) {
  const SideBySide *of = context;
  int64_t row = int_quads_row(of->l, of->part, unit);
  (void)gate;
  return row < 0 ? 0 : weight_word(of->part->q, row, k);
}

/* The row of the part whose bias lies at i: as the sums, or [vector][gate][unit]. */
static int64_t bias_row(const Lower *l, const Mat *mat, const IntPart *part, int64_t i) {
  if (part->side_by_side) return int_quads_row(l, part, i);
  int64_t unit = i / (mat->n_acc * mat->lanes) * mat->lanes + i % mat->lanes;
  return unit < mat->units ? row_of(&part->rows, unit, (int)(i / mat->lanes % mat->n_acc)) : -1;
}

/* The biases, and the bounds of all sums. */
static const int32_t *pack_bias(Lower *l, const Mat *mat, IntPart *part) {
  int64_t n = mat_vectors(mat) * mat->lanes * mat->n_acc;
  int32_t *to = ARENA_ARRAY(l->arena, int32_t, n);
  part->least = INT32_MAX;
  part->most = INT32_MIN;
  for (int64_t i = 0; i < n; i++) {
    int64_t row = bias_row(l, mat, part, i), least, most;
    if (row < 0) continue;
    int64_t bias = bias_of(l, part->q, row, &least, &most);
    to[i] = part->tiles ? part->q->bias[row] : (int32_t)bias;
    if (least < part->least) part->least = least;
    if (most > part->most) part->most = most;
  }
  return to;
}

/* Weights in words of four bytes. */
static void pack_weights(Emit *e, const Mat *mat, const char *name, IntPart *to) {
  Lower *l = e->l;
  SideBySide of = {l, to};
  const int32_t *words = to->side_by_side ? mat_pack_words(l, mat, &mat->part[0], side_word_at, &of)
                                          : mat_pack_words(l, mat, &mat->part[0], word_at, to);
  int64_t n = mat_vectors(mat) * mat->lanes * mat->n_acc;
  to->w = new_constants(l, mat->layer, name, KIR_I32, words, n * mat->part[0].d,
                        arena_printf(l->arena, "%s of %s: four bytes a word, units in lanes", name,
                                     mat->layer->path ? mat->layer->path : ""));
  to->sums = new_kept(e, mat->layer, arena_printf(l->arena, "s%s_sums", name), KIR_I32, n);
}

void int_quads_pack(Emit *e, const Layer *layer, const char *name, IntPart *to) {
  Lower *l = e->l;
  to->side_by_side = batch_takes(e, layer);
  to->tiles = to->side_by_side && amx_has_rows(e);
  int64_t width = int_quads_width(l, to), n = width * gates_of(&to->rows);
  to->of_sample = n;
  to->of_gate = gates_of(&to->rows) > 1 ? width : 0;
  Mat mat = mat_of(l, layer, to);
  const int32_t *bias = pack_bias(l, &mat, to);
  if (to->tiles)
    int_tiles_pack(e, layer, name, to);
  else
    pack_weights(e, &mat, name, to);
  to->bias = new_constants(l, layer, arena_printf(l->arena, "b%s", name), KIR_I32, bias, n,
                           "biases, in units of the products");
}

/* A byte of the operand without its sign, in its place of a word; 0 beyond the row. */
static KirExpr *byte_at(Emit *e, const IntPart *part, const IntVector *x, KirReg *k, int64_t first,
                        int i) {
  int64_t at = first + i * words_of(part->q);
  if (at >= part->q->depth) return NULL;
  KirExpr *byte = kb_load(&e->kb, x->buffer, kir_at_plus(kir_at_offset(x->at, at), 1, k), 1);
  int64_t offset = offset_of(e->l, part->q);
  if (offset) byte = int_add(e, byte, int_num(e, offset));
  if (e->l->target->quads_signed) byte = kb_op2(&e->kb, KIR_AND, byte, int_num(e, BYTE_MASK));
  return i ? kb_op2(&e->kb, KIR_SHL, byte, int_num(e, (int64_t)BYTE * i)) : byte;
}

static void pack_words_at(Emit *e, const IntPart *part, const IntVector *x, KirReg *k,
                          int64_t first, KirBuffer *to, KirIndex at) {
  KirExpr *word = byte_at(e, part, x, k, first, 0);
  for (int i = 1; i < QUAD; i++) {
    KirExpr *byte = byte_at(e, part, x, k, first, i);
    if (byte) word = kb_op2(&e->kb, KIR_OR, word, byte);
  }
  kb_store(&e->kb, to, kir_at_plus(kir_at_offset(at, first), 1, k), word);
}

typedef struct Sums {
  KirBuffer *to;
  KirIndex at;
  int64_t of_gate;
  int n_acc;
} Sums;

static void store_sums(Emit *e, void *context, const MatUnits *units, KirReg *const *acc) {
  const Sums *sums = context;
  for (int a = 0; a < sums->n_acc; a++)
    kb_store(&e->kb, sums->to, mat_unit_at(kir_at_offset(sums->at, a * sums->of_gate), 1, units),
             kb_use(&e->kb, acc[a]));
}

/* The operand of a sample in words. */
static KirBuffer *pack_row(Emit *e, const Layer *layer, const IntPart *part, const IntVector *x) {
  Kb *kb = &e->kb;
  int64_t words = words_of(part->q), whole = part->q->depth - (QUAD - 1) * words;
  KirBuffer *z = new_kept(e, layer, "words", KIR_I32, words);
  KirIndex at = at_batch(e, z, 0);
  if (whole > 0) { /* all four bytes are there */
    KirReg *k = kb_for(kb, "k", 0, whole, 1);
    pack_words_at(e, part, x, k, 0, z, at);
    kb_end(kb);
  }
  for (int64_t k = whole > 0 ? whole : 0; k < words; k++)
    pack_words_at(e, part, x, NULL, k, z, at);
  return z;
}

/* The sums of all samples, whose words are there. */
static void sums_side_by_side(Emit *e, const Layer *layer, const IntPart *part, KirBuffer *words) {
  Mat mat = mat_of(e->l, layer, part);
  int most = tile_shape(e->l, &mat);
  mat.row = e->sample;
  mat.n_rows = e->l->m->batch;
  mat.part[0].x = words;
  mat.part[0].at = at_batch(e, words, 0);
  rows_sums(e, &mat, most, part->sums, part->of_sample);
}

static void sums_of_row(Emit *e, const Layer *layer, const IntPart *part, KirBuffer *words) {
  Mat mat = mat_of(e->l, layer, part);
  Sums sums = {part->sums, at_batch(e, part->sums, 0), part->of_gate, mat.n_acc};
  mat.part[0].x = words;
  mat.part[0].at = at_batch(e, words, 0);
  mat.finish = store_sums;
  mat.context = &sums;
  mat_emit_row(e, &mat);
}

void int_quads_sums(Emit *e, const Layer *layer, const IntPart *part, const IntVector *x) {
  KirBuffer *row = part->tiles ? int_tiles_operand(e, layer, part, x) : pack_row(e, layer, part, x);
  if (!part->side_by_side) {
    sums_of_row(e, layer, part, row);
    return;
  }
  kb_end(&e->kb);
  if (part->tiles)
    int_tiles_sums(e, part, row);
  else
    sums_side_by_side(e, layer, part, row);
  kb_for_again(&e->kb, e->sample, 0, e->l->m->batch);
}
