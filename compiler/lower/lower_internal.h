/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of lower/ share.
 *
 * Lower holds what is decided about a model before anything is emitted, and Emit is a function of
 * the module while it is written. These files do the work, in this order:
 *
 *   schedule.c    which layers run in which time loop, which values need all their rows in memory
 *   batch.c       whether the samples of a batch run side by side
 *   cell_shape.c  the step of every recurrent layer; hoist.c: which of them multiply ahead of it
 *   place.c       where each value lives: a view into a buffer
 *   entry.c       the functions, their parameters and checks
 *   axes.c        loops over the feature axes of one step
 *   loops.c       the time loops, one group of fused layers after the other
 *   matpack.c     the order of weights; matvec.c: the one matrix kernel, whose interface is mat.h
 *   recurrent.c with recurrent_start.c, recurrent_mats.c and finish.c, weighted.c, pointwise.c,
 *               reduce.c, rearrange.c: each family's step; mathfn.c: activation functions
 *
 * A sequence is computed in a loop over its steps (whole runs), or over the slots of one call
 * (streams). Layers that read only their own step run together in one loop, and what passes between
 * them is one step long. A layer that reads other steps (Conv1D, frames, delay, pools) has its
 * input's rows in memory, with `before` rows of zeros or history in front. */
#ifndef GRUS_LOWER_LOWER_INTERNAL_H
#define GRUS_LOWER_LOWER_INTERNAL_H

#include "kir/builder.h"
#include "lower/lower.h"
#include "model/infer/infer.h"

/* Where the elements of a value are: at + time * t + sum of stride[i] * index[i]. */
typedef struct View {
  KirBuffer *buffer;
  KirIndex at;
  int64_t time; /* elements from one row to the next; 0: there is one row */
  int rank;     /* the number of feature axes */
  int64_t dim[TYPE_MAX_AXES], stride[TYPE_MAX_AXES];
  bool in_block; /* its rows are those of a block of steps, not of the sequence */
} View;

/* The step that statements compute. t: its number in the sequence; NULL: there is one step.
 * in_block: its number in the block of steps, if layers hoist (hoist.c). If statements compute all
 * steps of a block at once, in_block numbers the rows of a Mat, and t is the step of its first row.
 */
typedef struct Step {
  KirReg *t, *in_block;
  int64_t rows; /* the number of steps that are computed at once; 0: one */
} Step;
#define ONLY_STEP ((Step){NULL, NULL, 0})
static inline Step step_at(KirReg *t) {
  return (Step){.t = t};
}

/* The size of the last feature axis; 1 if there is none. */
static inline int64_t view_last_dim(const View *v) {
  return v->rank ? v->dim[v->rank - 1] : 1;
}
static inline int64_t view_last_stride(const View *v) {
  return v->rank ? v->stride[v->rank - 1] : 1;
}

/* The steps of a value: what a time loop runs over. */
typedef struct Domain {
  TimeKind kind;
  int64_t n;           /* the steps; if bounded, the bound; of a stream, the slots of a call */
  int length;          /* if bounded: the index of its length */
  int64_t period, lag; /* of a stream */
} Domain;

/* A layer as something to be done. */
typedef struct Job {
  const Layer *layer;
  Domain domain;   /* the steps of its loop */
  bool hoists;     /* it multiplies for a block of steps before they run: hoist.c */
  bool by_rows;    /* it hoists, and consists of these products: the steps are rows of a Mat */
  int pass;        /* the number of its pass over a block of steps, if a layer of the loop hoists */
  int level;       /* jobs of one level and domain share a loop; lower levels come first */
  bool is_private; /* it has loops of its own: backward recurrences, reverse, overlap_add */
  bool is_alias;   /* there is nothing to do: its result is a view of its input */
  bool in_reset;   /* it computes an initial state of a stream */
  bool is_dead;    /* nothing reads its result */
  bool is_fused;   /* it is applied to the sums of the Dense or Conv1D before it */
  const Layer *tail; /* of a Dense or Conv1D: the layer that is applied to its sums, which may have
                        a tail as well */
} Job;

/* What the readers of a value need of its place. */
typedef struct Need {
  bool rows;             /* all rows in memory, not only the current one */
  int64_t before, after; /* the rows around them: of zeros or, on a stream, of history */
  bool dense;            /* a row without gaps, in order */
  bool padded;           /* zeros around feature axes, as many as the next two say */
  int64_t pad_before[TYPE_MAX_AXES], pad_after[TYPE_MAX_AXES];
  const Layer *past; /* the Conv1D whose learned past is before the rows; NULL: zeros are */
} Need;

