/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The matrix kernel: products of weights with values, of one row or of several. In, a Mat: which
 * parts of which values, which weights, what is to be done with the sums of some units. Out, loops
 * over its tiles, and its weights in the order in which the tiles read them. */
#ifndef GRUS_LOWER_MAT_H
#define GRUS_LOWER_MAT_H

#include "lower/lower_internal.h"

/* ---- matvec.c ---- */
enum { MAT_MAX_ACC = 4, MAT_MAX_PARTS = 2 };

typedef struct MatPart {
  KirBuffer *x;
  KirIndex at; /* element k of tap (i, j) is at + i * tap_stride + j * tap2_stride + k * k_stride */
  int64_t k_stride, tap_stride, taps, d;
  int64_t taps2, tap2_stride; /* taps along a second axis; 0: none */
  int64_t group_stride;       /* added a group */
  int n_gates;
  int acc[MAT_MAX_ACC];        /* the accumulator each gate's products go to */
  const float *w[MAT_MAX_ACC]; /* by gate: [units][taps * d], units of all groups */
  KirBuffer *packed;
  const char *name;         /* "W" */
  int64_t terms;            /* pairs of bf16: inputs, where d is counted in pairs; 0: no pairs */
  int sparse;               /* inputs of a block of zeros that is left out, 1 or more; 0: none is */
  KirBuffer *first, *index; /* sparse: sparse.c */
} MatPart;

/* Units a finish callback works on. */
typedef struct MatUnits {
  KirIndex unit; /* number of the first */
  int lanes;
  int valid; /* the first so many are real, the rest padding */
} MatUnits;

typedef struct Mat {
  const Layer *layer;
  int64_t units; /* of one group */
  int64_t groups;
  int n_acc;
  int lanes;
  int n_parts;
  MatPart part[MAT_MAX_PARTS];
  const Hoisted *start;           /* where the first sums start; NULL: all at the bias */
  KirReg *start_step;             /* the step of the block whose sums those are */
  bool has_bias[MAT_MAX_ACC];     /* by accumulator; without one it starts at zero */
  const float *bias[MAT_MAX_ACC]; /* [groups * units]; NULL: none, or extern */
  const char *acc_name[MAT_MAX_ACC];
  int split;        /* partial sums; 0: as one row wants them */
  KirReg *turn;     /* number of a step: odd ones walk the tiles backwards; NULL: none */
  int tile_vectors; /* vectors of a tile; 0: as one row wants them */
  KirReg *row;      /* rows computed together: the register that numbers them; NULL: one row */
  int64_t n_rows;
  KirReg *guard;     /* added to all sums: 0, or NaN; NULL: none */
  KirBuffer *guards; /* of several rows */
  KirBuffer *packed_bias;
  const char *suffix; /* of the buffers: "", "_backward" */
  bool is_integer;    /* words of four bytes and sums of I32; weights and biases are packed */
  bool whole;         /* finish stores whole vectors: a last one of part padding is like the rest */
  void (*finish)(Emit *e, void *context, const MatUnits *units, KirReg *const *acc);
  void *context;
} Mat;

/* One tile or a run of equal ones. */
typedef struct MatTile {
  int vectors;   /* in a tile */
  int64_t first; /* vector of the first tile */
  int64_t count; /* tiles */
} MatTile;

enum { MAT_MAX_SPLIT = 4, MAT_MAX_VECTORS = 8, MAT_BLOCK = 128 };

int mat_lanes(const Lower *l, int64_t units);
/* The widest vectors that units fill by more than half. */
int mat_wide_lanes(const Lower *l, int64_t units);
void mat_emit(Emit *e, Mat *mat);
/* One row, whatever mat->row says. */
void mat_emit_row(Emit *e, Mat *mat);
/* Terms of a part. */
int64_t mat_part_depth(const MatPart *p);
/* Blocks of MAT_BLOCK terms that have sums of their own. */
int64_t mat_part_blocks(const MatPart *p);
/* One input of a block that is not left out: x[k + offset] times the weights at `w`, into partial
 * sum s of the gate. */
typedef struct MatTerm {
  int gate, s;
  KirIndex w;
  KirReg *k;
  int64_t offset;
} MatTerm;
/* Adds terms of a part to sums: n terms from `first` on, or the terms of a sparse part one by one.
 * A block of MAT_BLOCK terms has sums of its own, which `open` makes and `close` adds to the
 * others; block: its first k, NULL if the terms say that themselves. */
typedef struct MatAdder {
  void *(*open)(Emit *e, const void *sums, const MatPart *p, KirReg *block);
  void (*close)(Emit *e, void *sums, const void *part, const MatPart *p);
  void (*range)(Emit *e, void *sums, const MatPart *p, KirReg *const *tap, int64_t first,
                int64_t n);
  void (*term)(Emit *e, void *sums, const MatPart *p, const MatTerm *term);
} MatAdder;
/* All terms of a part, tap by tap. */
void mat_add_part(Emit *e, const Mat *mat, const MatPart *p, const MatTile *tile, KirReg *j,
                  const MatAdder *how, void *sums);
