/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators of one operand and numbers, element by element, and those that change nothing. */
#include "import/read/forms.h"
#include "import/read/torch/reader.h"

#include <math.h>

bool torch_op_identity(TorchCall *c) {
  bool drops = torch_bool(c, "train", false) && torch_number(c, "p", 0) > 0;
  if (drops)
    return torch_lacks(c, E902, "export in evaluation mode: `module.eval()` before the export",
                       "drops elements, as in training");
  return torch_set(c, 0, torch_in(c, torch_has(c, "input") ? "input" : "self"));
}

/* To a type that is named, or to the type of `other`. */
bool torch_op_to(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  GraphElem usual = torch_arg_elem(c, torch_has(c, "other") ? "other" : "self"), elem;
  if (!x || !torch_asked_elem(c, usual, &elem)) return false;
  return torch_set(c, 0, elem == torch_arg_elem(c, "self") ? x : emit_cast(c->emit, x, elem));
}

bool torch_op_round(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  if (torch_int(c, "decimals", 0))
    return torch_lacks(c, E902, "write it out: `torch.round(x * 100) / 100` rounds to 2 decimals",
                       "rounds to decimals, which is not supported");
  return x && torch_set(c, 0, EMIT(c->emit, Round, x));
}

/* log(x / (1 - x)), of x between eps and 1 - eps where eps is given. */
bool torch_op_logit(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  double eps = torch_number(c, "eps", -1);
  if (!x) return false;
  if (eps >= 0) x = emit_clip(c->emit, x, eps, 1 - eps);
  GraphValue *less = EMIT(c->emit, Sub, emit_number(c->emit, 1), x);
  return torch_set(c, 0, EMIT(c->emit, Log, EMIT(c->emit, Div, x, less)));
}

/* Numbers for NaN and for both infinities; the largest floats where none are given. */
bool torch_op_nan_to_num(TorchCall *c) {
  const double largest = 3.4028234663852886e38;
  GraphEmit *e = c->emit;
  GraphValue *x = torch_in(c, "self"), *nan = emit_number(e, torch_number(c, "nan", 0)),
             *above = emit_number(e, torch_number(c, "posinf", largest)),
             *below = emit_number(e, torch_number(c, "neginf", -largest));
  if (!x) return false;
  GraphValue *y = EMIT(e, Where, EMIT(e, IsNan, x), nan, x);
  y = EMIT(e, Where, EMIT(e, Equal, x, emit_number(e, INFINITY)), above, y);
  return torch_set(c, 0, EMIT(e, Where, EMIT(e, Equal, x, emit_number(e, -INFINITY)), below, y));
}

bool torch_op_bitwise_not(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  if (!x) return false;
  if (torch_result_elem(c) != GRAPH_BOOL)
    return torch_lacks(c, E902, "compare first: `~(x > 0)`",
                       "turns the bits of whole numbers; grus turns truths alone");
  return torch_set(c, 0, EMIT(c->emit, Not, x));
}
