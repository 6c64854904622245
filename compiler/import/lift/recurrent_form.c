/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The forms of the recurrent operators, and the words of their activations: see recurrent_form.h.
 */
#include "import/lift/recurrent_form.h"

#include <stdlib.h>
#include <string.h>

static const RecurrentForm lstm = {.kind = LAYER_LSTM,
                                   .gates = 4,
                                   .n_activations = 3,
                                   .activation = {"sigmoid", "tanh", "tanh"},
                                   .rb = RECURRENT_NONE,
                                   .lengths = 4,
                                   .h0 = 5,
                                   .c0 = 6,
                                   .peephole = 7,
                                   .mask = 8,
                                   .projection = 9};

static const RecurrentForm gru = {.kind = LAYER_GRU,
                                  .gates = 3,
                                  .n_activations = 2,
                                  .activation = {"sigmoid", "tanh"},
                                  .rb = 4,
                                  .lengths = 5,
                                  .h0 = 6,
                                  .c0 = RECURRENT_NONE,
                                  .peephole = RECURRENT_NONE,
                                  .mask = 7,
                                  .projection = RECURRENT_NONE};

static const RecurrentForm rnn = {.kind = LAYER_RNN,
                                  .gates = 1,
                                  .n_activations = 1,
                                  .activation = {"tanh"},
                                  .rb = RECURRENT_NONE,
                                  .lengths = 4,
                                  .h0 = 5,
                                  .c0 = RECURRENT_NONE,
                                  .peephole = RECURRENT_NONE,
                                  .mask = 6,
                                  .projection = RECURRENT_NONE};

const RecurrentForm *recurrent_form(GraphOp op) {
  if (op == GRAPH_Lstm) return &lstm;
  if (op == GRAPH_Gru) return &gru;
  return op == GRAPH_Rnn ? &rnn : NULL;
}

GraphValue *recurrent_operand(const GraphNode *node, int i) {
  return i >= 0 && i < node->n_in ? node->in[i] : NULL;
}

const char *recurrent_activation(const GraphNode *node, int k) {
  const RecurrentForm *form = recurrent_form(node->op);
  return graph_word(node, GRAPH_ATTR_activations, k, form->activation[k % form->n_activations]);
}

bool activation_word(const char *text, ActivationWord *out) {
  const char *open = strchr(text, '(');
  size_t len = open ? (size_t)(open - text) : strlen(text);
  *out = (ActivationWord){0};
  if (len >= sizeof out->name) return false;
  memcpy(out->name, text, len);
  while (open && out->n < 2) {
    char *end;
    out->number[out->n++] = strtod(open + 1, &end);
    open = *end == ',' ? end : NULL;
  }
  return true;
}
