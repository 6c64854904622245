/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Blocks of images [N, h, w, c] as channels or as samples, and back. Blocks as samples may also be
 * of sequences [N, t, c], as older converters write dilated convolutions. */
#include "import/read/tflite/reader.h"

/* The sizes of the operand, which has to have `rank` axes, from axis 1 on; false after
 * reporting. */
static bool sizes_of(TflCall *c, int rank, int64_t *dim) {
  const TflTensor *t = c->from[0];
  if (t->rank != rank)
    return tfl_lacks(
        c, E902,
        "images [batch, height, width, channels] are read: give it that shape with a reshape",
        "has an operand of %d axes; at most %d are supported", t->rank, rank);
  for (int i = 1; i < rank; i++) {
    dim[i] = t->dim[i];
    if (dim[i] < 1 || dim[i] > INT32_MAX)
      return tfl_lacks(c, E902, tfl_fixed_sizes, "has an operand whose size is open along axis %d",
                       i);
  }
  return true;
}

bool tfl_op_depth_to_space(TflCall *c) {
  int64_t d[4], b = tfl_option(c, 0, 0);
  if (!sizes_of(c, 4, d)) return false;
  if (b < 1 || b > INT16_MAX || d[3] % (b * b) != 0)
    return tfl_refuse(c, E901, "has blocks of %lld", (long long)b);
  GraphValue *x =
      emit_reshape(c->emit, c->in[0], 6, (int64_t[]){-1, d[1], d[2], b, b, d[3] / (b * b)});
  x = emit_transpose(c->emit, x, 6, (int64_t[]){0, 1, 3, 2, 4, 5});
  return tfl_set_like(
      c, 0, emit_reshape(c->emit, x, 4, (int64_t[]){-1, d[1] * b, d[2] * b, d[3] / (b * b)}), 0);
}

bool tfl_op_space_to_depth(TflCall *c) {
  int64_t d[4], b = tfl_option(c, 0, 0);
  if (!sizes_of(c, 4, d)) return false;
  if (b < 1 || b > INT16_MAX || d[1] % b != 0 || d[2] % b != 0)
    return tfl_refuse(c, E901, "has blocks of %lld", (long long)b);
  GraphValue *x =
      emit_reshape(c->emit, c->in[0], 6, (int64_t[]){-1, d[1] / b, b, d[2] / b, b, d[3]});
  x = emit_transpose(c->emit, x, 6, (int64_t[]){0, 1, 3, 2, 4, 5});
  return tfl_set_like(
      c, 0, emit_reshape(c->emit, x, 4, (int64_t[]){-1, d[1] / b, d[2] / b, d[3] * b * b}), 0);
}

/* The blocks along the n axes after the batch, one or two, and what is padded or cropped there. */
typedef struct Blocks {
  int n, rank;
  int64_t dim[4], block[2];
  int64_t side[4]; /* the pads or crops before and after the first axis, then the second */
} Blocks;

static bool blocks_of(TflCall *c, Blocks *b) {
  int n;
  if (!tfl_constant_ints(c, 1, "blocks", 2, &b->n, b->block) ||
      !tfl_constant_ints(c, 2, "sides", 4, &n, b->side))
    return false;
  b->rank = c->from[0]->rank;
  if (b->n < 1 || n != 2 * b->n || b->rank < b->n + 1 || b->rank > 4)
    return tfl_refuse(c, E901, "has %d blocks and %d sides", b->n, n);
  if (!sizes_of(c, b->rank, b->dim)) return false;
  for (int i = 0; i < 2 * b->n; i++)
    if (b->block[i / 2] < 1 || b->side[i] < 0 || b->side[i] > INT16_MAX ||
        b->block[i / 2] > INT16_MAX)
      return tfl_refuse(c, E901, "has blocks or pads that are out of range");
  return true;
}

/* The first operand with zeros around it, those of its scale. pads: those before all axes, then
 * those after them. */
static GraphValue *padded(TflCall *c, int rank, const int64_t *pads) {
  GraphElem elem = GRAPH_FLOAT;
  tfl_elem(c->from[0]->type, &elem);
  double zero = tfl_quantised(c->from[0]) ? graph_at(c->from[0]->zero, 0) : 0;
  GraphValue *fill = graph_constant(c->emit->graph, "", graph_scalar(c->reader->arena, elem, zero));
  GraphNode *pad =
      emit_node(c->emit, GRAPH_Pad, 3,
                (GraphValue *[]){c->in[0], emit_ints(c->emit, 2 * rank, pads), fill}, 1);
  const char *mode = "constant";
  graph_set_words(c->emit->graph, pad, GRAPH_ATTR_mode, 1, &mode);
  return emit_done(c->emit, pad);
}

bool tfl_op_space_to_batch(TflCall *c) {
  Blocks b;
  int64_t pads[8] = {0}, split[GRAPH_MAX_RANK] = {-1}, perm[GRAPH_MAX_RANK], to[4] = {-1};
  if (!blocks_of(c, &b)) return false;
  int n = 1, m = 0;
  for (int i = 1; i < b.rank; i++) {
    int64_t block = i <= b.n ? b.block[i - 1] : 1, size = b.dim[i];
    if (i <= b.n) {
      pads[i] = b.side[2 * i - 2];
      pads[b.rank + i] = b.side[2 * i - 1];
      size += pads[i] + pads[b.rank + i];
      if (size % block != 0)
        return tfl_refuse(c, E901, "has %lld elements in blocks of %lld", (long long)size,
                          (long long)block);
      split[n++] = size / block;
      perm[m++] = n;
    }
    split[n++] = i <= b.n ? block : size;
    to[i] = size / block;
  }
  perm[m++] = 0;
  for (int i = 1; i < n; i++)
    if (i > 2 * b.n || i % 2 == 1) perm[m++] = i;
  GraphValue *parts = emit_reshape(c->emit, padded(c, b.rank, pads), n, split);
  GraphValue *y = emit_transpose(c->emit, parts, n, perm);
  return tfl_set_like(c, 0, emit_reshape(c->emit, y, b.rank, to), 0);
}

bool tfl_op_batch_to_space(TflCall *c) {
  Blocks b;
  int64_t split[GRAPH_MAX_RANK], perm[GRAPH_MAX_RANK], to[4] = {-1};
  if (!blocks_of(c, &b)) return false;
  int n = 0, m = 0;
  for (int i = 0; i < b.n; i++)
    split[n++] = b.block[i];
  split[n++] = -1;
  perm[m++] = b.n;
  for (int i = 1; i < b.rank; i++) {
    perm[m++] = n;
    split[n++] = b.dim[i];
    if (i <= b.n) perm[m++] = i - 1;
    to[i] = b.dim[i] * (i <= b.n ? b.block[i - 1] : 1);
  }
  GraphValue *y = emit_transpose(c->emit, emit_reshape(c->emit, c->in[0], n, split), n, perm);
  y = emit_reshape(c->emit, y, b.rank, to);
  for (int i = 0; i < b.n; i++)
    if (b.side[2 * i] || b.side[2 * i + 1])
      y = emit_slice(c->emit, y, 1 + i, b.side[2 * i], to[1 + i] - b.side[2 * i + 1], 1);
  return tfl_set_like(c, 0, y, 0);
}
