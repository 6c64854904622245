/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Dilated convolutions as TensorFlow writes them. SpaceToBatchND pads x and makes `block` samples
 * of it, the first of steps 0, block, 2 block ..., the next of the steps after these; a convolution
 * without pads works on each sample; and BatchToSpaceND puts the steps back in order and crops.
 * Together they are one convolution of dilation `block` over the padded x, and the graph gets that:
 * between the two operators, a value is the padded x itself, and TfBlocked notes its blocks.
 * Only the operators of tf_takes_blocks may read such a value (tf_in refuses others). */
#include "import/read/tf/reader.h"

#include <string.h>

/* The blocks of a value; NULL if it has none. */
static TfBlocked *marked(TfReader *r, const GraphValue *value) {
  for (TfBlocked *b = r->blocked; b; b = b->next)
    if (b->value == value) return b;
  return NULL;
}

bool tf_blocked(TfReader *r, const GraphValue *value, int64_t *block) {
  const TfBlocked *b = marked(r, value);
  for (int i = 0; b && i < 2; i++)
    block[i] = b->block[i];
  return b != NULL;
}

/* Notes the blocks of a value, which has them along n axes; block has n sizes. */
void tf_mark_blocked(TfReader *r, const GraphValue *value, int n, const int64_t *block) {
  TfBlocked *b = ARENA_NEW(r->arena, TfBlocked);
  *b = (TfBlocked){
      .value = value, .n = n, .block = {block[0], n > 1 ? block[1] : 1}, .next = r->blocked};
  r->blocked = b;
}

bool tf_takes_blocks(const TfNode *node) {
  static const char *const ops[] = {
      "Identity", "ExpandDims", "Squeeze", "Conv2D", "DepthwiseConv2dNative", "BatchToSpaceND"};
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
    if (strcmp(node->op, ops[i]) == 0) return true;
  return false;
}

/* A sequence with blocks along its only axis of steps becomes an image by an axis of size 1, whose
 * block is 1, and such an image becomes a sequence again. */
bool tf_blocks_moved(TfCall *c, const GraphValue *from, const GraphValue *to, int64_t axis,
                     bool joins) {
  const TfBlocked *b = marked(c->reader, from);
  if (!b) return true;
  int64_t block[2] = {1, 1};
  int64_t at = axis < 0 ? axis + 4 : axis; /* of the four axes that the image has */
  bool fits = (at == 1 || at == 2) && b->n == (joins ? 1 : 2) && (joins || b->block[at - 1] == 1);
  if (!fits)
    return tf_lacks(c, E902, tf_dilations, "changes axes between blocks in a way not supported");
  block[joins ? 2 - at : 0] = b->block[joins ? 0 : 2 - at];
  tf_mark_blocked(c->reader, to, joins ? 2 : 1, block);
  return true;
}

/* Operands: x [n, t, c] or [n, h, w, c], blocks, pads [axes, 2]. The result is the padded x, marked
 * with the blocks. */
bool tf_op_space_to_batch(TfCall *c) {
  GraphEmit *e = c->emit;
  GraphValue *x = tf_in(c, 0), *pads = x ? tf_in(c, 2) : NULL;
  int n;
  int64_t block[2];
  if (!pads || !tf_constant_ints(c, 1, "blocks", 2, &n, block)) return false;
  for (int i = 0; i < n; i++)
    if (block[i] < 1 || block[i] > INT16_MAX)
      return tf_refuse(c, E901, "has blocks of %lld", (long long)block[i]);
  if (n < 1) return tf_refuse(c, E901, "has no blocks");
  GraphValue *none = emit_ints(e, 1, (int64_t[]){0}), *before = emit_slice(e, pads, 1, 0, 1, 1),
             *after = emit_slice(e, pads, 1, 1, 2, 1);
  before = emit_cast(e, emit_reshape(e, before, 1, (int64_t[]){-1}), GRAPH_I64);
  after = emit_cast(e, emit_reshape(e, after, 1, (int64_t[]){-1}), GRAPH_I64);
  GraphValue *all[] = {none, before, none, none, after, none};
  x = EMIT(e, Pad, x, emit_concat(e, 0, 6, all));
  tf_mark_blocked(c->reader, x, n, block);
  tf_set(c, 0, x);
  return true;
}

/* Operands: x, blocks, crops [axes, 2]. The result is x without what is cropped, and without
 * blocks. */
bool tf_op_batch_to_space(TfCall *c) {
  GraphEmit *e = c->emit;
  GraphValue *x = tf_in(c, 0), *crops = x ? tf_in(c, 2) : NULL;
  int n;
  int64_t block[2], axes[2] = {1, 2};
  if (!crops || !tf_constant_ints(c, 1, "blocks", 2, &n, block)) return false;
  const TfBlocked *b = marked(c->reader, x);
  bool fits = b && b->n == n && b->block[0] == block[0] && (n < 2 || b->block[1] == block[1]);
  if (!fits)
    return tf_lacks(c, E902, tf_dilations, "puts back blocks that no convolution between has kept");
  GraphValue *from = emit_slice(e, crops, 1, 0, 1, 1), *cut = emit_slice(e, crops, 1, 1, 2, 1);
  from = emit_cast(e, emit_reshape(e, from, 1, (int64_t[]){-1}), GRAPH_I64);
  cut = emit_cast(e, emit_reshape(e, cut, 1, (int64_t[]){-1}), GRAPH_I64);
  GraphValue *size = emit_slice(e, EMIT(e, Shape, x), 0, 1, 1 + n, 1);
  tf_set(c, 0, EMIT(e, Slice, x, from, EMIT(e, Sub, size, cut), emit_ints(e, n, axes)));
  return true;
}
