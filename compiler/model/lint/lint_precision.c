/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* W701, W702: numbers that integer arithmetic cannot hold. The sum of a row of 16-bit weights times
 * 16-bit values fits 32 bits if the absolute values of its weights sum to less than 2^16, which is
 * 2^16 / K for each of K weights. */
#include "model/lint/lint.h"

/* Where the source sets the precision of a layer: its option, else the stage. */
static Span precision_span(const Layer *layer) {
  const OptVal *own = layer_opt(layer, OPT_precision);
  return own && own->given ? own->span : layer->span;
}

enum { MANY_PRODUCTS = 256 };

void lint_wide_accumulator(Infer *lint, const Layer *layer) {
  bool recurrent = layer_info(layer->kind)->flags & RECURRENT;
  if (layer_precision(lint->model, layer) != PRECISION_I16X16 ||
      (!recurrent && layer->kind != LAYER_Dense))
    return;
  const Type *in = &layer->in[0]->type;
  int64_t d = in->rank ? in->dim[in->rank - 1].n : 1,
          u = recurrent ? layer_size(layer, OPT_units, 0) : 0;
  int64_t most = d > u ? d : u;
  int bits = 1;
  if (most <= MANY_PRODUCTS) return;
  while (most << bits <= 65536)
    bits++;
  Diag *diag = lint_report(lint, W701, layer, precision_span(layer),
                           "32-bit sums leave about %d bits to the weights of this `%s`", bits,
                           layer_info(layer->kind)->name);
  diag_primary(diag, "%lld products in a row", (long long)most);
  diag_note(diag, "the absolute values of a row of weights sum to less than 65,536; `i16` has 8 "
                  "bits for each weight, in half the memory");
  diag_trace_value(diag, lint->model, layer->in[0]);
}

void lint_i8_softmax(Infer *lint, const Layer *layer) {
  if (layer->kind != LAYER_softmax) return;
  const Layer *before = lint_run_source(layer->in[0])->layer;
  if (!before || !layer_opt(before, OPT_precision) ||
      layer_precision(lint->model, before) != PRECISION_I8)
    return;
  Diag *diag = lint_report(lint, W702, layer, layer->span, "probabilities below 1/256 become 0");
  diag_primary(diag, "of values in i8");
  diag_label(diag, before->span, "computes in i8");
  const OptVal *own = layer_opt(before, OPT_precision);
  Fix *fix = diag_fix(diag, FIX_MAYBE, "compute the last layer in f32");
  uint32_t end = before->span.end;
  if (own->given && span_valid(own->span))
    fix_edit(fix, own->span, "precision=f32");
  else if (span_valid(before->span) && before->opt[0].given)
    fix_edit(fix, (Span){before->span.file, end - 1, end - 1}, ", precision=f32");
}