/* Where a value is, and how it came there. */
typedef struct ValuePlace {
  Need need;
  bool decided;         /* the view is set */
  View view;            /* row 0 is the first real row */
  const Port *port_out; /* the value is in this output parameter; NULL: it is not in one */
  const Layer *concat;  /* the value is a slice of the result of this concat; NULL: it is not */
  int concat_input;     /* the number of that slice */
  bool in_block;        /* the rows of a block of steps are in memory */
  KirBuffer *kept;      /* of `state`: what it holds from step to step */
  KirBuffer *lost;      /* of `mean`: what rounding has lost of the running sum */
  KirBuffer *history;   /* on a stream: the state buffer that is moved down after each call */
  int64_t row;          /* the elements of a row, with the zeros around it */
  int64_t row_at;       /* the place of its first element in the row */
  /* Of a long history: the number of rows by which the rows of this call have moved up in the
   * buffer, and the number of calls after which the history is moved back to the front. */
  KirBuffer *position;
  KirReg *at_position;
  int64_t turns;
} ValuePlace;

/* b + W x for a block of steps: [step][vector][accumulator][lane]. */
typedef struct Hoisted {
  KirBuffer *sums;
  int64_t row; /* the elements of a step */
  int n_acc;   /* the number of accumulators that begin with these sums */
} Hoisted;

/* What a recurrent layer keeps from step to step, per direction. */
typedef struct CellPlace {
  KirBuffer *h, *c, *next; /* each `width` elements; next: h itself, or scratch of one direction */
  int64_t h_at, c_at;      /* where those of this direction begin */
  int64_t next_at;
  int64_t width;      /* the units, rounded up to whole vectors */
  int64_t positions;  /* the number of states: one for each position of the other feature axes */
  Hoisted hoisted[2]; /* by Mat of a step */
} CellPlace;

typedef struct CellShape CellShape;

/* The blocks of zeros that the products of a layer omit: sparse.c. */
typedef struct SparseShape {
  int vectors;       /* the vectors of a block of units; 0: nothing is omitted */
  int lanes;         /* the lanes of these vectors */
  bool loads_singly; /* it loads one number at a time, even if the target can load several */
  int depth[2];      /* the inputs of a block of W and of U; 0: that kernel is multiplied whole */
} SparseShape;

/* What is decided about a model before anything is emitted, and the module that is made of it. */
typedef struct Lower {
  const Model *model;
  Arena *arena;
  Diags *diags;
  LowerOptions opt;
  const Target *target;
  KirModule *m;
  bool streaming;
  bool is_tiled;       /* the samples of a batch run side by side in run or step: batch.c */
  int64_t calls_slots; /* the base steps of one call of a stream */
  Job *job;            /* by layer id */
  ValuePlace *place;   /* by value id */
  SparseShape *sparse; /* by layer id */
  CellShape *shape;    /* of recurrent layers, by layer id */
  CellPlace *cell;     /* by layer id * 2 + direction */
  KirFunc **helper;    /* the mathematical functions that mathfn.c has made */
  int n_helpers;
  size_t cap_helpers;
} Lower;

/* A function of the module while it is written, with its parameters and registers. */
typedef struct Emit {
  Lower *l;
  Kb kb;
  KirBuffer **in, **out; /* its parameters, by port; NULL: the port is none of them */
  KirReg **length;       /* by index of the length: its value */
  KirReg *calls;  /* on a stream: the number of calls since reset, counted up to the last lag,
                     or to the last step that a layer that looks back needs */
  KirReg *sample; /* the sample of the batch that the body computes; NULL: there is one */
  bool is_tiled;  /* it computes the samples side by side */
} Emit;

/* ---- schedule.c ---- */
Domain domain_of(const Lower *l, const Type *type);
bool domain_equal(Domain a, Domain b);
void schedule(Lower *l);
/* Whether the result of a job that could be a view is one. */
bool job_is_view(const Layer *layer);
/* The value a layer and its tail compute. */
const Value *fused_result(const Lower *l, const Layer *layer);
/* The rows that a Conv1D, frames, pool or delay reads: row t of the result reads the rows
 * t*hop + i*dilation + shift of the input, for i from 0 up to size. A family gives the shift of a
 * whole sequence; on a stream, window_of gives it in slots of the call. */
