/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* KIR, the kernel IR: what lower/ decides and the backends print.
 *
 * A module has buffers (memory with a name and a space) and functions. A function body is a tree of
 * statements: counted loops, tests, assignments of virtual registers, stores. The right-hand sides
 * are trees of pure expressions. Vector width, unrolling, register tiles and the layout of weights
 * are already decided: a backend turns each node into one thing of its language and decides
 * nothing.
 *
 * Arithmetic. Every f32 operation rounds once, to nearest even, in the order of the tree; nothing
 * is reassociated or contracted. KIR_FMA rounds once for a*b+c, KIR_MAD twice. Integer arithmetic
 * never overflows for index. For i32 it wraps in two's complement, except where a node is exact:
 * then the verifier has proved, from what its operands can be, that it does not overflow.
 *
 *     for t in 0..49                              KIR_FOR
 *       let a = load b_gru[3*u]                   KIR_LET (mutable, set below)
 *       for k in 0..13
 *         set a = mad(load w[13*u + k], load mfcc[13*t + k], a)
 *       store h[u] = sigmoid(a)                   KIR_STORE of a KIR_CALL */
#ifndef GRUS_KIR_KIR_H
#define GRUS_KIR_KIR_H

#include "base/shape.h"
#include "base/source.h"
#include "base/text.h"
#include "kir/tiles.h"

#include <stdint.h>

typedef struct KirBuffer KirBuffer;
typedef struct KirReg KirReg;
typedef struct KirExpr KirExpr;
typedef struct KirStmt KirStmt;
typedef struct KirFunc KirFunc;
typedef struct KirModule KirModule;

/* Element types. Memory may hold all but BOOL and INDEX; registers all but F16, BF16, I8..U16,
 * which a load widens: f16 and bf16 to f32, the small integers to i32. */
typedef enum KirElem {
  KIR_F32,
  KIR_F16,
  KIR_BF16, /* the upper half of an f32 */
  KIR_I8,
  KIR_I16,
  KIR_I32,
  KIR_U8,
  KIR_U16,
  KIR_SIZE,  /* size_t: run-time lengths as the caller passes them; only loaded and compared */
  KIR_INDEX, /* loop variables, rows, lengths after their check: signed, at least 32 bits, fits
                every index of the module (C: int, LLVM: i32) */
  KIR_BOOL   /* result of a comparison; lanes as its operands */
} KirElem;

typedef struct KirType {
  KirElem elem;
  int lanes; /* 1: scalar; 2, 4, 8, 16: vector */
} KirType;

/* Which layer a node comes from, for comments, debug info and the verifier's messages. */
typedef struct KirOrigin {
  const char *layer; /* its path, "probs.gru"; NULL: the model as a whole */
  Span span;
} KirOrigin;

typedef enum KirSpace {
  KIR_CONST,   /* weights: data is given, read only */
  KIR_STATE,   /* a field of the state (or window) struct, kept between calls */
  KIR_SCRATCH, /* lives during one call; placed by kir_plan at scratch_offset */
  KIR_IN,      /* parameter, read only */
  KIR_OUT      /* parameter, written */
} KirSpace;

enum {
  KIR_MAX_RANK = 10,
  KIR_MAX_TERMS = 16,
  KIR_MAX_ARGS = 4,
  KIR_MAX_LOADS = 16,
  KIR_MAX_TABLE = 128
};

/* All accesses are flat: element offset from the first element. dim is how a C declaration shows
 * it: their product is count. */
struct KirBuffer {
  int id; /* index in module->buffer */
  const char *name;
  KirSpace space;
  KirElem elem;
  int64_t count; /* elements, at least 1, at most INT32_MAX */
  int rank;      /* 0: one element; IN: passed by value */
  int64_t dim[KIR_MAX_RANK];
  bool is_per_sample; /* holds count / batch elements of each sample of the batch */
  int align;          /* bytes the first element is aligned to; ports: of their element type */
  const char *doc;    /* "kernel of probs.gru, packed [tile][k][gate][lane]", may be NULL */
  KirOrigin origin;
  const void *data;           /* CONST: count elements in host representation. In an extern build it
                                     serves only to write the block of weights */
  int64_t weight_offset;      /* CONST: bytes from the start of the block of an extern build */
  int64_t scratch_offset;     /* SCRATCH: in bytes in the module's scratch area, set by kir_plan */
  int64_t live_from, live_to; /* SCRATCH: first and last statement that touches it, from 1, set by
                                 kir_plan; 0: none */
  int64_t categories;         /* ports holding an index(n): n; else 0 */
  int64_t lo, hi; /* integers: all that is ever stored; lo == hi: whatever the type holds */
};