/* Loops over the taps of a part: their variables, NULL for one tap. They are closed by
 * close_taps. */
void mat_open_taps(Emit *e, const MatPart *p, KirReg *tap[2]);
void mat_close_taps(Emit *e, KirReg *const tap[2]);
/* The index of a weight (stride: from input to input), or of an input, moved to the tap. */
KirIndex mat_weight_tap(KirIndex at, int64_t stride, const MatPart *p, KirReg *const tap[2]);
KirIndex mat_input_tap(KirIndex at, const MatPart *p, KirReg *const tap[2]);
/* Vectors of one group. */
int64_t mat_vectors(const Mat *mat);
/* What a sum without a bias begins with, and a register for one: of integers it holds all of 32
 * bits. */
KirExpr *mat_zero(Emit *e, const Mat *mat);
KirReg *mat_new_sum(Emit *e, const Mat *mat, int a, KirExpr *start);
/* The tiles of a group, at most two runs: tiles for one row, or mat->tile_vectors in each. */
int mat_tiles(const Lower *l, const Mat *mat, MatTile tile[2]);
/* Partial sums of every sum. */
int mat_split(const Lower *l, const Mat *mat);
/* Makes the buffers of weights, in the order of the tiles; or that of the biases alone. */
void mat_pack(Lower *l, Mat *mat);
void mat_pack_bias(Lower *l, Mat *mat);
/* Counts the weights of a part among those of the layer. */
void mat_count_weights(Lower *l, const Mat *mat, const MatPart *p);
/* The weights of a part of one group, in words that are made one by one, in that order. */
typedef int32_t MatWord(const void *context, int gate, int64_t unit, int64_t k);
const int32_t *mat_pack_words(Lower *l, const Mat *mat, const MatPart *p, MatWord *word,
                              const void *context);
/* Vector `vector` of run j of the tiles of a part, gate `gate`, input k = 0. */
KirIndex mat_weight_at(const Mat *mat, const MatPart *p, const MatTile *tile, KirReg *j,
                       KirReg *group, int gate, int v);
int64_t mat_weight_stride(const Mat *mat, const MatPart *p, const MatTile *tile);
/* The packed bias of accumulator a of vector v of tile j. */
KirIndex mat_bias_at(const Mat *mat, const MatTile *tile, KirReg *j, KirReg *group, int v, int a);
/* The units of vector v of tile j. */
MatUnits mat_units(const Mat *mat, const MatTile *tile, KirReg *j, KirReg *group, int v);
/* Stores the valid lanes of value to unit `u` of a row with this stride. */
void mat_store(Emit *e, KirBuffer *b, KirIndex row, int64_t stride, const MatUnits *u,
               KirReg *value);
/* row + stride * unit. */
KirIndex mat_unit_at(KirIndex row, int64_t stride, const MatUnits *u);

/* ---- cache.c ---- */

/* How much of the weights of a step the caches hold from one step to the next; ordered. */
typedef enum CacheFit {
  CACHE_HOLDS,
  CACHE_NEARLY_HOLDS,  /* all but an eighth of the first cache, and a sixteenth more */
  CACHE_HOLDS_PART,    /* up to two and a half times the first */
  CACHE_BEYOND_FIRST,  /* the second cache holds them */
  CACHE_BEYOND_SECOND, /* neither does */
} CacheFit;
CacheFit cache_fit(const Target *target, int64_t bytes);
/* Whether products of at most so many bytes might be walked back and forth. */
bool cache_may_turn(const Target *target, int64_t bytes, bool of_stream);
/* Whether the products of mat are. */
bool mat_turns(const Emit *e, const Mat *mat, bool of_stream);
/* Then: odd steps walk the tiles backwards, t numbers the steps. The tiles are all alike, as small
 * as the sums in flight allow, and smaller where one outgrows the cache that is to keep it. */
void mat_turn(const Lower *l, Mat *mat, KirReg *t);

/* ---- pairs.c: products of bf16 two at a time ---- */

/* Rounds the operands of a mat to bf16 and pairs them, if its layer multiplies so. */
void mat_pair(Emit *e, Mat *mat);
/* One row of operands of a part as pairs, to `at` and after it. */
void pairs_pack_row(Emit *e, const MatPart *p, KirBuffer *to, KirIndex at);
/* Pair k of the weights of a unit: a MatWord of a MatPart. */
int32_t mat_weight_pair(const void *part, int gate, int64_t unit, int64_t k);
/* sum + w x, of numbers, of pairs or of words of four bytes. */
KirExpr *mat_product(Emit *e, const Mat *mat, const MatPart *p, KirExpr *w, KirExpr *x,
                     KirExpr *sum);