typedef struct Window {
  int64_t size, hop, dilation, shift;
  bool is_window;
  bool is_transposed; /* shift is in rows of the input, also on a stream, and `after` rows of zeros
                         come after a sequence */
  int64_t after;
  bool same_bounded; /* shift depends on the bounded length: padding=same with a stride */
} Window;
Window window_of(const Lower *l, const Layer *layer);

/* ---- sparse.c ---- */

/* Decides which layers omit blocks of zeros. */
void sparse_choose(Lower *l);
static inline bool layer_is_sparse(const Lower *l, const Layer *layer) {
  return l->sparse[layer->id].vectors > 0;
}

/* ---- pairs.c ---- */

/* Whether a layer rounds its operands to bf16 and multiplies them two at a time. */
bool layer_multiplies_pairs(const Lower *l, const Layer *layer);

/* ---- place.c ---- */
KirElem elem_of(const Type *type);
/* Places everything that a call computes. */
void place_values(Emit *e);
/* Places what reset computes, from its own parameters. */
void place_reset(Emit *e);
/* Where a value is that has been placed. */
const View *view_of(const Lower *l, const Value *v);
/* The index of feature 0 of the row that is `row` rows after that of step t. */
KirIndex view_row(const View *view, Step t, int64_t row);
bool view_is_dense(const View *view); /* the features of a row have no gaps, and are in C order */
int64_t view_size(const View *view);  /* the number of elements of one row */
KirBuffer *new_scratch(Emit *e, const Layer *layer, const char *name, KirElem elem, int64_t count);
/* Scratch with a part for each sample, if samples run side by side. */
KirBuffer *new_kept(Emit *e, const Layer *layer, const char *name, KirElem elem, int64_t count);
KirBuffer *new_state(Emit *e, const Layer *layer, const char *name, KirElem elem, int64_t count);
/* A name that no other buffer of the module has, from the path of the layer and a part: "gru_h". */
const char *buffer_name(Lower *l, const Layer *layer, const char *part);
/* The index of an offset in a buffer. If the buffer has a part for each sample, it is the offset in
 * the part of the sample that is computed, or of `sample`. */
KirIndex at_batch(const Emit *e, const KirBuffer *b, int64_t offset);
KirIndex at_sample(const Lower *l, const KirBuffer *b, int64_t offset, KirReg *sample);
/* Buffers of constants of a layer: a kernel in the precision of the layer, other weights in f32,
 * and any elements. */
KirBuffer *new_kernel(Lower *l, const Layer *layer, const char *part, const float *data, int64_t n,
                      const char *doc);
KirBuffer *new_weights(Lower *l, const Layer *layer, const char *part, const float *data, int64_t n,
                       const char *doc);
KirBuffer *new_constants(Lower *l, const Layer *layer, const char *part, KirElem elem,
                         const void *data, int64_t n, const char *doc);
KirOrigin layer_origin(const Layer *layer);
/* The costs of a layer, which what emits it adds up. */
KirCost *layer_cost(const Lower *l, const Layer *layer);
/* Whether a layer has a tensor of this role, even if its values come at run time. */
bool layer_has_role(const Layer *layer, Role role);

/* Emits, after the calls of all samples, the places of the rows of the next call. */
void advance_positions(Emit *e);

/* ---- loops.c ---- */
void emit_groups(Emit *e);
/* Emits zeros around the feature axes of a value, in every row that has no history. */
void zero_pads(Emit *e, const Value *v);
/* Emits copies of the inputs that need rows around them, into buffers that have these rows. */
void stage_inputs(Emit *e);
/* Emits the groups of reset, or those of run and step. */
void emit_levels(Emit *e, bool in_reset);
KirExpr *domain_count(Emit *e, Domain d); /* the steps of a whole run, an INDEX */
/* The number of slots of this call that have no value yet, an INDEX from 0 to n; NULL: there are
 * never any. */
KirExpr *domain_skip(Emit *e, Domain d);

/* ---- axes.c ---- */
/* Loops over the leading feature axes of a and b (same leading sizes, b may be NULL); vectors along
 * the last axis are then at *ia, *ib. Returns the number of loops to close. */
