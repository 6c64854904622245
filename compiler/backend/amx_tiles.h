/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The tiles of AMX, as C and LLVM use them alike: registers of 16 rows of 64 bytes. Tiles 0 to 3
 * are sums, AMX_ROWS and the next rows of the source, AMX_COLUMNS and the next weights. */
#ifndef GRUS_BACKEND_AMX_TILES_H
#define GRUS_BACKEND_AMX_TILES_H

#include "kir/tiles.h"

#include <stdint.h>
#include <string.h>

enum { AMX_ROWS = 4, AMX_COLUMNS = 6, AMX_TILES = 8, AMX_SHAPE_BYTES = 64 };

/* What configures all tiles alike. Palette 1; bytes 16 to 31: the bytes of a row of each tile, 48
 * to 55: its rows. */
static inline void amx_shape(uint8_t out[AMX_SHAPE_BYTES]) {
  enum { WIDTHS = 16, HEIGHTS = 48 };
  memset(out, 0, AMX_SHAPE_BYTES);
  out[0] = 1;
  for (int i = 0; i < AMX_TILES; i++) {
    out[WIDTHS + 2 * i] = KIR_TILE * KIR_WORD;
    out[HEIGHTS + i] = KIR_TILE;
  }
}

#endif