/* A virtual register. Defined by one KIR_LET, by KIR_FOR (several loops may share one, as long as
 * none stands in another) or as a parameter of a helper; visible in the rest of the statement list
 * where it is defined and everything nested there. */
struct KirReg {
  int id;           /* dense in its function */
  const char *name; /* a hint: "z", "k"; several registers may share it */
  KirType type;
  bool is_mutable; /* changed by KIR_SET */
  int64_t lo, hi;  /* INDEX and I32: least and greatest value ever taken, both included; what bounds
                      checks and exact arithmetic rest on. Loop variables: within the loop */
};

typedef struct KirTerm {
  int64_t stride;
  KirReg *var;
} KirTerm;

/* offset + sum of stride * var, in elements. Each var is an INDEX register. */
typedef struct KirIndex {
  int64_t offset;
  int n_terms;
  KirTerm term[KIR_MAX_TERMS];
} KirIndex;

typedef enum KirOp {
  KIR_NUM,  /* constant: f for F32, i for I32 and INDEX and SIZE; lanes > 1: in every lane */
  KIR_REG,  /* reg */
  KIR_LOAD, /* buffer[at], then lanes consecutive elements. Small types widen as KirElem says */

  /* One operation in every lane. Operands and result have the same type: F32, I32 or INDEX. */
  KIR_ADD,
  KIR_SUB,
  KIR_MUL,
  KIR_DIV, /* F32; I32 and INDEX: towards zero, divisor is a positive constant */
  KIR_MIN,
  KIR_MAX, /* F32: a < b ? a : b, a > b ? a : b (so b if either is NaN) */
  KIR_NEG,
  KIR_ABS,  /* F32: the sign bit only */
  KIR_SQRT, /* F32, correctly rounded */
  KIR_FMA,
  KIR_MAD,   /* a * b + c, F32 */
  KIR_PAIRS, /* a and b of I32: two bf16 in each lane. c + the product of the upper two, rounded
                once, + that of the lower two, rounded once; to F32. Here numbers below 2^-126 are
                zeros of their sign, in operands and in both sums */
  KIR_QUADS, /* a and b of I32: four bytes in each lane, those of a without a sign, those of b with
                one. c + their four products, to I32, wrapping */
  KIR_SIGNED_QUADS, /* the same in 4 lanes, where the bytes of a have a sign, too */
  KIR_AND,
  KIR_OR,
  KIR_XOR,
  KIR_SHL,
  KIR_SHR, /* I32 (AND, OR also BOOL); SHR is arithmetic; SHL and
               SHR by a constant second operand in 0..31 */

  /* F32, I32, INDEX or SIZE operands of one type -> BOOL. False if either is NaN, NE true. */
  KIR_LT,
  KIR_LE,
  KIR_EQ,
  KIR_NE,
  KIR_SELECT, /* arg[0] BOOL ? arg[1] : arg[2], in every lane */

  KIR_CONVERT, /* to type: I32 -> F32 rounds to nearest; F32 -> I32 towards zero, in range;
                  SIZE, I32 <-> INDEX in range */
  KIR_BITCAST, /* F32 <-> I32 */
  KIR_SPLAT,   /* a scalar into every lane */
  KIR_SUM,     /* lanes -> 1: halves are added lane by lane until one is left: v[i] + v[i + n/2] */
  KIR_LANE,    /* lane i of arg[0] */
  KIR_CALL,    /* helper(arg...) */

  /* Fixed point, I32 in every lane. */
  KIR_MULW,  /* floor(arg[0] * arg[1] / 2^16); arg[1] is within 16 bits */
  KIR_CLAMP, /* min(max(arg[0], lo), hi) */
  KIR_ADDS,  /* the sum, within 32 bits: beyond them their least or greatest */
  KIR_MIX,   /* arg[0] + 2 mulw(arg[1] - arg[0], arg[2]), arg[2] in 0..32767: between the first two,
                but for one unit */
  KIR_FADE,  /* arg[0] - 2 mulw(arg[0], arg[1]), arg[1] in 0..32767: towards 0, but for one unit */
  KIR_LOOKUP, /* buffer[arg[0]] of constants, at most KIR_MAX_TABLE; the index is known to be
                inside. In 16 lanes, of 32 numbers of I32 */
  KIR_ROUND /* F32 -> I32: min(max(x, lo), hi) to nearest, ties to even; a NaN becomes lo. lo and hi
               are numbers that an f32 holds */
} KirOp;