int open_axes(Emit *e, const View *a, const View *b, KirIndex *ia, KirIndex *ib);
/* The same over all axes of a, which are the first axes of b. */
int open_all_axes(Emit *e, const View *a, const View *b, KirIndex *ia, KirIndex *ib);
/* The same over all axes, with a third place in memory that has the elements without gaps. */
int open_axes_beside(Emit *e, const View *a, const View *b, KirIndex *ia, KirIndex *ib,
                     KirIndex *dense);
void close_loops(Emit *e, int n);
/* An element of x, which is a category, as a place in a table of so many rows. */
KirReg *category_at(Emit *e, const char *name, const View *x, KirIndex at, int64_t categories);
/* n elements in one or two parts: whole vectors, and the others one by one. */
typedef struct LineParts {
  int n;
  struct {
    int64_t from, to;
    int lanes;
  } part[2];
} LineParts;
LineParts line_parts(int64_t n, int lanes);
/* Copies all features of one row. */
void copy_row(Emit *e, const View *to, Step tt, const View *from, Step tf);
/* Sets all features of row t + row to zero. */
void zero_row(Emit *e, const View *v, Step t, int64_t row);
/* Sets all features of row t + row to one number. */
void fill_row(Emit *e, const View *v, Step t, int64_t row, double fill);

/* ---- hoist.c ---- */
/* A block of steps. */
typedef struct HoistBlock {
  Domain domain;
  int64_t size;     /* the greatest number of its steps */
  KirReg *first;    /* its first step */
  KirReg *rows;     /* the number of its steps; NULL: it is always size */
  bool reads_block; /* x has only the rows of the block */
} HoistBlock;

/* Decides which layers hoist, in which pass, and which values passes keep for each other. */
void hoist_choose(Lower *l);
int64_t hoist_block(const Lower *l, Domain d);
/* Opens the loop over blocks, and over the steps of one, whose number it returns. */
HoistBlock hoist_open(Emit *e, Domain d, bool backward);
Step hoist_steps(Emit *e, const HoistBlock *b, bool backward);
/* All steps of a block at once, for a layer by rows. */
Step hoist_rows(Emit *e, const HoistBlock *b);

/* ---- batch.c ---- */
/* Decides whether samples run side by side, and sets is_tiled. */
void batch_choose(Lower *l);
/* If so: the register that all loops over samples in a function use. */
KirReg *batch_register(Emit *e);
/* Opens a loop over the samples, if they run side by side. The result is for batch_close. */
KirStmt **batch_open(Emit *e);
void batch_close(Emit *e, KirStmt **at);
/* Whether a layer takes all samples itself. */
bool batch_takes(const Emit *e, const Layer *layer);

/* ---- mathfn.c ---- */
typedef enum MathFn {
  MATH_EXP,
  MATH_EXP_SCALED,
  MATH_EXPM1,
  MATH_LOG,
  MATH_TANH,
  MATH_SIGMOID,
  MATH_SOFTPLUS,
  MATH_GELU,
  MATH_GELU_TANH,
  MATH_SQRT_REMAINDER,
  MATH_SQRT,
  MATH_SIGMOID_DIVISOR,
  MATH_TANH_OVER,
  MATH_LSTM_STATE,
  MATH_GRU_STATE,
  MATH_FLOOR,
  MATH_ROUND,
  MATH_ERF,
  MATH_SIN,
  MATH_COS,
  MATH_ATAN2,
  MATH_EXP_FAST,
  MATH_TANH_FAST,
  MATH_SIGMOID_FAST,
  MATH_COUNT
} MathFn;
KirExpr *math_call(Emit *e, MathFn fn, KirExpr *x);
/* A call with several arguments; those that it lacks are NULL. */
KirExpr *math_gates(Emit *e, MathFn fn, KirExpr *const arg[KIR_MAX_ARGS]);
KirExpr *math_activation(Emit *e, Activation a, KirExpr *x);
/* a * b + c, as the target computes it. */
KirExpr *muladd(Emit *e, KirExpr *a, KirExpr *b, KirExpr *c);

/* ---- families.c ---- */

