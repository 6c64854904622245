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
  int64_t time; /* elements from one row to the next; 0: one row only */
  int rank;     /* feature axes */
  int64_t dim[TYPE_MAX_AXES], stride[TYPE_MAX_AXES];
  bool in_block; /* rows are those of a block of steps, not of the sequence */
} View;

/* The step that statements compute: its number in the sequence, NULL: there is one only; and its
 * number within the block, where layers hoist (hoist.c). Or all steps of a block at once: in_block
 * numbers the rows of a Mat, and t the step of its first row. */
typedef struct Step {
  KirReg *t, *in_block;
  int64_t rows; /* computed at once; 0: one */
} Step;
#define ONLY_STEP ((Step){NULL, NULL, 0})
static inline Step step_at(KirReg *t) {
  return (Step){.t = t};
}

/* The last feature axis; without axes, one element. */
static inline int64_t view_last_dim(const View *v) {
  return v->rank ? v->dim[v->rank - 1] : 1;
}
static inline int64_t view_last_stride(const View *v) {
  return v->rank ? v->stride[v->rank - 1] : 1;
}

/* The steps of a value: what a time loop runs over. */
typedef struct Domain {
  TimeKind kind;
  int64_t n;           /* fixed: steps; bounded: bound; stream: slots a call */
  int length;          /* bounded */
  int64_t period, lag; /* stream */
} Domain;

/* A layer as something to be done. */
typedef struct Job {
  const Layer *layer;
  Domain domain;   /* of its loop */
  bool hoists;     /* products of a block of steps ahead of them: hoist.c */
  bool by_rows;    /* it hoists, and is nothing but those products: the steps are rows of a Mat */
  int pass;        /* over a block of steps, where some layer of the loop hoists */
  int level;       /* jobs of one level and domain share a loop; lower levels come first */
  bool is_private; /* has its loops to itself: backward recurrences, reverse, overlap_add */
  bool is_alias;   /* nothing to do: its result is a view of its input */
  bool in_reset;   /* computes a state that a stream starts from */
  bool is_dead;    /* nobody reads what it computes */
  bool is_fused;   /* done on the sums of the Dense or Conv1D before it */
  /* Dense, Conv1D: the layer that is applied to its sums, and so on from there */
  const Layer *tail;
} Job;

/* What the readers of a value ask of its place. */
typedef struct Need {
  bool rows;             /* all rows in memory, not only the current one */
  int64_t before, after; /* rows of zeros (streams: history) around them */
  bool dense;            /* a row in one piece, in order */
  bool padded;           /* zeros around feature axes: */
  int64_t pad_before[TYPE_MAX_AXES], pad_after[TYPE_MAX_AXES];
  const Layer *past; /* the Conv1D whose learned past stands in front instead; NULL */
} Need;

typedef struct ValuePlace {
  Need need;
  bool decided;
  View view;            /* row 0 is the first real row */
  const Port *port_out; /* lives in this output parameter */
  const Layer *concat;  /* lives in its slice of this concat's result */
  int concat_input;
  bool in_block;      /* rows of a block of steps are in memory */
  KirBuffer *kept;    /* state: what it holds from step to step */
  KirBuffer *lost;    /* mean: what rounding lost of the running sum so far */
  KirBuffer *history; /* streams: the state buffer to move down after each call */
  int64_t row;        /* elements of a row, zeros around it included */
  int64_t row_at;     /* of its first element in the row */
  /* long histories: rows by which this call's rows have wandered in the buffer */
  KirBuffer *position;
  KirReg *at_position;
  int64_t turns; /* calls until the history is moved back to the front */
} ValuePlace;

/* b + W x of a block of steps: [step][vector][accumulator][lane]. */
typedef struct Hoisted {
  KirBuffer *sums;
  int64_t row; /* elements of a step */
  int n_acc;   /* the first accumulators of the layer */
} Hoisted;

/* What a recurrent layer keeps from step to step, per direction. */
typedef struct CellPlace {
  KirBuffer *h, *c, *next; /* padded to whole vectors: see width */
  int64_t h_at, c_at;      /* of this direction */
  int64_t next_at;         /* next is h itself, or scratch of one direction */
  int64_t width;           /* units rounded up to whole vectors */
  int64_t positions;       /* states of one direction: those of the axes mapped over */
  Hoisted hoisted[2];      /* by Mat of a step */
} CellPlace;

typedef struct CellShape CellShape;

/* Which blocks of zeros of a layer's kernels are left out: sparse.c. */
typedef struct SparseShape {
  int vectors;       /* of a block of units; 0: nothing is left out */
  int lanes;         /* of these */
  bool loads_singly; /* though the target could load several numbers at once */
  int depth[2];      /* inputs of a block of W and of U; 0: that kernel is multiplied whole */
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
  bool is_tiled;       /* samples of a batch run side by side in run or step: batch.c */
  int64_t calls_slots; /* base steps of one call of a stream */
  Job *job;            /* by layer id */
  ValuePlace *place;   /* by value id */
  SparseShape *sparse; /* by layer id */
  CellShape *shape;    /* of recurrent layers, by layer id */
  CellPlace *cell;     /* by layer id * 2 + direction */
  KirFunc **helper;    /* math functions, by mathfn.c */
  int n_helpers;
  size_t cap_helpers;
} Lower;

