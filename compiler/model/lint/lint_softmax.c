/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* W501, W502, W504: a softmax of one value, of values that a stage before limits, of values that a
 * relu before cuts off at 0. */
#include "model/lint/lint.h"

/* The range of the results of a stage, as messages write it; NULL if it is not a narrow one. */
static const char *squashed_range(const Layer *layer) {
  LayerKind kind = layer->kind;
  if (kind == LAYER_sigmoid || kind == LAYER_hard_sigmoid || kind == LAYER_softmax) return "0..1";
  if (kind == LAYER_tanh || kind == LAYER_hard_tanh || kind == LAYER_softsign) return "-1..1";
  return NULL;
}

static void fix_remove(Infer *lint, Diag *d, const Layer *layer) {
  Fix *fix = diag_fix(d, FIX_MAYBE, "remove the `%s`", layer_name(layer));
  if (span_valid(layer->pipe)) edit_drop_stage(lint, fix, layer);
}

static void report_one(Infer *lint, const Layer *layer) {
  const Value *v = layer->in[0];
  Diag *d = lint_report(lint, W501, layer, layer->span, "`softmax` over one unit is always 1");
  diag_primary(d, "normalises %s along its last axis", shape_str(lint->arena, &v->type));
  diag_trace_value(d, lint->model, v);
  Fix *fix = diag_fix(d, FIX_MAYBE, "use `sigmoid` for a single probability");
  if (span_valid(layer->name_span)) fix_edit(fix, layer->name_span, "sigmoid");
}

static void report_twice(Infer *lint, const Layer *layer, const Layer *before, const char *range) {
  Diag *d = lint_report(lint, W502, layer, layer->span, "`softmax` of `%s` limits the values twice",
                        layer_name(before));
  diag_primary(d, "its inputs are already limited to %s", range);
  diag_label(d, before->span, "limits the values to %s", range);
  diag_trace_value(d, lint->model, layer->in[0]);
  diag_note(d,
            "the largest stays the largest, but the probabilities are too similar: none can exceed "
            "%s times another",
            before->kind == LAYER_tanh || before->kind == LAYER_hard_tanh ||
                    before->kind == LAYER_softsign
                ? "e^2 = 7.39"
                : "e = 2.72");
  fix_remove(lint, d, before);
}

static void report_cut(Infer *lint, const Layer *layer, const Layer *relu) {
  Diag *d =
      lint_report(lint, W504, layer, relu->span, "negative scores are cut off before `softmax`");
  diag_primary(d, "sets every score below 0 to 0");
  diag_label(d, layer->span, "needs scores of both signs");
  diag_trace_value(d, lint->model, layer->in[0]);
  diag_note(d, "every class with a negative score gets the same probability");
  fix_remove(lint, d, relu);
}

void lint_softmax(Infer *lint, const Layer *layer) {
  if (layer->kind != LAYER_softmax) return;
  const Type *type = &layer->in[0]->type;
  const Layer *before = lint_run_source(layer->in[0])->layer;
  const char *range = before ? squashed_range(before) : NULL;
  if (type->rank && type->dim[type->rank - 1].n == 1)
    report_one(lint, layer);
  else if (range)
    report_twice(lint, layer, before, range);
  else if (before && before->kind == LAYER_relu)
    report_cut(lint, layer, before);
}
