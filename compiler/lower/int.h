/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files int_*.c share: layers that compute in integers, as model/quant/quant.h says. In: a
 * QuantLayer, all of whose numbers are decided. After: exact operations on I32, which the verifier
 * proves. Private to them. */
#ifndef GRUS_LOWER_INT_H
#define GRUS_LOWER_INT_H

#include "lower/int_layers.h"
#include "lower/mat.h"
#include "model/quant/quant.h"

/* ---- int_math.c ---- */
KirExpr *int_num(Emit *e, int64_t i);
KirExpr *int_add(Emit *e, KirExpr *a, KirExpr *b);
KirExpr *int_sub(Emit *e, KirExpr *a, KirExpr *b);
KirExpr *int_mul(Emit *e, KirExpr *a, KirExpr *b);
KirExpr *int_up(Emit *e, KirExpr *a, int n);   /* a 2^n */
KirExpr *int_down(Emit *e, KirExpr *a, int n); /* floor(a / 2^n) */
/* Fraction bits of what sigmoid and tanh give, and of the products with it. */
enum { Q15 = 15, Q15_HALF = 1 << (Q15 - 1) };
KirExpr *int_down_q15(Emit *e, KirExpr *a); /* a / 2^15 to nearest */
KirExpr *int_mulw(Emit *e, KirExpr *a, KirExpr *m);
/* Within lo..hi: a itself where it is known to be. */
KirExpr *int_limit(Emit *e, KirExpr *a, int64_t lo, int64_t hi);
KirExpr *int_activation(Emit *e, Activation a, KirExpr *p, int fraction);
enum { INT_LANES = 16 };
/* sigmoid and tanh, which are cubics of an argument, apart from them: the argument of p; what the
 * cubic of that makes the activation; the cubics of INT_LANES arguments at once; and what both are
 * at least and at most. */
bool int_is_cubic(Activation a);
KirExpr *int_cubic_argument(Emit *e, Activation a, KirExpr *p, int fraction);
KirExpr *int_of_cubic(Emit *e, Activation a, KirExpr *cubic);
KirExpr *int_cubics(Emit *e, KirExpr *argument);
void int_cubic_bounds(Lower *l, KirBuffer *argument, KirBuffer *cubic);
KirExpr *int_to_fraction(Emit *e, KirExpr *p, int from, int to, int64_t lo, int64_t hi);
int64_t int_constant(double x, int fraction);
KirExpr *int_scaled(Emit *e, KirExpr *a, const QuantScale *s);
/* p / 2^fraction to nearest, in the format of the result. */
KirExpr *int_settled(Emit *e, KirExpr *p, int fraction, const QuantFormat *out);
/* x in f32 as an integer of a format; and back. */
KirExpr *int_from_float(Emit *e, KirExpr *x, const QuantFormat *f);
KirExpr *int_to_float(Emit *e, KirExpr *q, double scale);
/* An element of a value as an operand. */
KirExpr *int_operand(Emit *e, KirExpr *x, const QuantFormat *value, const QuantFormat *operand);

/* ---- int_dot.c ---- */
/* A part's rows in blocks that are summed together: row of register g of block b is
 * first + b * block_stride + g * group_stride. */
typedef struct IntRows {
  int64_t first, blocks, block_stride, group_stride;
  int group;
  bool keep_zeros; /* leaves out no blocks of zeros: groups of a convolution have operands apart */
} IntRows;

typedef struct IntPart {
  const QuantPart *q;
  KirBuffer *w, *bias, *m, *scale; /* bias: NULL if all are 0; m or scale */
  int group, step;
  bool offset;   /* weights are kept with 128 added, as U8 */
  bool swapped;  /* the middle two weights of each step have changed places */
  int64_t depth; /* padded to whole steps */
  int sparse;    /* inputs of a block of zeros that is left out; 0: none is. Then: */
  KirBuffer *index, *list, *sums;
  bool quads; /* bytes four at a time: the sums are made ahead by the matrix kernel, within: */
  int64_t least, most;
  IntRows rows;
  int64_t of_gate; /* from the sum of a gate to that of the next; 0: rows come one after another */
  bool side_by_side; /* the sums of all samples of a batch are made together; then: */
  int64_t of_sample; /* from the sums of a sample to those of the next */
  bool tiles;        /* by tiles of the processor */
} IntPart;

typedef struct IntVector { /* an operand */
  KirBuffer *buffer;
  KirIndex at;
  KirReg *offset; /* 128 times the sum of its elements, for parts with `offset`; else NULL */
} IntVector;

IntPart int_pack(Emit *e, const Layer *layer, const QuantPart *part, const IntRows *rows,
                 const char *name);
