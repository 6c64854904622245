/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Recurrent cells written out as products, sums and activations: from the tensor that holds the
 * next state back to the equations, whatever the order of operands and however the gates are
 * cut. */
#ifndef GRUS_IMPORT_ONNX_CELL_H
#define GRUS_IMPORT_ONNX_CELL_H

#include "import/onnx.h"

/* Nodes that may make a tensor; constants are in onnx->tensor. */
typedef struct CellScope {
  Onnx *onnx;
  Map producer; /* name -> OnnxNode */
} CellScope;

void cell_scope(CellScope *scope, Onnx *onnx, const OnnxGraph *graph);
/* NULL: of another operator, or without the operands it must have. */
OnnxNode *cell_producer(const CellScope *scope, const char *name, const char *op);
const OnnxTensor *cell_constant(const CellScope *scope, const char *name);
bool cell_number(const CellScope *scope, const char *name,
                 double *x); /* all elements of a constant */
const OnnxAttribute *cell_attribute(const OnnxNode *node, const char *name); /* NULL: left out */
/* The name behind Identity, Squeeze, Unsqueeze, and products with 1. */
const char *cell_source(const CellScope *scope, const char *name);
bool same_source(const CellScope *scope, const char *a, const char *b);

typedef struct Cell {
  const char *x, *h, *c, *next_c; /* tensors of one step; c, next_c: NULL of a GRU */
  int gates;                      /* 4: LSTM, i o f c; 3: GRU, z r h */
  int64_t d, u;
  float *w, *r, *b; /* as the format has them: [gates u, d], [gates u, u], [2 gates u] */
  const char *gate, *activation,
      *cell_activation; /* names of the format; HardSigmoid has alpha 0.2 */
  bool linear_before_reset;
} Cell;

/* `next` is the state after a step of a cell. u: its size. */
bool cell_match_lstm(const CellScope *scope, const char *next, int64_t u, Cell *out);
bool cell_match_gru(const CellScope *scope, const char *next, const char *h, int64_t u, Cell *out);
/* Units of the cell that may end in this product, from the constants it reads; 0: none in sight. */
int64_t cell_units(const CellScope *scope, const char *next);
/* The cell as a node of the format: X, initial states as [1, 1, n]. Names of its results: Y, Y_h,
 * Y_c. */
OnnxNode cell_node(Onnx *onnx, const Cell *cell, const char *x, const char *h, const char *c,
                   const char *name);

#endif
