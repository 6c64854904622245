/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* W701, W702: what integer arithmetic cannot hold. The largest product of i16 x i8 is 2^15 * 2^7 = 2^22
 * and that of i8 x i8 is 2^14, so 2^31 / 2^22 = 512 and 2^31 / 2^14 = 131,072 products always fit; with
 * weights from -127 to 127, as they are stored, 516 and 132,104. */
#include "model/lint/lint.h"

static Span precision_span(const Layer *layer) {
  const OptVal *own = layer_opt(layer, OPT_precision);
  return own && own->given ? own->span : layer->span;
}

void lint_wide_accumulator(Infer *lint, const Layer *layer) {
  Precision precision = layer_precision(lint->model, layer);
  bool i16 = precision == PRECISION_I16, i8 = precision == PRECISION_I8;
  bool recurrent = layer_info(layer->kind)->flags & RECURRENT;
  if ((!i16 && !i8) || (!recurrent && layer->kind != LAYER_Dense)) return;
  const Type *in = &layer->in[0]->type;
  int64_t d = in->rank ? in->dim[in->rank - 1].n : 1, u = recurrent ? layer_size(layer, OPT_units, 0) : 0;
  if (d + u <= (i16 ? 516 : 132104)) return;
  Diag *diag = lint_report(lint, W701, layer, precision_span(layer), "32-bit accumulators can overflow in this `%s`",
                           layer_info(layer->kind)->name);
  if (recurrent) diag_primary(diag, "%lld + %lld = %lld products per gate", (long long)d, (long long)u, (long long)(d + u));
  else diag_primary(diag, "%lld products per unit", (long long)d);
  diag_note(diag, "i16 x i8: 516 products fit; i8 x i8: 132,104");
  diag_trace_value(diag, lint->model, layer->in[0]);
}

void lint_i8_softmax(Infer *lint, const Layer *layer) {
  if (layer->kind != LAYER_softmax) return;
  const Layer *before = lint_run_source(layer->in[0])->layer;
  if (!before || !layer_opt(before, OPT_precision) || layer_precision(lint->model, before) != PRECISION_I8) return;
  Diag *diag = lint_report(lint, W702, layer, layer->span, "probabilities below 1/256 become 0");
  diag_primary(diag, "of values in i8");
  diag_label(diag, before->span, "computes in i8");
  const OptVal *own = layer_opt(before, OPT_precision);
  Fix *fix = diag_fix(diag, FIX_MAYBE, "let the last layer compute in f32");
  uint32_t end = before->span.end;
  if (own->given && span_valid(own->span)) fix_edit(fix, own->span, "precision=f32");
  else if (span_valid(before->span) && before->opt[0].given)
    fix_edit(fix, (Span){before->span.file, end - 1, end - 1}, ", precision=f32");
}
