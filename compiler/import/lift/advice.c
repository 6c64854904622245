/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What to do about an operator that no stage computes at its place. In, its node; out, the error,
 * with a note about the nearest thing that is supported. */
#include "import/lift/lift.h"

static const char
    norms[] = "grus supports `LayerNorm` over features and `BatchNorm` with constant statistics",
    integers[] = "grus reads integers with constant scales as real numbers if the inputs and "
                 "outputs are floats; otherwise import the float model that this one was made from",
    conditions[] =
        "`select(a, b, x, y)` chooses between values of one shape: one of the values that "
        "are compared or chosen has to have the shape of the result",
    places[] = "indices that are computed from data are not supported; `Embedding` takes rows of a "
               "constant table by an input of whole numbers",
    clips[] = "the larger or smaller of a value and a number is `clip(low, high)`, of two values "
              "`maximum(a, b)` or `minimum(a, b)`",
    powers[] = "the exponent of a power must be a constant, or its base one that is greater than 0",
    loops[] = "a loop becomes a recurrent stage if it follows the equations of an LSTM, a GRU or "
              "an RNN, and its number of steps does not depend on data",
    positions[] = "`argmax` over the features of each step is supported if its positions are an "
                  "output; compute with them in your program";

/* The text of the note; NULL: nothing is near. */
static const char *advice(GraphOp op) {
  static const struct {
    GraphOp op;
    const char *text;
  } known[] = {{GRAPH_GroupNorm, norms},
               {GRAPH_LpNormalize, norms},
               {GRAPH_Quantize, integers},
               {GRAPH_Dequantize, integers},
               {GRAPH_DynamicQuantize, integers},
               {GRAPH_MatMulInteger, integers},
               {GRAPH_ConvInteger, integers},
               {GRAPH_Where, conditions},
               {GRAPH_If, conditions},
               {GRAPH_Not, conditions},
               {GRAPH_And, conditions},
               {GRAPH_Or, conditions},
               {GRAPH_Xor, conditions},
               {GRAPH_Equal, conditions},
               {GRAPH_Less, conditions},
               {GRAPH_LessEqual, conditions},
               {GRAPH_Greater, conditions},
               {GRAPH_GreaterEqual, conditions},
               {GRAPH_Gather, places},
               {GRAPH_GatherElements, places},
               {GRAPH_GatherNd, places},
               {GRAPH_ScatterElements, places},
               {GRAPH_ScatterNd, places},
               {GRAPH_OneHot, places},
               {GRAPH_Min, clips},
               {GRAPH_Max, clips},
               {GRAPH_Pow, powers},
               {GRAPH_ArgMax, positions},
               {GRAPH_Loop, loops},
               {GRAPH_Scan, loops},
               {GRAPH_While, loops}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i].op == op) return known[i].text;
  return NULL;
}

void lift_unsupported(Lift *l, const GraphNode *node) {
  Diag *d = lift_refuse(l, node, E902, "is not supported at this place of the graph");
  const char *text = advice(node->op);
  if (text) diag_note(d, "%s", text);
}
