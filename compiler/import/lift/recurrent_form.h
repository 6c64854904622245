/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The recurrent operators of the graph (graph_ops.def): the numbers of their operands, and the
 * words of their activations. The evaluator of the graph does not use this file, so a mistake here
 * shows when the model is compared with the graph. */
#ifndef GRUS_IMPORT_LIFT_RECURRENT_FORM_H
#define GRUS_IMPORT_LIFT_RECURRENT_FORM_H

#include "import/graph/graph.h"
#include "model/graph/layers.h"

enum { RECURRENT_X, RECURRENT_W, RECURRENT_R, RECURRENT_B }; /* operands that all of them have */
enum { RECURRENT_NONE = -1, RECURRENT_ACTIVATIONS_MAX = 3 };

typedef struct RecurrentForm {
  LayerKind kind;
  int gates, n_activations;
  const char *activation[RECURRENT_ACTIVATIONS_MAX]; /* the usual ones, if the node has none */
  /* Numbers of operands, or RECURRENT_NONE. */
  int rb, lengths, h0, c0, peephole, mask, projection;
} RecurrentForm;

/* NULL: the operator is not recurrent. */
const RecurrentForm *recurrent_form(GraphOp op);
/* Operand i; NULL: it is left out, or i is RECURRENT_NONE. */
GraphValue *recurrent_operand(const GraphNode *node, int i);
/* The word of activation k, which counts those of both directions. */
const char *recurrent_activation(const GraphNode *node, int k);

/* The parts of "hard_sigmoid(0.2,0.5)": a word and up to two numbers. */
typedef struct ActivationWord {
  char name[24];
  int n; /* how many numbers there are */
  double number[2];
} ActivationWord;

/* Splits the word of an activation. False: it is longer than all known words. */
bool activation_word(const char *text, ActivationWord *out);

#endif