struct KirExpr {
  KirOp op;
  KirType type;
  KirExpr *arg[KIR_MAX_ARGS]; /* unused: NULL */
  float f;
  int64_t i;
  int64_t lo, hi;    /* CLAMP, ROUND */
  bool exact;        /* ADD, SUB, MUL, SHL of I32: proved not to overflow */
  KirReg *reg;       /* REG */
  KirBuffer *buffer; /* LOAD, LOOKUP */
  KirIndex at;       /* LOAD */
  KirFunc *helper;   /* CALL; up to KIR_MAX_ARGS arguments */
};

typedef enum KirStmtKind {
  KIR_LET,    /* reg = value; its definition */
  KIR_SET,    /* reg = value; reg is mutable */
  KIR_LOADS,  /* regs[0], regs[1], .. = buffer[at], buffer[at + 1], ..: n_regs (at most
                 KIR_MAX_LOADS) elements of f32, one lane each; their definition. A machine with
                 an instruction for that may load them at once, into float registers from `home` */
  KIR_DOT,    /* regs[r] = bias[bias_at + r] + sum over k < count of w z, exact in I32, for r in
                 0..n_regs; their definition. Without a bias, sums begin at zero. w is element
                 kir_dot_weight of buffer[at], a constant: (k / step * n_regs + r) * step + k % step,
                 and if `swapped`, with steps of 4, the middle two of each step have changed places;
                 z is source[from + k]. count is a multiple of step */
  KIR_TILES,  /* sums of products by tiles: tiles.h */
  KIR_STORE,  /* buffer[at] (value.type.lanes elements) = value. To I8..U16, I32, F32, SIZE alike;
                 the value is known to fit */
  KIR_FOR,    /* for (reg = lo; reg < hi; reg += step) body; with step < 0:
                 for (reg = lo; reg >= hi; reg += step). lo, hi: INDEX expressions, once */
  KIR_IF,     /* value is BOOL, one lane: body, else other */
  KIR_COPY,   /* count elements from source[from] to buffer[at], first to last (so an overlapping
                 move to lower addresses is right); same element type */
  KIR_ZERO,   /* count elements at buffer[at] = 0 */
  KIR_RETURN, /* entries that return a status: `status`; helpers: value */
  KIR_INVOKE, /* calls entry `callee`; its buffer parameters are bound to args in order, its scratch
                 is this function's. Its status is KIR_OK here, because what it checks was
                checked */
  KIR_SECTION /* body, in a scope of its own, belonging to one layer; doc explains it */
} KirStmtKind;

/* What a function returns: GRUS_OK and so on of the runtime's grus.h. */
typedef enum KirStatus { KIR_OK, KIR_BAD_INDEX, KIR_BAD_LENGTH, KIR_NO_OUTPUT } KirStatus;

struct KirStmt {
  KirStmtKind kind;
  KirOrigin origin;
  KirStmt *next; /* in its list */
  KirReg *reg;
  KirExpr *value;
  KirBuffer *buffer;
  KirIndex at;
  KirBuffer *source; /* COPY, DOT, TILES */
  KirIndex from;
  KirBuffer *bias; /* DOT: constants of I32, or NULL */
  KirIndex bias_at;
  KirBuffer *weights; /* TILES: constants */
  KirIndex weights_at;
  KirTiles tiles;
  int64_t count;
  KirExpr *lo, *hi;
  int64_t step;
  bool swapped;     /* DOT */
  bool holds_tiles; /* SECTION: the processor's tiles are its own in here; no entry is called, and
                       nothing returns */
  bool unroll;      /* FOR: a hint that full unrolling pays (short constant trip counts) */
  bool independent; /* FOR: no scratch value passes from one turn to the next (the batch loop) */
  KirStmt *body, *other;
  KirStatus status; /* RETURN */
  KirReg **regs;    /* LOADS, DOT */
  int n_regs, home;
  KirFunc *callee;
  KirBuffer **args;
  int n_args;
  const char *doc; /* SECTION: lines separated by \n; other kinds: a short remark or NULL */
};

