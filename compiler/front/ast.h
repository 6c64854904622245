/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The syntax tree: what the grammar saw, with the place of every part. One node type; the table
 * below says what each kind holds. Chains are flat lists, so that 100,000 stages or terms need no
 * recursion; only brackets nest, and the parser limits that depth (E111). */
#ifndef GRUS_FRONT_AST_H
#define GRUS_FRONT_AST_H

#include "base/source.h"

typedef enum NodeKind {
  /*                text            at              kids                                         */
  N_FILE, /*   -               header span     items (N_USE N_PARAM N_BLOCK N_MODEL); i = version */
  N_USE,  /*   path            path string     -                                            */
  N_PARAM,     /*   name            name            [0] default expression or N_NIL              */
  N_BLOCK,     /*   name            name            [0] N_FORMALS  [1] N_BODY                    */
  N_MODEL,     /*   name            name            [0] N_BODY                                   */
  N_FORMALS,   /*   -               -               N_FORMAL ...                                 */
  N_FORMAL,    /*   name            name            [0] default or N_NIL                         */
  N_BODY,      /*   -               -               statements                                   */
  N_IN,        /*   name            name            [0] N_TYPE or N_NIL  [1] every dim or N_NIL  */
  N_OUT,       /*   name            name            [0] N_TYPE or N_NIL  [1] expression          */
  N_LET,       /*   name            name            [0] N_TYPE or N_NIL  [1] expression          */
  N_WEIGHTS,   /*   path            path string     [0] N_NAME convention or N_NIL               */
  N_RANGES,    /*   path            path string     -                                            */
  N_PRECISION, /*   -               -               [0] expression                               */
  N_ALLOW,     /*   -               -               N_NAME ...                                   */
  N_TYPE,      /*   -               -               [0] N_ELEM or N_INDEX  [1] N_SHAPE or N_NIL  */
  N_ELEM,      /*   f32 ...         -               -                                            */
  N_INDEX,     /*   -               -               [0] dim                                      */
  N_SHAPE,     /*   -               -               N_AXIS, N_TIME ...                           */
  N_AXIS,      /*   label or NULL   label           [0] dim                                      */
  N_TIME,   /*   -               `time`          [0] dim, N_UPTO or N_STREAM  [1] rate or N_NIL */
  N_UPTO,   /*   name or NULL    name            [0] dim (the bound)                          */
  N_STREAM, /*   -               `..`            [0] dim (the divisor) or N_NIL               */
  N_PIPE, /*   -               -               [0] head, then N_STAGE or N_BAD ... (one at least) */
  N_STAGE,     /*   name            name            N_ARG ...; pipe = the `|>` before it, none in a
                 call */
  N_ARG,       /*   key or NULL     key             [0] expression                               */
  N_FIELD,     /*   value name      value name      [0] N_NAME field                             */
  N_TUPLE,     /*   -               -               expressions, at least two                    */
  N_NAME,      /*   name            -               -                                            */
  N_TIME_NAME, /* `time`       -               - (the axis, as an expression)               */
  N_INT,       /*   as written      -               -; i = value                                 */
  N_FLOAT,     /*   as written      -               -; f = value                                 */
  N_QTY,       /*   as written      -               -; num/den in the base unit, unit            */
  N_STRING,    /*   content         -               -                                            */
  N_DTYPE,     /*   f32 ...         -               - (an element type as an expression)         */
  N_SUM,       /*   -               -               N_OPERAND ... at least two                   */
  N_PRODUCT,   /*   -               -               N_OPERAND ... at least two                   */
  N_OPERAND,   /*   "+" "-" "*" "/" operator        [0] expression; text "" for the first        */
  N_NEG,       /*   -               `-`             [0] expression                               */
  N_NIL,       /* an optional part that is absent */
  N_BAD        /*   a part with a syntax error, reported already: later passes stay silent       */
} NodeKind;

/* Kinds of nodes as cases of a switch, so that every switch names all of them. */
#define NODE_STATEMENT_CASES                                                                       \
  case N_USE:                                                                                      \
  case N_PARAM:                                                                                    \
  case N_IN:                                                                                       \
  case N_OUT:                                                                                      \
  case N_LET:                                                                                      \
  case N_WEIGHTS:                                                                                  \
  case N_RANGES:                                                                                   \
  case N_PRECISION:                                                                                \
  case N_ALLOW
#define NODE_EXPRESSION_CASES                                                                      \
  case N_PIPE:                                                                                     \
  case N_STAGE:                                                                                    \
  case N_FIELD:                                                                                    \
  case N_TUPLE:                                                                                    \
  case N_NAME:                                                                                     \
  case N_TIME_NAME:                                                                                \
  case N_INT:                                                                                      \
  case N_FLOAT:                                                                                    \
  case N_QTY:                                                                                      \
  case N_STRING:                                                                                   \
  case N_DTYPE:                                                                                    \
  case N_SHAPE:                                                                                    \
  case N_SUM:                                                                                      \
  case N_PRODUCT:                                                                                  \
  case N_NEG
#define NODE_PART_CASES                                                                            \
  case N_FILE:                                                                                     \
  case N_BLOCK:                                                                                    \
  case N_MODEL:                                                                                    \
  case N_FORMALS:                                                                                  \
  case N_FORMAL:                                                                                   \
  case N_BODY:                                                                                     \
  case N_TYPE:                                                                                     \
  case N_ELEM:                                                                                     \
  case N_INDEX:                                                                                    \
  case N_AXIS:                                                                                     \
  case N_TIME:                                                                                     \
  case N_UPTO:                                                                                     \
  case N_STREAM:                                                                                   \
  case N_ARG:                                                                                      \
  case N_OPERAND:                                                                                  \
  case N_NIL:                                                                                      \
  case N_BAD

typedef enum Unit { UNIT_NONE, UNIT_HZ, UNIT_SECOND } Unit;

typedef struct Node Node;
struct Node {
  NodeKind kind;
  Span span; /* all of it, brackets included */
  Span at;
  const char *text;
  const char *doc; /* items, N_IN, N_OUT, N_LET: the `##` lines that belong to it, joined by "\n" */
  Node **kid;
  size_t n, cap;
  union { /* by kind */
    int64_t i;
    double f;
    struct {
      int64_t num, den; /* 16kHz is 16000/1 UNIT_HZ, 25ms is 25/1000 UNIT_SECOND (reduced: 1/40) */
    };
    Span pipe;
  };
  Unit unit;
  bool brackets; /* an expression written in round brackets of its own */
};

static inline bool node_is(const Node *n, NodeKind kind) {
  return n->kind == kind;
}
static inline bool node_given(const Node *n) {
  return n->kind != N_NIL;
}

#endif
