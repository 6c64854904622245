/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of the C backend share. */
#ifndef GRUS_BACKEND_C_INTERNAL_H
#define GRUS_BACKEND_C_INTERNAL_H

#include "backend/c.h"

typedef struct CUsed CUsed;

typedef struct CWriter {
  const KirModule *m;
  const COptions *o;
  const char *prefix; /* "kws" */
  const char *upper;  /* "KWS" */
  bool single_header;
  bool has_body;     /* functions follow, not only their prototypes */
  bool inlines;      /* functions of vectors, wherever they are called */
  bool assumes_fma;  /* the compiler has fused multiply-adds, whatever its macros say */
  int64_t any_state; /* bytes of the state struct of the greatest of several bodies; 0: one body */
  const CUsed *used; /* of the prelude that was written */
  Text *out;
  int indent;
  /* the function being written */
  const KirFunc *f;
  const char *self;   /* its pointer to the state: "s", "w" */
  const char **name;  /* by register id */
  int *uses;          /* by register id */
  const char **scope; /* names in use, innermost last */
  int n_scope;
  size_t cap_scope;
} CWriter;

/* What KIR_TILES multiplies. */
typedef enum CTileKind { C_TILES_I8, C_TILES_U8, C_TILES_BF16, C_TILE_KINDS } CTileKind;

enum { C_MAX_OPS = 40, C_MAX_WIDTHS = 5, C_FLOAT_REGISTERS = 32 };

/* What the functions of a module use of the prelude. */
struct CUsed {
  Arena *arena;
  bool is_for_mve;
  const KirModule *m;
  bool scalar[C_MAX_OPS];
  bool scalar_i32_bits, scalar_f32_bits, f16, bf16;
  bool iso;
  bool lanes[C_MAX_WIDTHS];                           /* 2, 4, 8, 16 are 1..4 */
  bool load[C_MAX_WIDTHS][2], store[C_MAX_WIDTHS][2]; /* f32, i32 */
  bool load_f16[C_MAX_WIDTHS], load_bf16[C_MAX_WIDTHS];
  bool vector[C_MAX_WIDTHS][C_MAX_OPS][2]; /* f32, i32 */
  bool fma_scalar[C_MAX_WIDTHS];
  bool loads[KIR_MAX_LOADS + 1]
            [C_FLOAT_REGISTERS]; /* by number of registers and the first of them */
  bool fixed[C_MAX_OPS];
  bool add_mulw, add_product; /* sums with a product's upper half */
  bool row;                   /* records of tables */
  bool shift15;               /* shifts by 15 */
  uint32_t saturate[2][32];   /* by top and shift; bit n - 1: a clamp to n bits */
  bool tiles[C_TILE_KINDS];
  const KirStmt **dot; /* one of each form */
  size_t n_dots, cap_dots;
};

/* ---- c_lanes.c ---- */
/* Whether a sum of products is taken by vectors where the processor has them. */
bool c_dot_has_lanes(const KirStmt *s);
void c_lanes_helpers(CWriter *c, const CUsed *u);
/* The body of its function. */
void c_lanes_body(CWriter *c, const KirStmt *s);

/* ---- c_mve.c ---- */
/* Whether the file is for processors that have MVE. */
bool c_is_for_mve(const CWriter *c);
/* Whether a loop of integers has a form by the vectors of MVE. */
bool c_mve_has(const CWriter *c, const KirStmt *loop);
/* "#if", and that form; where the turns begin that are left over. */
int64_t c_mve_loop(CWriter *c, const KirStmt *loop);
/* What its forms need before them. */
void c_mve_prelude(CWriter *c);
/* A helper for four numbers. */
void c_mve_helper(CWriter *c, const KirFunc *f);

/* ---- c_expr.c ---- */
/* A clamp to the limits of so many bits with the sign; bits 0: other limits. shift: of what it
 * clamps to the right, by a constant, which the same instruction does. top: only the upper limit
 * can be passed. */
typedef struct CSaturation {
  int bits, shift;
  bool top;
} CSaturation;
CSaturation c_saturation(const KirExpr *e);
const char *c_saturation_name(CWriter *c, const CSaturation *s);
/* A sum with floor(a m / 2^16), for which there is an instruction: a as the other operand of the
 * sum, and which product it is. */
typedef enum CAddKind { C_ADD_NONE, C_ADD_MULW, C_ADD_PRODUCT } CAddKind;
CAddKind c_add_kind(const KirExpr *e);
/* A shift by 15, for which AVR has a function. */
bool c_is_avr_shift(const CWriter *c, const KirExpr *e);
const char *c_elem(KirElem elem);          /* "float", "uint8_t", "int" */
const char *c_type(CWriter *c, KirType t); /* "float", "f32x8" */
void c_expr(CWriter *c, const KirExpr *e);
/* A float literal. */
void c_float(Text *out, float f);
/* A fused multiply-add of vectors whose second factor is one scalar in every lane. */
bool c_is_fma_scalar(const KirExpr *e);