/* The block of weights of an extern build: a header, then buffers, each aligned. */
enum { KIR_WEIGHTS_HEADER = 64, KIR_WEIGHTS_ALIGN = 64 };

typedef enum KirFuncKind {
  KIR_HELPER, /* pure function of registers to one value: tanh over lanes */
  KIR_RUN,    /* whole sequences */
  KIR_RESET,  /* sets the state; buffers: init inputs */
  KIR_STEP,   /* one call of a stream */
  KIR_PUSH    /* one step into a window */
} KirFuncKind;

struct KirFunc {
  int id;           /* index in module->func */
  const char *name; /* "run"; helpers: "tanh_f32x8" */
  KirFuncKind kind;
  bool returns_status; /* entries */
  bool uses_state, uses_scratch;
  bool takes_weights;  /* extern weights: has the pointer */
  KirBuffer **buffers; /* entries: parameters in the order of the interface */
  int n_buffers;
  size_t cap_buffers;
  KirReg *args[KIR_MAX_ARGS]; /* helpers */
  int n_args;
  KirType result; /* helpers */
  int64_t lo, hi; /* helpers: least and greatest result, where it is I32 */
  /* helpers: what they give is the union over each value of this register; NULL: none */
  KirReg *split;
  const char *doc;
  KirStmt *body;
  int n_regs;
};

/* Static cost of one layer, for comments, reports and budgets. */
typedef struct KirCost {
  const char *layer; /* path */
  const char *text;  /* "GRU(64)" */
  Span span;
  int64_t macs;         /* multiply-adds of one call */
  int64_t weight_bytes; /* as stored, padding included */
  int64_t params;       /* trained numbers */
  int64_t state_bytes, scratch_bytes;
  /* Weights of its kernels, and those in blocks of zeros that are left out; bytes that this saves.
   */
  int64_t kernel_weights, left_out, saved_bytes;
} KirCost;

/* Multiply-adds of a layer that are not done because their weights are zeros. */
int64_t kir_cost_saved(const KirCost *cost);

/* How a port appears to programs around the model; parallel to the model's ports. */
typedef struct KirPort {
  const char *name, *doc;
  KirBuffer *buffer;     /* of run or step; windowed input: of push */
  KirBuffer *run_buffer; /* windowed input: of run; else the same */
  bool is_out, is_init;
  bool has_time;
  TimeKind time_kind;
  int time_axis;                   /* position among the axes without batch, -1 if none */
  int length;                      /* bounded: index into lengths, else -1 */
  int64_t length_size, length_hop; /* bounded by a derived length: (n - size) / hop + 1; hop 0: n */
  int64_t period, every;
  int64_t lag; /* streams: slots at the start of the stream that hold no value */
  int64_t rate_num, rate_den;
  int rank; /* axes without batch */
  int64_t dim[KIR_MAX_RANK];
  const char *label[KIR_MAX_RANK];
} KirPort;

typedef struct KirLength {
  const char *name;        /* as the C parameter */
  const char *source_name; /* NULL if the source gave none */
  int64_t bound;
} KirLength;

typedef enum KirRunKind { KIR_WHOLE, KIR_STREAM, KIR_WINDOW } KirRunKind;

struct KirModule {
  Arena *arena;
  const char *name, *doc;
  const char *source_path; /* base name of the .grus file, may be NULL */
  const Sources *sources;
  KirRunKind run_kind;
  KirBuffer **buffer;
  int n_buffers;
  size_t cap_buffers;
  KirFunc **func; /* helpers before their users, then entries */
  int n_funcs;
  size_t cap_funcs;
  KirCost *cost; /* layers in order */
  int n_costs;
  size_t cap_costs;
  KirPort *port; /* inputs, then outputs */
  int n_ports;
  KirLength *length; /* parameters of run, in order */
  int n_lengths;
  int64_t batch;          /* 1: none */
  int64_t steps_per_call; /* base steps of a step call, --chunk included */
  int64_t first_output;  /* calls that return GRUS_NO_OUTPUT after a reset; slots without a value in
                            later calls are zeros */
  int64_t scratch_bytes; /* set by kir_plan */
  int scratch_align;
  bool weights_extern;
  int64_t block_bytes; /* of the weights of an extern build, header included */
  int lanes;           /* widest vector used */
};

