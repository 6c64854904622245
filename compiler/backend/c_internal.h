/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of the C backend share. */
#ifndef GRUS_BACKEND_C_INTERNAL_H
#define GRUS_BACKEND_C_INTERNAL_H

#include "backend/c.h"

typedef struct CUsed CUsed;

/* A C file while it is written. */
typedef struct CWriter {
  const KirModule *m;
  const COptions *o;
  const char *prefix; /* names begin with it: "kws" */
  const char *upper;  /* the same in upper case, for macros: "KWS" */
  bool single_header;
  bool has_body;     /* the functions are written as well, not only their prototypes */
  bool inlines;      /* functions of vectors are inlined wherever they are called */
  bool assumes_fma;  /* the compiler has fused multiply-adds, whatever its macros say */
  int64_t any_state; /* if there are several bodies: the size of the largest state struct in bytes;
                        else 0 */
  const CUsed *used; /* what the functions of the prelude are, once it has been written */
  Text *out;
  int indent;
  /* The others are about the function that is being written. */
  const KirFunc *f;
  const char *self;   /* the name of its pointer to the state: "s", "w" */
  const char **name;  /* by register id: the name in C */
  int *uses;          /* by register id: how often it is read */
  const char **scope; /* the names in use, those of the innermost scope last */
  int n_scope;
  size_t cap_scope;
} CWriter;

/* What KIR_TILES multiplies. */
typedef enum CTileKind { C_TILES_I8, C_TILES_U8, C_TILES_BF16, C_TILE_KINDS } CTileKind;

enum { C_MAX_OPS = 40, C_MAX_WIDTHS = 5, C_FLOAT_REGISTERS = 32 };

/* What the functions of a module use of the prelude. Flags are by operation (C_MAX_OPS), and by
 * width (C_MAX_WIDTHS): index n is for 2^n lanes. */
struct CUsed {
  Arena *arena;
  bool is_for_mve;
  const KirModule *m;
  bool scalar[C_MAX_OPS];
  bool scalar_i32_bits, scalar_f32_bits, f16, bf16;
  bool iso;
  bool lanes[C_MAX_WIDTHS];
  bool load[C_MAX_WIDTHS][2], store[C_MAX_WIDTHS][2]; /* [1]: of i32 instead of f32 */
  bool load_f16[C_MAX_WIDTHS], load_bf16[C_MAX_WIDTHS];
  bool vector[C_MAX_WIDTHS][C_MAX_OPS][2]; /* [1]: of i32 instead of f32 */
  bool fma_scalar[C_MAX_WIDTHS];
  bool loads[KIR_MAX_LOADS + 1]
            [C_FLOAT_REGISTERS]; /* by the number of registers and the first of them */
  bool fixed[C_MAX_OPS];
  bool add_mulw, add_product; /* sums with the upper half of a product */
  bool row;                   /* the rows of tables */
  bool shift15;               /* shifts by 15 */
  uint32_t saturate[2][32];   /* by top and shift: bit n - 1 is set for a clamp to n bits */
  bool tiles[C_TILE_KINDS];
  const KirStmt **dot; /* the sums of products, one of each form */
  size_t n_dots, cap_dots;
};

/* ---- c_lanes.c ---- */
/* Whether a sum of products has a form with vectors, for processors that have them. */
bool c_dot_has_lanes(const KirStmt *s);
void c_lanes_helpers(CWriter *c, const CUsed *u);
/* Writes the body of the function for such a sum. */
void c_lanes_body(CWriter *c, const KirStmt *s);

/* ---- c_mve.c ---- */
/* Whether the file is for processors that have MVE. */
bool c_is_for_mve(const CWriter *c);
/* Whether a loop of integers has a form with the vectors of MVE. */
bool c_mve_has(const CWriter *c, const KirStmt *loop);
/* Writes "#if" and that form. The result is the first turn that the form does not compute. */
int64_t c_mve_loop(CWriter *c, const KirStmt *loop);
/* Writes what the forms of all loops need before them. */
void c_mve_prelude(CWriter *c);
/* Writes the form of a helper for four numbers, if it has one. */
void c_mve_helper(CWriter *c, const KirFunc *f);