/* ---- sparse.c: blocks of zeros that are left out ---- */

/* How the layer of a mat leaves out zeros; NULL: not. */
const SparseShape *mat_sparse(const Lower *l, const Mat *mat);
/* The buffers of a sparse part. */
void sparse_pack(Lower *l, const Mat *mat, MatPart *p);
/* All its terms, for tile j. */
void sparse_add_part(Emit *e, const Mat *mat, const MatPart *p, const MatTile *tile, KirReg *j,
                     const MatAdder *how, void *sums);
/* A number for each row of inputs: 0, or NaN if one of them is infinite or NaN; NULL: not needed.
 */
KirReg *sparse_guard(Emit *e, const Mat *mat);
/* n numbers from 0 to `most` that say where blocks belong, and one of them as an index. */
KirBuffer *sparse_list(Lower *l, const Layer *layer, const char *name, const int32_t *data,
                       int64_t n, int64_t most, const char *doc);
KirExpr *sparse_index(Emit *e, KirBuffer *b, KirIndex at);

/* ---- tile.c: several rows of x at once ---- */
typedef struct MatRows {
  KirReg *row;   /* stands for the row in the indices of the parts' x: */
  int64_t first; /* the tile's first row, */
  KirReg *base;  /* added to it; NULL: 0 */
  KirBuffer *sums;
  KirIndex origin; /* of the first sum of row 0, */
  KirIndex at;     /* and of that of the tile's first row */
  int64_t stride;  /* from row to row */
} MatRows;

/* Chooses the vectors of mat's tiles; the rows that go with them. */
int tile_shape(const Lower *l, Mat *mat);
/* Sums of one row of a tile, in elements. */
int64_t tile_sums(const Mat *mat);
/* The sums of n rows. */
void tile_emit(Emit *e, const Mat *mat, const MatTile *tile, KirReg *j, KirReg *group,
               const MatRows *rows, int n);

/* ---- rows.c ---- */

/* Positions that a layer is mapped over: loops over all axes before the last but the longest, which
 * is left to the rows of a Mat. */
typedef struct MapRows {
  KirReg *row; /* NULL: one */
  int64_t n;
  int opened; /* loops to close */
} MapRows;
/* Opens them for two views with equal axes before the last; each index then holds the position.
 * If t is all steps of a block, those are the rows. */
MapRows map_open(Emit *e, const Layer *layer, Step t, const View *const view[2],
                 KirIndex *const at[2]);

/* All rows of mat; all but mat->row is defined where it stands. */
void rows_emit(Emit *e, Mat *mat);
/* The sums of all rows, vector after vector in rows of `stride` elements: of a mat with one
 * accumulator, whose tiles tile_shape chose and which is packed. */
void rows_sums(Emit *e, const Mat *mat, int most, KirBuffer *to, int64_t stride);
/* What is done with the sums of tile j of each row, which lie `stride` after each other. */
void rows_finish(Emit *e, const Mat *mat, const MatTile *tile, KirReg *j, KirReg *group,
                 KirBuffer *sums, int64_t stride);
/* A tile whose last vector is partly padding is finished in another way, and stands alone: takes it
 * off a run of tiles that goes on to the last vector. Its count is 0 if there is none. */
MatTile rows_last_tile(const Mat *mat, MatTile *run);

/* ---- amx.c: tiles of the processor ---- */

/* Whether the sums of a mat are made by tiles: of the samples of a batch, side by side. */
bool amx_takes(const Emit *e, const Mat *mat);
/* All rows of such a mat. */
void amx_emit(Emit *e, Mat *mat);
/* Whether the samples of a batch are enough for tiles of bytes. */
bool amx_has_rows(const Emit *e);
/* n rounded up to whole tiles. */
int64_t amx_whole(int64_t n);
/* What one part adds to the sums of some columns, in the order of its weights. */
typedef struct AmxColumns {
  KirTileOperands of; /* at the first row, and the first column */
  int n;
  int64_t at[MAT_MAX_VECTORS * MAT_MAX_ACC]; /* of the sums of each column */
  int64_t rows;                              /* whole tiles */
} AmxColumns;
void amx_columns(Emit *e, const AmxColumns *c);

/* ---- hoist.c ---- */
/* Sums of mat, whose one part reads row `row`, for all steps of the block. */
void hoist_emit(Emit *e, const HoistBlock *b, Mat *mat, KirReg *row, Hoisted *to);

/* ---- int_w8.c, int_matrix.c ---- */
/* The sums of a layer of w8. */
void int_w8_emit(Emit *e, Mat *mat);
/* The sums of a Dense or a convolution in integers. */
void int_matrix_emit(Emit *e, Mat *mat);

#endif
