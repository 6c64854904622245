/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One step of a cell, written out in small operators: which equations it follows.
 *
 *   LSTM  c' = s(f) c + s(i) a(g)      h' = s(o) b(c')
 *   GRU   h' = s(z) h + (1 - s(z)) a(n)      n = Wx + b + R (s(r) h), or Wx + b + s(r) (R h + rb)
 *   RNN   h' = a(W x + R h + b)
 *
 * The arguments of s and a are affine forms (affine.h). */
#ifndef GRUS_IMPORT_CELL_H
#define GRUS_IMPORT_CELL_H

#include "import/lift/affine.h"

/* What an activation is applied to, and which one: "sigmoid", "hard_sigmoid(0.2,0.5)". */
typedef struct Activated {
  GraphValue *in;
  const char *name;   /* NULL: none was found */
  double scale, move; /* hard sigmoid: in = scale * argument + move */
} Activated;

/* The gates of a step, in the order of the operators' weights. */
enum { GATE_I, GATE_F, GATE_G, GATE_O }; /* Lstm */
enum { GATE_Z, GATE_R, GATE_N };         /* Gru */
enum { GATE_H };                         /* Rnn */
enum { CELL_MAX_GATES = 4 };

typedef struct CellStep {
  GraphOp op; /* GRAPH_Lstm, GRAPH_Gru, GRAPH_Rnn */
  GraphValue *h_new, *c_new;
  GraphValue *c;    /* Lstm: before the step; NULL: zeros that have been folded away */
  GraphValue *kept; /* Lstm: f c, which looks like an output without activation */
  GraphValue *h;    /* Gru: before the step, NULL as c; others: found from the sources */
  Activated gate[CELL_MAX_GATES];
  const char *out_activation; /* Lstm: b */
  double cell_clip;           /* 0: none */
  bool z_swapped;             /* Gru: s(z) is the new candidate's share */
  GraphValue *reset_product;  /* Gru: s(r) times something */
  GraphValue *reset_of;       /* Gru: what s(r) is multiplied with */
} CellStep;

/* The step whose new state this node makes; false: none. */
bool cell_match(const Flat *flat, GraphNode *node, CellStep *out);
/* The value after moves that keep the order of elements. */
GraphValue *step_source(const Flat *flat, GraphValue *value);

#endif