/* ---- c_expr.c ---- */
/* A clamp to the range of `bits` bits, with the sign; bits 0: the limits are others. shift: its
 * operand is first shifted right by this number, in the same instruction. top: only the upper limit
 * can be exceeded. */
typedef struct CSaturation {
  int bits, shift;
  bool top;
} CSaturation;
CSaturation c_saturation(const KirExpr *e);
const char *c_saturation_name(CWriter *c, const CSaturation *s);
/* Whether a sum adds floor(a m / 2^16), for which there is an instruction, and which form of it. */
typedef enum CAddKind { C_ADD_NONE, C_ADD_MULW, C_ADD_PRODUCT } CAddKind;
CAddKind c_add_kind(const KirExpr *e);
/* Whether an expression is a shift by 15, for which the prelude has a function on AVR. */
bool c_is_avr_shift(const CWriter *c, const KirExpr *e);
const char *c_elem(KirElem elem);          /* "float", "uint8_t", "int" */
const char *c_type(CWriter *c, KirType t); /* "float", "f32x8" */
void c_expr(CWriter *c, const KirExpr *e);
/* Writes a number as a literal of C. */
void c_float(Text *out, float f);
/* Whether an expression is a fused multiply-add of vectors with the same second factor in every
 * lane.
 */
bool c_is_fma_scalar(const KirExpr *e);

/* ---- c_access.c ---- */
/* Writes buffer[at]. */
void c_access(CWriter *c, const KirBuffer *b, const KirIndex *at);
/* Writes a pointer to the first element of a buffer. */
void c_buffer_base(CWriter *c, const KirBuffer *b);
/* Writes the load of an element or a vector, as a value that a register holds. */
void c_load(CWriter *c, const KirExpr *e);

/* ---- c_stmt.c ---- */
void c_line(CWriter *c); /* begins a new line, indented */
/* Writes text in which each @ becomes the prefix of names. */
void c_prefixed(CWriter *c, const char *text);
void c_comment(CWriter *c, const char *text);
/* Writes the text of a comment. Its lines after the first begin with line_start. */
void c_comment_text(Text *out, const char *text, const char *line_start);
void c_statements(CWriter *c, const KirStmt *list);
void c_block(CWriter *c, const KirStmt *list); /* the statements in braces */
/* Defines the register of a LET, if anything reads it. `value` writes its value. */
void c_let(CWriter *c, const KirStmt *s, const char *type,
           void (*value)(CWriter *c, const KirExpr *e));
/* Notes for --trace that the text from `from` to its end comes from a layer: a statement of the
 * function `name`, or (bytes > 0) the array of weights of that name and size. */
void c_traced(CWriter *c, KirOrigin origin, const char *name, int64_t bytes, size_t from);
/* A name like `hint` that no scope around it uses. It is in use from now on. */
const char *c_name(CWriter *c, const char *hint);

/* ---- c_function.c ---- */
void c_function(CWriter *c, const KirFunc *f);
void c_helper(CWriter *c, const KirFunc *f);

/* ---- c_interface.c ---- */
void c_macros(CWriter *c);
void c_state_struct(CWriter *c);
void c_weights_check(CWriter *c);
/* Writes a function up to the closing parenthesis of its parameters. */
void c_prototype(CWriter *c, const KirFunc *f, bool with_comment);
void c_grus_macros(CWriter *c);

/* ---- c_stream.c ---- */
/* Writes the functions that call no entry: tests of inputs, the mode of the floating-point unit. */
void c_stream_helpers(CWriter *c);
/* Writes the functions that call the entries: blocks, queues. */
void c_stream(CWriter *c);

/* Writes element `at` of flat memory as an argument of the type that the entry declares. at NULL:
 * the first element. */
void c_flat_argument(CWriter *c, const KirBuffer *b, const char *memory, const char *at);
/* Writes all arguments of a call of f, by the names of its parameters. */
void c_flat_arguments(CWriter *c, const KirFunc *f, const char *state);

