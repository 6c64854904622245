/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One step of a cell that is written out in small operators. In, a node of a flat graph; out, which
 * of these equations its result follows, and which values stand where in them:
 *
 *   LSTM  c' = s(f) c + s(i) a(g)      h' = s(o) b(c')
 *   GRU   h' = s(z) h + (1 - s(z)) a(n)      n = Wx + b + R (s(r) h), or Wx + b + s(r) (R h + rb)
 *   RNN   h' = a(W x + R h + b)
 *
 * s is the function of a gate, and a and b are activations. Their arguments are affine forms of
 * values (affine.h). */
#ifndef GRUS_IMPORT_CELL_H
#define GRUS_IMPORT_CELL_H

#include "import/lift/affine.h"

/* A value that is an activation of another one: "sigmoid", "hard_sigmoid(0.2,0.5)". */
typedef struct Activated {
  GraphValue *in;   /* the other value */
  const char *name; /* NULL: it is none */
} Activated;

/* The gates of a step, in the order of the operators' weights. */
enum { GATE_I, GATE_F, GATE_G, GATE_O }; /* Lstm */
enum { GATE_Z, GATE_R, GATE_N };         /* Gru */
enum { GATE_H };                         /* Rnn */
enum { CELL_MAX_GATES = 4 };

typedef struct CellStep {
  GraphOp op; /* GRAPH_Lstm, GRAPH_Gru, GRAPH_Rnn */
  GraphValue *h_new, *c_new;
  GraphValue *c;    /* Lstm: c before the step; NULL: zeros, which the graph does not add */
  GraphValue *kept; /* Lstm: s(f) c, which by itself looks like an h' without activation */
  GraphValue *h;    /* Gru: h before the step, NULL as for c; in others it is one of the sources */
  Activated gate[CELL_MAX_GATES];
  const char *out_activation;    /* Lstm: b */
  double cell_clip;              /* Lstm: c' is kept within -cell_clip..cell_clip; 0: it is not */
  bool z_swapped;                /* Gru: s(z) is multiplied by the candidate, 1 - s(z) by h */
  GraphValue *reset_product;     /* Gru: s(r) times reset_of */
  GraphValue *reset_of;          /* Gru: h, or R h + rb */
  GraphValue *mask;              /* if it is false, the step is skipped; NULL: it never is */
  GraphValue *h_state, *c_state; /* what the next step reads; NULL: nothing does */
  GraphValue *h_old, *c_old;     /* with a mask: the state if the step is skipped */
} CellStep;

/* Whether this node makes the new state of a step. *out gets the step. */
bool cell_match(const Flat *flat, GraphNode *node, CellStep *out);
/* The value that this one is after moves that keep the order of elements. */
GraphValue *step_source(const Flat *flat, GraphValue *value);

#endif
