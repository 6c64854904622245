/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The recurrent operators of the graph (graph_ops.def): which operand is what, and the words of
 * their activations. The graph's evaluator, which judges what becomes of them, has its own. */
#ifndef GRUS_IMPORT_LIFT_RECURRENT_FORM_H
#define GRUS_IMPORT_LIFT_RECURRENT_FORM_H

#include "import/graph/graph.h"
#include "model/graph/layers.h"

enum { RECURRENT_X, RECURRENT_W, RECURRENT_R, RECURRENT_B }; /* operands of all of them */
enum { RECURRENT_NONE = -1, RECURRENT_ACTIVATIONS_MAX = 3 };

typedef struct RecurrentForm {
  LayerKind kind;
  int gates, n_activations;
  const char *activation[RECURRENT_ACTIVATIONS_MAX];   /* where the file gives none */
  int rb, lengths, h0, c0, peephole, mask, projection; /* operands, or RECURRENT_NONE */
} RecurrentForm;

/* NULL: the operator is not recurrent. */
const RecurrentForm *recurrent_form(GraphOp op);
/* Operand i; NULL if it is absent, or i is RECURRENT_NONE. */
GraphValue *recurrent_operand(const GraphNode *node, int i);
/* The word of activation k. */
const char *recurrent_activation(const GraphNode *node, int k);

/* "hard_sigmoid(0.2,0.5)": a word and up to two numbers. */
typedef struct ActivationWord {
  char name[24];
  int n; /* numbers given */
  double number[2];
} ActivationWord;

/* False: the word is longer than any that is known. */
bool activation_word(const char *text, ActivationWord *out);

#endif
