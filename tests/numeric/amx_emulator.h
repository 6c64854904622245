/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Emulates the instructions of AMX in C, after their description in Intel's Software Developer's
 * Manual, on processors that lack them: `gcc -mamx-int8 -mamx-bf16 -include amx_emulator.h`. The
 * program ends with a message if it uses a tile that is not configured, multiplies tiles whose
 * shapes do not fit, or does not release the tiles before it ends. */
#ifndef AMX_EMULATOR_H
#define AMX_EMULATOR_H

#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EMULATED static __attribute__((unused))

typedef struct EmulatedTile {
  int rows, bytes; /* as configured; 0: not configured */
  unsigned char row[16][64];
} EmulatedTile;

static EmulatedTile emulated[8];
static int emulated_products;

EMULATED void emulated_stop(const char *why) {
  fprintf(stderr, "emulated tiles: %s\n", why);
  abort();
}

EMULATED EmulatedTile *emulated_tile(int i) {
  if (i < 0 || i > 7 || !emulated[i].rows) emulated_stop("a tile that is not configured");
  return &emulated[i];
}

EMULATED void emulated_loadconfig(const void *memory) {
  const unsigned char *config = (const unsigned char *)memory;
  if (config[0] != 1 || config[1] != 0) emulated_stop("another palette");
  for (int i = 0; i < 8; i++) {
    memset(&emulated[i], 0, sizeof emulated[i]);
    emulated[i].bytes = config[16 + 2 * i] | config[17 + 2 * i] << 8;
    emulated[i].rows = config[48 + i];
    if (emulated[i].rows > 16 || emulated[i].bytes > 64) emulated_stop("a tile of another shape");
  }
}

EMULATED void emulated_release(void) {
  if (!emulated[0].rows) emulated_stop("released twice");
  memset(emulated, 0, sizeof emulated);
}

EMULATED void emulated_loadd(int i, const void *from, long stride) {
  EmulatedTile *tile = emulated_tile(i);
  memset(tile->row, 0, sizeof tile->row);
  for (int r = 0; r < tile->rows; r++)
    memcpy(tile->row[r], (const char *)from + r * stride, (size_t)tile->bytes);
}

EMULATED void emulated_stored(int i, void *to, long stride) {
  const EmulatedTile *tile = emulated_tile(i);
  for (int r = 0; r < tile->rows; r++)
    memcpy((char *)to + r * stride, tile->row[r], (size_t)tile->bytes);
}

EMULATED void emulated_shapes(const EmulatedTile *c, const EmulatedTile *a, const EmulatedTile *b) {
  if (a->rows != c->rows || b->bytes != c->bytes || a->bytes / 4 != b->rows)
    emulated_stop("shapes that do not fit");
  emulated_products++;
}

/* TDPBSSD if has_sign, else TDPBUSD: c += a b, in products of four bytes. The bytes of b have a
 * sign, and those of a if has_sign. */
EMULATED void emulated_bytes(int to, int from, int by, int has_sign) {
  EmulatedTile *c = emulated_tile(to), *a = emulated_tile(from), *b = emulated_tile(by);
  emulated_shapes(c, a, b);
  for (int m = 0; m < c->rows; m++)
    for (int n = 0; n < c->bytes / 4; n++) {
      uint32_t sum;
      memcpy(&sum, c->row[m] + 4 * n, 4);
      for (int k = 0; k < a->bytes; k++) {
        unsigned char u = a->row[m][k];
        int x = has_sign && u > 127 ? u - 256 : u;
        sum += (uint32_t)(x * (int)(signed char)b->row[k / 4][4 * n + k % 4]);
      }
      memcpy(c->row[m] + 4 * n, &sum, 4);
    }
}

/* The instruction takes subnormal numbers as zeros, with their sign. */
EMULATED float emulated_flush(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  if (!(bits & 0x7f800000u)) bits &= 0x80000000u;
  memcpy(&x, &bits, 4);
  return x;
}

EMULATED float emulated_bf16(const unsigned char *at) {
  uint32_t bits = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 24;
  float x;
  memcpy(&x, &bits, 4);
  return emulated_flush(x);
}

/* TDPBF16PS: c += a b in bf16. The even and the odd elements of a row are summed separately and
 * then added to c. */
EMULATED void emulated_pairs(int to, int from, int by) {
  EmulatedTile *c = emulated_tile(to), *a = emulated_tile(from), *b = emulated_tile(by);
  emulated_shapes(c, a, b);
  for (int m = 0; m < c->rows; m++)
    for (int n = 0; n < c->bytes / 4; n++) {
      float part[2] = {0, 0}, sum;
      for (int k = 0; k < a->bytes / 4; k++)
        for (int i = 0; i < 2; i++)
          part[i] =
              emulated_flush(__builtin_fmaf(emulated_bf16(a->row[m] + 4 * k + 2 * i),
                                            emulated_bf16(b->row[k] + 4 * n + 2 * i), part[i]));
      memcpy(&sum, c->row[m] + 4 * n, 4);
      sum = emulated_flush(emulated_flush(sum) + emulated_flush(part[0] + part[1]));
      memcpy(c->row[m] + 4 * n, &sum, 4);
    }
}

/* If EMULATOR_REPORT is set, prints how many products of tiles were computed, by which a test sees
 * that the program used the instructions. */
__attribute__((destructor)) static void emulator_report(void) {
  if (getenv("EMULATOR_REPORT")) fprintf(stderr, "tiles multiplied: %d\n", emulated_products);
  if (emulated[0].rows) emulated_stop("never released");
}

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbssd
#undef _tile_dpbusd
#undef _tile_dpbf16ps
#define _tile_loadconfig      emulated_loadconfig
#define _tile_release         emulated_release
#define _tile_loadd           emulated_loadd
#define _tile_stored          emulated_stored
#define _tile_dpbssd(c, a, b) emulated_bytes(c, a, b, 1)
#define _tile_dpbusd(c, a, b) emulated_bytes(c, a, b, 0)
#define _tile_dpbf16ps        emulated_pairs

#endif
