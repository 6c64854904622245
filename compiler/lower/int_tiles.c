/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sums of products of bytes by tiles of the processor, for the samples of a batch side by side. In:
 * a QuantPart of 8 bits whose operand has 8 bits, too. After: the sums of all its rows and samples.
 * Bytes of the operand have a sign or not, as the instructions do, and nothing is added to them.
 *
 *     W[vector of sums][word][row of 16][4]      x[sample][byte]      sums[sample][sum] */
#include "lower/int.h"

static int64_t words_of(const IntPart *part) {
  return amx_whole((part->q->depth + KIR_WORD - 1) / KIR_WORD);
}

/* Weight `at` of a vector: byte at % KIR_WORD of a word of one of its rows. */
static int8_t weight_at(const Lower *l, const IntPart *part, int64_t vector, int64_t at) {
  enum { WORDS = KIR_TILE * KIR_WORD };
  int64_t row = int_quads_row(l, part, vector * KIR_TILE + at % WORDS / KIR_WORD);
  int64_t k = at / WORDS * KIR_WORD + at % KIR_WORD;
  return row < 0 || k >= part->q->depth ? 0 : (int8_t)part->q->w[row * part->q->depth + k];
}

void int_tiles_pack(Emit *e, const Layer *layer, const char *name, IntPart *to) {
  Lower *l = e->l;
  int64_t of_vector = words_of(to) * KIR_TILE * KIR_WORD, vectors = to->of_sample / KIR_TILE;
  int8_t *bytes = ARENA_ARRAY(l->arena, int8_t, (vectors * of_vector));
  for (int64_t i = 0; i < vectors * of_vector; i++)
    bytes[i] = weight_at(l, to, i / of_vector, i % of_vector);
  to->w = new_constants(l, layer, name, KIR_I8, bytes, vectors * of_vector,
                        arena_printf(l->arena, "%s of %s: tiles of words of four bytes", name,
                                     layer->path ? layer->path : ""));
  to->sums = new_scratch(e, layer, arena_printf(l->arena, "s%s_sums", name), KIR_I32,
                         amx_whole(l->m->batch) * to->of_sample);
}

KirBuffer *int_tiles_operand(Emit *e, const Layer *layer, const IntPart *part, const IntVector *x) {
  Kb *kb = &e->kb;
  int64_t depth = part->q->depth, row = words_of(part) * KIR_WORD;
  KirBuffer *to = new_scratch(e, layer, "bytes", x->buffer->elem, amx_whole(e->l->m->batch) * row);
  KirIndex at = kir_at_plus(kir_at(0), row, e->sample);
  kb_copy(kb, to, at, x->buffer, x->at, depth);
  if (row > depth) kb_zero(kb, to, kir_at_offset(at, depth), row - depth);
  return to;
}

/* Rows beyond the last sample are zeros, and all sums begin at the biases. */
static void start_sums(Emit *e, const IntPart *part, KirBuffer *rows) {
  Kb *kb = &e->kb;
  int64_t batch = e->l->m->batch, all = amx_whole(batch), row = rows->count / all;
  if (all > batch) kb_zero(kb, rows, kir_at(batch * row), (all - batch) * row);
  KirReg *r = kb_for(kb, "row", 0, all, 1);
  kb_copy(kb, part->sums, kir_at_plus(kir_at(0), part->of_sample, r), part->bias, kir_at(0),
          part->of_sample);
  kb_end(kb);
}

/* `count` runs of n vectors of sums from vector `first` on. */
static void vectors_emit(Emit *e, const IntPart *part, KirBuffer *rows, int64_t first,
                         int64_t count, int n) {
  int64_t words = words_of(part), of_vector = words * KIR_TILE * KIR_WORD;
  if (count < 1) return;
  KirReg *j = count > 1 ? kb_for(&e->kb, "j", 0, count, 1) : NULL;
  AmxColumns c = {.n = n, .at = {0, KIR_TILE}, .rows = amx_whole(e->l->m->batch)};
  c.of = (KirTileOperands){
      .sums = part->sums,
      .sums_at = kir_at_plus(kir_at(first * KIR_TILE), (int64_t)n * KIR_TILE, j),
      .source = rows,
      .weights = part->w,
      .weights_at = kir_at_plus(kir_at(first * of_vector), n * of_vector, j),
      .words = words,
      .shape = {
          .sum_row = part->of_sample, .source_row = words * KIR_WORD, .weights_column = of_vector}};
  amx_columns(e, &c);
  if (j) kb_end(&e->kb);
}

void int_tiles_sums(Emit *e, const IntPart *part, KirBuffer *rows) {
  int64_t vectors = part->of_sample / KIR_TILE, whole = vectors / KIR_MOST_TILES;
  start_sums(e, part, rows);
  kb_tiles_open(&e->kb);
  vectors_emit(e, part, rows, 0, whole, KIR_MOST_TILES);
  vectors_emit(e, part, rows, whole * KIR_MOST_TILES, vectors % KIR_MOST_TILES, 1);
  kb_end(&e->kb);
}
