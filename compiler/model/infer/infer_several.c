/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* maximum, minimum, atan2 and select: several values of equal shape, element by element. */
#include "model/infer/infer_rule.h"

static bool infer_several(Infer *inf, Layer *layer, int want) {
  Type type;
  if (layer->n_in != want) {
    Diag *d =
        infer_report(inf, layer->n_in < want ? E204 : E217, layer, layer->span,
                     "`%s` works on %s values", layer_name(layer), want == 2 ? "two" : "four");
    diag_primary(d, "%d given", layer->n_in);
    if (want == 4) diag_note(d, "`select(a, b, x, y)` is x where a > b, else y");
    return false;
  }
  if (!shapes_meet(inf, layer, &type)) return false;
  layer->out[0]->type = type;
  return true;
}

bool infer_maximum(Infer *inf, Layer *layer) {
  return infer_several(inf, layer, 2);
}

bool infer_minimum(Infer *inf, Layer *layer) {
  return infer_several(inf, layer, 2);
}

bool infer_atan2(Infer *inf, Layer *layer) {
  return infer_several(inf, layer, 2);
}

bool infer_select(Infer *inf, Layer *layer) {
  return infer_several(inf, layer, 4);
}