/* What is done with an operand ahead of the sums that read it: summed up if it is multiplied by
 * weights with 128 added; or all sums, if blocks of zeros are left out or bytes are multiplied four
 * at a time. */
void int_offset(Emit *e, const Layer *layer, const IntPart *part, IntVector *x);
/* The sums of a block; index: of the block in the part. */
void int_sums(Emit *e, const IntPart *part, const IntVector *x, KirReg *const *index,
              const int64_t *stride, int n_index, const char *const *name, KirReg **sums);
KirExpr *int_preactivation(Emit *e, const IntPart *part, KirReg *sum, int g, KirReg *const *index,
                           const int64_t *stride, int n_index);
/* n elements at x + k * stride of a value as a row of operands, which so many blocks of rows read:
 * where they lie, or copied. */
IntVector int_vector(Emit *e, const Layer *layer, const char *name, KirBuffer *x, KirIndex at,
                     int64_t stride, int64_t n, int64_t blocks, const QuantFormat *value,
                     const QuantFormat *operand);
/* Copies them to `to`. */
void int_convert(Emit *e, KirBuffer *to, KirIndex to_at, int64_t to_stride, KirBuffer *x,
                 KirIndex at, int64_t stride, int64_t n, const QuantFormat *value,
                 const QuantFormat *operand);
KirElem int_elem(const QuantFormat *f);
/* Memory for n operands. Instructions that multiply pairs of 16 bits take 8 bits as 16. */
KirBuffer *int_new_operand(Emit *e, const Layer *layer, const char *name, const QuantFormat *f,
                           int64_t n);
/* Elements of products taken at a time: of operands in this format, to whole steps of which they
 * are padded. */
int int_step(const Emit *e, const QuantFormat *operand);

/* ---- int_sparse.c ---- */
/* Inputs of the blocks of zeros that it pays to leave out; 0: none. */
int int_sparse_depth(const Lower *l, const QuantPart *part, const IntRows *rows);
/* The buffers of a part that does, but for multipliers and scales. */
void int_sparse_pack(Emit *e, const Layer *layer, const IntRows *rows, const char *name,
                     IntPart *to);
/* All its sums. */
void int_sparse_sums(Emit *e, const IntPart *part, const IntVector *x);

/* ---- int_quads.c ---- */
/* Whether the sums of a part are made of bytes, four at a time. */
bool int_takes_quads(const Lower *l, const QuantPart *part, const IntRows *rows);
/* The weights, biases and sums of a part whose sums are. */
void int_quads_pack(Emit *e, const Layer *layer, const char *name, IntPart *to);
/* All its sums. Where samples lie side by side, this stands in a loop over them that the layer has
 * opened: it is closed for the sums of all, and opened again. */
void int_quads_sums(Emit *e, const Layer *layer, const IntPart *part, const IntVector *x);
/* Sums of all gates as they lie: gate after gate, each as wide as whole vectors. */
int64_t int_quads_width(const Lower *l, const IntPart *part);
/* The row of the part whose sum lies at `at` of that; -1: padding. */
int64_t int_quads_row(const Lower *l, const IntPart *part, int64_t at);

/* ---- int_tiles.c ---- */
/* The weights and biases of a part whose sums are made by tiles; and its sums. */
void int_tiles_pack(Emit *e, const Layer *layer, const char *name, IntPart *to);
/* The operand of a sample takes its place; then, of all samples, the sums. */
KirBuffer *int_tiles_operand(Emit *e, const Layer *layer, const IntPart *part, const IntVector *x);
void int_tiles_sums(Emit *e, const IntPart *part, KirBuffer *rows);

/* ---- the families: one step at row t ---- */
void int_embedding_step(Emit *e, const Layer *layer, Step t);
void int_same_step(Emit *e, const Layer *layer, Step t);
/* Whether a stage has the format of its input and computes something. */
bool int_same_computes(const Layer *layer);
void int_pool_step(Emit *e, const Layer *layer, Step t);
void int_rescaled_step(Emit *e, const Layer *layer, Step t);
void int_concat_step(Emit *e, const Layer *layer, Step t);
void int_over_time_before(Emit *e, const Layer *layer);
void int_over_time_step(Emit *e, const Layer *layer, Step t);
void int_over_time_after(Emit *e, const Layer *layer);

static inline QuantFormat int_format(const Lower *l, const Value *v) {
  return l->model->quant->value[v->id];
}
static inline const QuantLayer *int_layer(const Lower *l, const Layer *layer) {
  return l->model->quant->layer[layer->id];
}

#endif
