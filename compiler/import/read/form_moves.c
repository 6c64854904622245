/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See forms.h: the same numbers elsewhere. */
#include "import/read/forms.h"

/* A new axis after the one that grows, repeated, and joined with it. */
GraphValue *form_repeated(GraphEmit *e, GraphValue *x, int rank, int axis, GraphValue *times) {
  int64_t ones[GRAPH_MAX_RANK + 1], behind = axis + 1;
  GraphValue *part[3];
  int n = 0, more = rank + 1;
  for (int k = 0; k < more; k++)
    ones[k] = 1;
  part[n++] = emit_ints(e, axis + 1, ones);
  part[n++] = times;
  if (axis + 1 < rank) part[n++] = emit_ints(e, rank - axis - 1, ones);
  x = EMIT(e, Tile, emit_unsqueeze(e, x, 1, &behind), emit_concat(e, 0, n, part));
  n = 0;
  GraphValue *size = EMIT(e, Shape, x);
  if (axis) part[n++] = emit_slice(e, size, 0, 0, axis, 1);
  part[n++] = EMIT(e, Mul, emit_slice(e, size, 0, axis, axis + 1, 1),
                   emit_slice(e, size, 0, axis + 1, axis + 2, 1));
  if (axis + 2 < more) part[n++] = emit_slice(e, size, 0, axis + 2, more, 1);
  return EMIT(e, Reshape, x, emit_concat(e, 0, n, part));
}

GraphValue *form_wrapped(GraphEmit *e, GraphValue *x, int axis, int64_t before, int64_t after) {
  GraphValue *part[3];
  int n = 0;
  if (before) part[n++] = emit_slice(e, x, axis, -before, INT32_MAX, 1);
  part[n++] = x;
  if (after) part[n++] = emit_slice(e, x, axis, 0, after, 1);
  return emit_concat(e, axis, n, part);
}

/* x [N, C, H, W] -> [N, C, H/b, b, W/b, b], its axes in another order, then joined; sizes are
 * computed. */
GraphValue *form_space_to_depth(GraphEmit *e, GraphValue *x, int64_t b, bool channel_outermost) {
  static const int64_t by_square[] = {0, 3, 5, 1, 2, 4}, by_channel[] = {0, 1, 3, 5, 2, 4};
  GraphValue *size = EMIT(e, Shape, x), *block = emit_ints(e, 1, &b);
  GraphValue *n = emit_slice(e, size, 0, 0, 1, 1), *channels = emit_slice(e, size, 0, 1, 2, 1);
  GraphValue *h = EMIT(e, FloorDiv, emit_slice(e, size, 0, 2, 3, 1), block),
             *w = EMIT(e, FloorDiv, emit_slice(e, size, 0, 3, 4, 1), block);
  GraphValue *blocks =
      EMIT(e, Reshape, x, emit_concat(e, 0, 6, (GraphValue *[]){n, channels, h, block, w, block}));
  GraphValue *moved = emit_transpose(e, blocks, 6, channel_outermost ? by_channel : by_square);
  GraphValue *depth = EMIT(e, Mul, channels, emit_int(e, b * b));
  return EMIT(e, Reshape, moved, emit_concat(e, 0, 4, (GraphValue *[]){n, depth, h, w}));
}
