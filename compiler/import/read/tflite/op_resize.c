/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Resizing of images [N, h, w, c] along h and w. The nearest element is a Gather; between two
 * elements, the result is a product with a matrix of each axis, which has the weights of both. */
#include "import/read/tflite/reader.h"
#include "import/read/window.h"

#include <math.h>

enum { NEAREST = 97, LARGEST = 1024 };

/* One axis. */
typedef struct Resize {
  int64_t from, to;      /* its size before and after */
  bool corners, centres; /* align_corners, half_pixel_centers */
} Resize;

/* Where element i of the result lies between the elements of the operand. */
static double place_of(const Resize *r, int64_t i) {
  double step = r->corners && r->to > 1 ? (double)(r->from - 1) / (double)(r->to - 1)
                                        : (double)r->from / (double)r->to;
  return r->centres ? ((double)i + 0.5) * step - (r->corners ? 0 : 0.5) : (double)i * step;
}

/* The element that the interpreter takes for element i of the result. It computes in single
 * precision, which decides where i lies at an edge between two elements. */
static int64_t nearest_place(const Resize *r, int64_t i) {
  float step = r->corners && r->to > 1 ? (float)(r->from - 1) / (float)(r->to - 1)
                                       : (float)r->from / (float)r->to;
  float at = ((float)i + (r->centres ? 0.5F : 0)) * step;
  int64_t k = (int64_t)(r->corners ? roundf(at) : floorf(at));
  return k < r->from ? k : r->from - 1;
}

static GraphValue *nearest(TflCall *c, GraphValue *x, int64_t axis, const Resize *r) {
  int64_t *place = ARENA_ARRAY(c->reader->arena, int64_t, r->to);
  for (int64_t i = 0; i < r->to; i++)
    place[i] = nearest_place(r, i);
  return emit_gather(c->emit, x, axis, (int)r->to, place);
}

/* The matrix [to, from] of an axis: row i has the weights of the two elements around element i of
 * the result. NULL if it has too many numbers. */
static GraphValue *weights(TflCall *c, const Resize *r) {
  double *data;
  if ((c->reader->numbers -= r->to * r->from) < 0) return NULL;
  GraphTensor *t =
      graph_tensor(c->reader->arena, GRAPH_FLOAT, 2, (int64_t[]){r->to, r->from}, &data);
  for (int64_t i = 0; t && i < r->to; i++) {
    double at = fmax(0, place_of(r, i));
    int64_t low = (int64_t)floor(at), high = low + 1 < r->from ? low + 1 : r->from - 1;
    if (low > r->from - 1) low = r->from - 1;
    data[i * r->from + low] += 1 - (at - floor(at));
    data[i * r->from + high] += at - floor(at);
  }
  return t ? graph_constant(c->emit->graph, "", t) : NULL;
}

bool tfl_op_resize(TflCall *c) {
  bool is_nearest = c->op.code == NEAREST;
  Resize r[2];
  int n;
  int64_t size[2];
  if (!tfl_constant_ints(c, 1, "size", 2, &n, size)) return false;
  for (int i = 0; i < 2; i++) {
    int64_t from = c->from[0]->rank == 4 ? c->from[0]->dim[1 + i] : GRAPH_OPEN;
    if (n != 2 || from < 1 || size[i] < 1 || from > LARGEST || size[i] > LARGEST)
      return tfl_lacks(
          c, E902,
          arena_printf(c->reader->arena,
                       "images of 1 to %d rows and columns that the file fixes are read: %s",
                       LARGEST, tfl_fixed_sizes),
          "resizes a size that is open or too large");
    r[i] =
        (Resize){from, size[i], tfl_flag(c, is_nearest ? 0 : 2), tfl_flag(c, is_nearest ? 1 : 3)};
  }
  if (is_nearest)
    return tfl_set_like(c, 0, nearest(c, nearest(c, c->in[0], 1, &r[0]), 2, &r[1]), 0);
  GraphValue *rows = weights(c, &r[0]), *columns = weights(c, &r[1]);
  if (!rows || !columns)
    return tfl_lacks(
        c, E902,
        arena_printf(c->reader->arena, "images of 1 to %d rows and columns are read", LARGEST),
        "resizes a size that is too large");
  GraphValue *x = channels_first(c->emit, tfl_real(c, 0));
  GraphValue *y = EMIT(c->emit, MatMul, EMIT(c->emit, MatMul, rows, x),
                       emit_transpose(c->emit, columns, 2, (int64_t[]){1, 0}));
  return tfl_set_real(c, 0, channels_last(c->emit, y));
}