/* How the layers of a family of layers.def are lowered: <family>_lowering. */
typedef struct Lowering {
  void (*step)(Emit *, const Layer *, Step t); /* one step; NULL: the layer is always private */
  void (*before)(Emit *, const Layer *);       /* what comes before the time loop; NULL: nothing */
  void (*after)(Emit *, const Layer *);        /* what comes after it; NULL: nothing */
  bool (*is_private)(const Layer *);    /* whether it has a time loop of its own; NULL: never */
  void (*alone)(Emit *, const Layer *); /* the whole layer, if it is private */
  /* The result as a view of the input, which is at `in`; NULL: it is no view. */
  View (*view)(const Emit *, const Layer *, View in);
  /* The rows that it reads; NULL, or a window of size 0: only that of its own step. */
  Window (*window)(const Layer *);
  /* The number of rows before its own that it reads of every input but the first; -1: only its own
   * step; NULL: never such rows. */
  int64_t (*reach)(const Layer *);
  bool takes_samples;               /* it computes all samples of a batch at once */
  bool (*ends_time)(const Layer *); /* whether it runs over the steps to one result; NULL: never */
  bool has_kernel;                  /* it has a kernel, which may be stored in 16 bits */
  const char *text;                 /* what it computes, for the comment in generated code */
  const char *(*formula)(Lower *, const Layer *); /* the same, if options change it */
} Lowering;
#define LAYER(id, name, rule, flags, family, ...) extern const Lowering family##_lowering;
#include "model/graph/layers.def"
const Lowering *lowering_of(const Layer *layer);
/* Every layer of a kind is private. */
bool always_private(const Layer *layer);

/* The parts of a layer, emitted by its family. */
void emit_step(Emit *e, const Layer *layer, Step t);
void emit_products(Emit *e, const Layer *layer, const HoistBlock *block);
void emit_before(Emit *e, const Layer *layer);
/* Sets `rows` rows at `at` to the learned past of a Conv1D, which reads `row` elements a step. */
void fill_past(Emit *e, const Layer *conv, KirBuffer *b, KirIndex at, int64_t rows, int64_t row);
void emit_after(Emit *e, const Layer *layer);
void emit_private(Emit *e, const Layer *layer);

void recurrent_before(Emit *e, const Layer *layer, int dir);
void recurrent_step(Emit *e, const Layer *layer, int dir, Step t);
void recurrent_products(Emit *e, const Layer *layer, int dir, const HoistBlock *block);
void recurrent_place(Emit *e, const Layer *layer);
void recurrent_reset(Emit *e, const Layer *layer);
/* Emits the initial value of a `state`. */
void state_start(Emit *e, const Layer *state);
/* Whether a layer keeps a state from call to call: it reads a stream in a model of streams. */
static inline bool lower_streams(const Lower *l, const Layer *layer) {
  return l->streaming && type_is_stream(&layer->in[0]->type);
}
enum { MINUS_INFINITY = -0x00800000, PLUS_INFINITY = 0x7F800000 }; /* the bits of a float */
/* The greater or lesser of two numbers (op KIR_MAX, KIR_MIN), and NaN if one of them is NaN. */
KirExpr *farther(Kb *kb, KirOp op, KirExpr *x, KirReg *so_far);
/* Opens loops over all axes of x and y but one. If their elements have no gaps, vectors of the last
 * axis are computed at once. */
int open_lines(Emit *e, const View *x, const View *y, int axis, KirIndex *ix, KirIndex *iy);
/* The number of rows of padding before a sequence of bounded length, for padding=same with a
 * stride: conv.c. */
KirReg *same_before(Emit *e, const Layer *layer, const Window *w);
/* The result of a pointwise layer with one input; x is a register. */
KirExpr *pointwise_value(Emit *e, const Layer *layer, KirExpr *x);
void reverse_private(Emit *e, const Layer *layer);
/* The step of a layer whose result is usually a view, if it has to be a copy. */
void view_step(Emit *e, const Layer *layer, Step t);

/* ---- entry.c ---- */
Emit emit_new(Lower *l, KirFunc *f);
Emit lower_main(Lower *l); /* writes run or step */
void lower_reset(Lower *l);
/* A port as a parameter. Its axes are in storage order, after the batch. time_n < 0: it has no time
 * axis. */
KirBuffer *port_buffer(Lower *l, const char *name, KirSpace space, const Type *type, int time_pos,
                       int64_t time_n);
/* Checks every element that the model reads. n: the steps of a bounded port; NULL: it is none. */
void check_indices(Emit *e, KirBuffer *b, int time_axis, KirReg *n, KirReg *sample);
/* Opens the loop over the samples. NULL: there is one sample, and no loop. */
KirReg *open_batch(Emit *e);
void close_batch(Emit *e);

/* ---- window.c ---- */
void lower_push(Lower *l, const Emit *run);
const char *layer_doc(Lower *l, const Layer *layer, const char *formula);

#endif