/* A function of the module that is being written, and what its body has at hand. */
typedef struct Emit {
  Lower *l;
  Kb kb;
  KirBuffer **in, **out; /* its parameters, by port; NULL: not one of them */
  KirReg **length;       /* by length index: its value */
  KirReg *calls;         /* streams with lag: calls made since reset, up to the last lag
                            or the last step that fills what a layer looks back on */
  KirReg *sample;        /* of the batch, that the body computes; NULL: there is one only */
  bool is_tiled;         /* it computes the samples side by side */
} Emit;

/* ---- schedule.c ---- */
Domain domain_of(const Lower *l, const Type *type);
bool domain_equal(Domain a, Domain b);
void schedule(Lower *l);
/* Whether the result of a job that could be a view is one. */
bool job_is_view(const Layer *layer);
/* The value a layer and its tail compute. */
const Value *fused_result(const Lower *l, const Layer *layer);
/* Conv1D, frames, pools, delay as windows: out row t reads in rows t*hop + i*dilation + shift, for
 * i in 0..size. A family gives the shift of a whole sequence; for a stream window_of has it in
 * slots of the call. */
typedef struct Window {
  int64_t size, hop, dilation, shift;
  bool is_window;
  bool is_transposed; /* shift is in rows of the input also on a stream; `after` rows of zeros
                         after a sequence */
  int64_t after;
  bool same_bounded; /* shift depends on the run-time length: padding=same with a stride */
} Window;
Window window_of(const Lower *l, const Layer *layer);

/* ---- sparse.c ---- */

/* Which layers leave out zeros. */
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
/* Where a value is; it has been placed. */
const View *view_of(const Lower *l, const Value *v);
/* Index of feature 0 of row `row` after that of step t. */
KirIndex view_row(const View *view, Step t, int64_t row);
bool view_is_dense(const View *view); /* features contiguous in C order */
int64_t view_size(const View *view);  /* elements of one row */
KirBuffer *new_scratch(Emit *e, const Layer *layer, const char *name, KirElem elem, int64_t count);
/* Scratch with a place for each sample where they run side by side. */
KirBuffer *new_kept(Emit *e, const Layer *layer, const char *name, KirElem elem, int64_t count);
KirBuffer *new_state(Emit *e, const Layer *layer, const char *name, KirElem elem, int64_t count);
/* A name unique among the module's buffers, made of the layer's path and a part: "gru_h". */
const char *buffer_name(Lower *l, const Layer *layer, const char *part);
/* offset as an index, with the batch's share of a scratch, state or port buffer. */
KirIndex at_batch(const Emit *e, const KirBuffer *b, int64_t offset);
KirIndex at_sample(const Lower *l, const KirBuffer *b, int64_t offset, KirReg *sample);
/* Weights: floats of a layer as a const buffer. */
/* A kernel, in the precision of its layer; biases and the rest are new_weights. */
KirBuffer *new_kernel(Lower *l, const Layer *layer, const char *part, const float *data, int64_t n,
                      const char *doc);
KirBuffer *new_weights(Lower *l, const Layer *layer, const char *part, const float *data, int64_t n,
                       const char *doc);
KirBuffer *new_constants(Lower *l, const Layer *layer, const char *part, KirElem elem,
                         const void *data, int64_t n, const char *doc);
KirOrigin layer_origin(const Layer *layer);
/* What a layer costs. */
KirCost *layer_cost(const Lower *l, const Layer *layer);
/* Whether a layer has a tensor, also when its values come at run time. */
bool layer_has_role(const Layer *layer, Role role);

/* After the calls of all samples: where the next call's rows go. */
void advance_positions(Emit *e);

/* ---- loops.c ---- */
void emit_groups(Emit *e);
/* Zeros around the feature axes of a value, in every row that has no history. */
void zero_pads(Emit *e, const Value *v);
/* Inputs that need rows around them are copied into a buffer that has them. */
void stage_inputs(Emit *e);
/* The groups of reset, or of run and step. */
void emit_levels(Emit *e, bool in_reset);
KirExpr *domain_count(Emit *e, Domain d); /* steps of a whole run, INDEX */
/* Slots of this call without a value yet, INDEX in 0..n; NULL if there can be none. */
KirExpr *domain_skip(Emit *e, Domain d);

/* ---- axes.c ---- */
/* Loops over the leading feature axes of a and b (same leading sizes, b may be NULL); vectors along
 * the last axis are then at *ia, *ib. Returns the number of loops to close. */
int open_axes(Emit *e, const View *a, const View *b, KirIndex *ia, KirIndex *ib);
/* The same over all axes of a, which are the first of b. */
int open_all_axes(Emit *e, const View *a, const View *b, KirIndex *ia, KirIndex *ib);
/* And over all axes with a third place, in memory that has one element after the other. */
int open_axes_beside(Emit *e, const View *a, const View *b, KirIndex *ia, KirIndex *ib,
                     KirIndex *dense);