/* Building. All nodes live in module->arena. */
KirModule *kir_module_new(Arena *arena, const char *name);
KirBuffer *kir_buffer(KirModule *m, const char *name, KirSpace space, KirElem elem, int64_t count);
KirFunc *kir_func(KirModule *m, const char *name, KirFuncKind kind);
void kir_func_param(KirModule *m, KirFunc *f, KirBuffer *buffer);

/* The first function of a kind, and the port whose buffer this is; NULL: there is none. */
const KirFunc *kir_func_find(const KirModule *m, KirFuncKind kind);
const KirPort *kir_port_find(const KirModule *m, const KirBuffer *buffer);

/* Constants that lie in the block of weights of an extern build. Tables that helpers look up belong
 * to no layer, and are in the code. */
static inline bool kir_is_outside(const KirModule *m, const KirBuffer *b) {
  return b->space == KIR_CONST && m->weights_extern && b->origin.layer;
}

/* Bytes of one element in memory; size_t counts as 8. */
int kir_elem_size(KirElem elem);
static inline int64_t kir_bytes(const KirBuffer *b) {
  return b->count * kir_elem_size(b->elem);
}
/* Of all buffers in the state of the module. */
int64_t kir_state_bytes(const KirModule *m);
const char *kir_elem_name(KirElem elem); /* "f32" */
static inline KirType kir_type(KirElem elem, int lanes) {
  return (KirType){elem, lanes};
}
static inline bool kir_type_equal(KirType a, KirType b) {
  return a.elem == b.elem && a.lanes == b.lanes;
}
/* What a load of this memory type gives: F16, BF16 -> F32, small integers -> I32. */
KirElem kir_elem_widened(KirElem elem);
/* Least and greatest value an index can take. */
void kir_index_range(const KirIndex *at, int64_t *lo, int64_t *hi);
/* Least and greatest value of an INDEX or I32 expression; of one that may wrap, all of 32 bits. */
void kir_expr_range(const KirExpr *e, int64_t *lo, int64_t *hi);
/* The same without regard to what 32 bits hold, for an exact operation. */
void kir_exact_range(const KirExpr *e, int64_t *lo, int64_t *hi);
/* What the elements of a buffer can be: its lo..hi, else what its constants are, else its type. */
void kir_buffer_range(const KirBuffer *b, int64_t *lo, int64_t *hi);
/* Whether a buffer is the length of a sequence. */
static inline bool kir_is_length(const KirBuffer *b) {
  return b->elem == KIR_SIZE;
}
/* Whether an entry takes the number itself: an input without axes. */
static inline bool kir_is_by_value(const KirBuffer *b) {
  return b->space == KIR_IN && b->rank == 0;
}
int64_t kir_const_int(const KirBuffer *b, int64_t i); /* element of a buffer of constant integers */
/* Where the weight of register r and element k of a DOT lies, from the first of its block. */
int64_t kir_dot_weight(const KirStmt *dot, int r, int64_t k);
/* How many steps of a DOT the C writes out as one turn of a loop, and whether single steps follow
 * the turns. */
int kir_dot_turn(const KirStmt *dot);
bool kir_dot_has_rest(const KirStmt *dot);
/* The sums of register r of a DOT over all places it can stand at. false: its geometry is wrong. */
bool kir_dot_range(const KirStmt *dot, int r, int64_t *lo, int64_t *hi);
/* What a helper of I32 can return. */
void kir_helper_range(const KirFunc *f, int64_t *lo, int64_t *hi);

/* Places scratch buffers in one area, those never live together in the same bytes; sets
 * scratch_offset, scratch_bytes. A buffer lives from the first to the last top-level statement of
 * an entry's body that touches it. */
void kir_plan(KirModule *m);

/* Checks everything this header promises: bounds of every access over the ranges of its registers,
 * definition before use, agreement of lanes and types, read-only spaces. NULL if all is well, else
 * a message naming function and statement, in the arena. */
const char *kir_verify(const KirModule *m);

/* The module as stable text, as --dump-after prints it. */
void kir_print(const KirModule *m, Text *text);
void kir_print_stmt(const KirStmt *list, int indent, Text *text);

#endif
