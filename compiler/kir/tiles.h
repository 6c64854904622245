/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* KIR_TILES: sums of products by tiles of KIR_TILE rows, columns and words, as processors have
 * instructions for. It stands in a section that holds tiles.
 *
 * sum (r, c), for r < KIR_TILE rows and c < KIR_TILE columns, is
 *     buffer[at + r sum_row + c / KIR_TILE sum_column + c % KIR_TILE]
 * It gains the products of the words k < count, a multiple of KIR_TILE. Word k of row r is
 *     source[from + r source_row + k]
 * and that of column c, of constants,
 *     weights[weights_at + c / KIR_TILE weights_column + KIR_TILE k + c % KIR_TILE]
 *
 * A source of I8 or U8: words are KIR_WORD bytes in a row, and places of words are counted in
 * bytes; the weights are I8, the sums I32, which wrap.
 *
 * A source of I32: words are two bf16, the weights likewise, the sums F32. For every KIR_TILE
 * words, the products of the lower halves are added in ascending order to one number that begins at
 * +0, those of the upper halves to another, and each addition rounds once. What both add up to,
 * rounded, is added to the sum, rounded. Numbers below 2^-126 are zeros of their sign, as in
 * KIR_PAIRS. */
#ifndef GRUS_KIR_TILES_H
#define GRUS_KIR_TILES_H

#include <stdint.h>

enum { KIR_TILE = 16, KIR_WORD = 4, KIR_MOST_TILES = 2 };

/* Where the tiles lie, in elements. */
typedef struct KirTiles {
  int rows, columns; /* of tiles: 1 to KIR_MOST_TILES */
  int64_t sum_row, sum_column, source_row, weights_column;
} KirTiles;

/* Elements that the sums, the rows of the source and the weights take up; and those of a word. */
struct KirStmt;
int64_t kir_tiles_sums(const struct KirStmt *s);
int64_t kir_tiles_source(const struct KirStmt *s);
int64_t kir_tiles_weights(const struct KirStmt *s);
int kir_tiles_word(const struct KirStmt *s);

#endif