/* ---- c_selftest.c ---- */
void c_selftest_prototype(CWriter *c);
/* choose: writes NAME_selftest_layers, which calls the function of one of several bodies; NULL: the
 * model has one body. */
void c_selftest(CWriter *c, void (*choose)(void *arg, CWriter *c), void *arg);
/* Writes the part of the self-test that one of several bodies has: NAME_v3_selftest_layers. */
void c_selftest_body(CWriter *c, int body);
/* If the file already has these weights: the line that gives them another name; else NULL. */
const char *c_selftest_twin(const CWriter *c, const KirBuffer *b);

/* ---- c_fixed.c: integers ---- */
void c_fixed(CWriter *c, const CUsed *u);

/* ---- c_dots.c: sums of products ---- */
void c_dots(CWriter *c, const CUsed *u);
/* The name of the function for sums of this form: "kws_dot4_i8_i16". */
const char *c_dot_name(CWriter *c, const KirStmt *dot);
bool c_dot_same(const CUsed *u, const KirStmt *a, const KirStmt *b);
/* Whether the operand of a sum that is loaded by words may begin in the middle of a word. */
bool c_dot_is_loose(const KirModule *m, const KirStmt *dot);
/* Writes `format` for each sum i of n, with `between` or nothing and then i twice as its arguments.
 */
void c_dot_each(CWriter *c, int n, const char *between, const char *format);
/* Declares the sums a0, a1, .. with their first values. */
void c_dot_starts(CWriter *c, const KirStmt *dot);
/* The number of steps in a turn of a loop whose steps take more code than pairs do. It divides the
 * steps of the sum if it can; otherwise *has_rest is set, and single steps follow the turns. */
int c_dot_short_turn(const KirStmt *dot, bool *has_rest);
/* Declares the pointer `end`, and `turns` if single steps follow turns of `steps` steps. The result
 * is the name of the one at which the turns end. */
const char *c_dot_ends(CWriter *c, const KirStmt *dot, int steps, bool has_rest);

/* ---- c_dots_scalar.c: sums of products one at a time ---- */
/* The condition of the preprocessor under which a sum has loops in assembler; NULL: it has none. */
const char *c_scalar_needs(const CWriter *c, const KirStmt *dot);
void c_scalar_loops(CWriter *c, const KirStmt *dot);
bool c_scalar_has_words(const KirStmt *dot); /* it loads two elements as a word */
/* Whether an array must begin at a whole word. */
bool c_in_words(const CWriter *c, const KirBuffer *b);

/* ---- c_tiles.c ---- */
void c_tiles_scan(CUsed *u, const KirStmt *s);
bool c_tiles_used(const CUsed *u);
/* Writes the functions that c_tiles calls. */
void c_tiles_prelude(CWriter *c, const CUsed *u);
/* Writes the first or the last statement of a section that holds tiles. */
void c_tiles_hold(CWriter *c, bool begins);
void c_tiles(CWriter *c, const KirStmt *s);

/* ---- c_vectors.c ---- */
void c_vectors(CWriter *c, const CUsed *u);
const char *c_vector_type(CWriter *c, int lanes, bool is_int);

/* ---- c_products.c: those of vectors of 1 << width lanes ---- */
void c_products(CWriter *c, const CUsed *u, int width);

/* ---- c_prelude.c ---- */
void c_prelude(CWriter *c);

/* ---- c_weights.c ---- */
/* "KWS_FLASH ": what constants and pointers to them are qualified with where they are read from a
 * memory of their own; else "". */
const char *c_in_flash(const CWriter *c);
/* Constants: those that helpers look up, which belong to no layer; or those of the layers. */
void c_weights(CWriter *c, bool of_helpers);

/* ---- c.c ---- */
CWriter c_writer(const KirModule *m, const COptions *o, Text *out);
void c_title(CWriter *c);
/* Guard, macros, the state struct. */
void c_interface(CWriter *c);
void c_prototypes(CWriter *c);
void c_extern_c(CWriter *c, bool open);
/* Prelude, weights, functions. */
void c_body(CWriter *c);

#endif