void close_loops(Emit *e, int n);
/* An element of x, which is one of so many categories, as a place in a table. */
KirReg *category_at(Emit *e, const char *name, const View *x, KirIndex at, int64_t categories);
/* n elements as whole vectors and the rest one by one: one or two parts. */
typedef struct LineParts {
  int n;
  struct {
    int64_t from, to;
    int lanes;
  } part[2];
} LineParts;
LineParts line_parts(int64_t n, int lanes);
/* All features of one row: to[..] = from[..]. */
void copy_row(Emit *e, const View *to, Step tt, const View *from, Step tf);
/* Zeros in all features of row t + row. */
void zero_row(Emit *e, const View *v, Step t, int64_t row);
/* One number in all features of it. */
void fill_row(Emit *e, const View *v, Step t, int64_t row, double fill);

/* ---- hoist.c ---- */
/* A block of steps. */
typedef struct HoistBlock {
  Domain domain;
  int64_t size;     /* steps, at most */
  KirReg *first;    /* its least step */
  KirReg *rows;     /* its steps; NULL: always size */
  bool reads_block; /* x has the rows of the block only */
} HoistBlock;

/* Which layers hoist, in which pass, and what passes keep for each other. */
void hoist_choose(Lower *l);
int64_t hoist_block(const Lower *l, Domain d);
/* Opens the loop over blocks, and over the steps of one, whose number it returns. */
HoistBlock hoist_open(Emit *e, Domain d, bool backward);
Step hoist_steps(Emit *e, const HoistBlock *b, bool backward);
/* All its steps at once, for a layer by rows. */
Step hoist_rows(Emit *e, const HoistBlock *b);
/* ---- batch.c ---- */
/* Whether samples run side by side: sets is_tiled. */
void batch_choose(Lower *l);
/* Then: the sample of all loops over them in a function. */
KirReg *batch_register(Emit *e);
/* A loop over the samples, if they run side by side. Returns where it stands, for batch_close. */
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
/* One of several arguments; unused ones are NULL. */
KirExpr *math_gates(Emit *e, MathFn fn, KirExpr *const arg[KIR_MAX_ARGS]);
KirExpr *math_activation(Emit *e, Activation a, KirExpr *x);
/* a * b + c in the target's way. */
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
/* `rows` rows at `at` become the learned past of a Conv1D, which reads `row` elements a step. */
void fill_past(Emit *e, const Layer *conv, KirBuffer *b, KirIndex at, int64_t rows, int64_t row);
void emit_after(Emit *e, const Layer *layer);
void emit_private(Emit *e, const Layer *layer);

void recurrent_before(Emit *e, const Layer *layer, int dir);
void recurrent_step(Emit *e, const Layer *layer, int dir, Step t);
void recurrent_products(Emit *e, const Layer *layer, int dir, const HoistBlock *block);
void recurrent_place(Emit *e, const Layer *layer);
void recurrent_reset(Emit *e, const Layer *layer);
/* A state as it starts. */
void state_start(Emit *e, const Layer *state);
/* Whether a layer keeps a state from call to call: it reads a stream in a model of streams. */
static inline bool lower_streams(const Lower *l, const Layer *layer) {
  return l->streaming && type_is_stream(&layer->in[0]->type);
}
enum { MINUS_INFINITY = -0x00800000, PLUS_INFINITY = 0x7F800000 }; /* the bits of a float */
/* The greater or lesser of both (op KIR_MAX, KIR_MIN), and NaN if either is. */
KirExpr *farther(Kb *kb, KirOp op, KirExpr *x, KirReg *so_far);
/* Loops over all axes of x and y but one; where they all lie in a row, up to the target's lanes of
 * the last axis at once. */
int open_lines(Emit *e, const View *x, const View *y, int axis, KirIndex *ix, KirIndex *iy);
/* The rows of padding in front of a window along time whose length is known only at run time, as
 * Keras has it for a stride: conv.c. */
KirReg *same_before(Emit *e, const Layer *layer, const Window *w);
/* The function of a layer with one input; x is a register. */
KirExpr *pointwise_value(Emit *e, const Layer *layer, KirExpr *x);
void reverse_private(Emit *e, const Layer *layer);
/* The step of what is usually a view, where it has to be copied after all. */
void view_step(Emit *e, const Layer *layer, Step t);

/* ---- entry.c ---- */
Emit emit_new(Lower *l, KirFunc *f);
Emit lower_main(Lower *l); /* run or step */
void lower_reset(Lower *l);
/* A port as a parameter: axes in storage order, the batch in front. time_n < 0: no time axis. */
KirBuffer *port_buffer(Lower *l, const char *name, KirSpace space, const Type *type, int time_pos,
                       int64_t time_n);
/* Checks every element the model will read; n: steps of a bounded port, else NULL. */
void check_indices(Emit *e, KirBuffer *b, int time_axis, KirReg *n, KirReg *sample);
/* The loop over the samples; its register, NULL: there is one sample. */
KirReg *open_batch(Emit *e);
void close_batch(Emit *e);

/* ---- window.c ---- */
void lower_push(Lower *l, const Emit *run);
const char *layer_doc(Lower *l, const Layer *layer, const char *formula);

#endif