/* ---- c_access.c ---- */
/* buffer[at] as an lvalue. */
void c_access(CWriter *c, const KirBuffer *b, const KirIndex *at);
/* The buffer as a pointer to its first element. */
void c_buffer_base(CWriter *c, const KirBuffer *b);
/* An element or a vector of them as registers hold it. */
void c_load(CWriter *c, const KirExpr *e);

/* ---- c_stmt.c ---- */
void c_line(CWriter *c); /* new line, indented */
/* Text in which @ stands for the prefix of names. */
void c_prefixed(CWriter *c, const char *text);
void c_comment(CWriter *c, const char *text);
/* The inside of a comment, whose further lines begin with line_start. */
void c_comment_text(Text *out, const char *text, const char *line_start);
void c_statements(CWriter *c, const KirStmt *list);
void c_block(CWriter *c, const KirStmt *list); /* in braces */
/* Notes for --trace that the text from `from` to its end comes from a layer: a statement of the
 * function `name`, or (bytes > 0) the array of weights of that name and size. */
void c_traced(CWriter *c, KirOrigin origin, const char *name, int64_t bytes, size_t from);
/* A name like hint that no enclosing scope uses; now in use. */
const char *c_name(CWriter *c, const char *hint);

/* ---- c_function.c ---- */
void c_function(CWriter *c, const KirFunc *f);
void c_helper(CWriter *c, const KirFunc *f);

/* ---- c_interface.c ---- */
void c_macros(CWriter *c);
int64_t c_state_bytes(const KirModule *m);
void c_state_struct(CWriter *c);
void c_weights_check(CWriter *c);
/* Everything up to the closing parenthesis. */
void c_prototype(CWriter *c, const KirFunc *f, bool with_comment);
void c_grus_macros(CWriter *c);

/* ---- c_stream.c ---- */
/* What needs no entry: tests of inputs, the mode of the floating point unit. */
void c_stream_helpers(CWriter *c);
/* What calls the entries: blocks, queues. */
void c_stream(CWriter *c);

/* Element `at` of flat memory as an argument of the type that the entry declares; at NULL: the
 * first. */
void c_flat_argument(CWriter *c, const KirBuffer *b, const char *memory, const char *at);
/* All that f is called with, by the names of its parameters. */
void c_flat_arguments(CWriter *c, const KirFunc *f, const char *state);

/* ---- c_selftest.c ---- */
void c_selftest_prototype(CWriter *c);
/* choose: writes NAME_selftest_layers, which calls that of a body; NULL: there is one form of the
 * model, in c. */
void c_selftest(CWriter *c, void (*choose)(void *arg, CWriter *c), void *arg);
/* What the self-test has of one of several bodies: NAME_v3_selftest_layers. */
void c_selftest_body(CWriter *c, int body);
/* For weights that the file has already: the line that gives them another name; else NULL. */
const char *c_selftest_twin(const CWriter *c, const KirBuffer *b);

/* ---- c_fixed.c: integers ---- */
void c_fixed(CWriter *c, const CUsed *u);

/* ---- c_dots.c: sums of products ---- */
void c_dots(CWriter *c, const CUsed *u);
/* "kws_dot4_i8_i16": the function for products of this form. */
const char *c_dot_name(CWriter *c, const KirStmt *dot);
bool c_dot_same(const CUsed *u, const KirStmt *a, const KirStmt *b);
/* Whether the operand of products by words need not begin at a whole word. */
bool c_dot_is_loose(const KirModule *m, const KirStmt *dot);
/* For each of n sums i: format, with the text between two and i, twice. */
void c_dot_each(CWriter *c, int n, const char *between, const char *format);
/* Declares sums a0, a1, .. with what they begin with. */
void c_dot_starts(CWriter *c, const KirStmt *dot);
/* How many steps a turn of a loop has where they take more room than pairs do: as many as divide a
 * turn of those, or a few, and what is left over in single steps. */
int c_dot_short_turn(const KirStmt *dot, bool *has_rest);
/* Declares the pointers `end`, and `turns` if turns of so many steps leave some over; returns which
 * of them ends the turns. */
const char *c_dot_ends(CWriter *c, const KirStmt *dot, int steps, bool has_rest);

/* ---- c_dots_scalar.c: sums of products one at a time ---- */
/* The condition of the preprocessor under which a sum has loops in assembler; NULL: it has none. */
const char *c_scalar_needs(const CWriter *c, const KirStmt *dot);
void c_scalar_loops(CWriter *c, const KirStmt *dot);
bool c_scalar_has_words(const KirStmt *dot); /* two elements are loaded as a word */
/* Whether an array has to begin at a whole word. */
bool c_in_words(const CWriter *c, const KirBuffer *b);

/* ---- c_tiles.c ---- */
void c_tiles_scan(CUsed *u, const KirStmt *s);
bool c_tiles_used(const CUsed *u);
/* The functions that c_tiles calls. */
void c_tiles_prelude(CWriter *c, const CUsed *u);
/* The first and the last statement of a section that holds tiles. */
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
