/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* W503, W506: a state that the caller passes and never gets back; a state that nothing resets. */
#include "model/lint/lint.h"

/* Whether an output is the last step of a GRU or RNN that reads forward, which is its final state.
 */
static bool last_is_output(const Model *model, const Layer *layer) {
  if (layer->kind == LAYER_LSTM || layer_directions(layer) == 2) return false;
  for (int i = 0; i < model->n_layers; i++) {
    const Layer *last = model->layer[i];
    if (last->kind == LAYER_last && last->along[0].axis == AXIS_TIME &&
        last->in[0] == layer->out[0] && model_has_output(model, last->out[0]))
      return true;
  }
  return false;
}

/* Suggests `out NAME : f32[width] = x.h` after the last output, for each state that is no output.
 */
static void fix_give_back(Infer *lint, Diag *d, const Layer *layer) {
  const Model *model = lint->model;
  Fix *fix = diag_fix(d, FIX_MAYBE, "return the state, for the next call");
  Span at = model->n_out ? model->out[model->n_out - 1]->span : span_none();
  Span lines = span_lines(lint->diags->sources, at);
  if (!span_valid(at) || lines.end == at.end || layer->call) return;
  const char *name = layer->out[0]->name;
  if (!name) name = lint_name_layer(lint, fix, layer, "rnn", "", layer->span.end);
  if (!name) return;
  Text text = text_new(lint->arena);
  for (int i = 1; i <= layer_n_states(layer); i++) {
    const Value *s = layer->out[i];
    if (model_has_output(model, s)) continue;
    text_printf(&text, "  out %s : %s = %s.%s\n", lint_fresh_name(lint, s->field),
                type_str(lint->arena, &s->type), name, s->field);
  }
  fix_edit(fix, (Span){at.file, lines.end, lines.end}, "%s", text_str(&text));
}

void lint_lost_state(Infer *lint, const Layer *layer) {
  const Model *model = lint->model;
  const OptVal *init = layer_opt(layer, OPT_init);
  if (!(layer_info(layer->kind)->flags & RECURRENT) || !init->given || lint_after_errors(lint))
    return;
  if (type_is_stream(&layer->in[0]->type) || last_is_output(model, layer)) return;
  const Port *from = NULL;
  for (int i = 0; i < init->n_values; i++)
    if (init->values[i]->port) from = init->values[i]->port;
  const Value *lost = NULL;
  for (int i = layer_n_states(layer); i >= 1; i--)
    if (!model_has_output(model, layer->out[i])) lost = layer->out[i];
  if (!from || !lost || !lint_typed(lost)) return;
  Span at = span_valid(init->span) ? init->span : layer->span;
  Diag *d = lint_report(lint, W503, layer, at,
                        "this `%s` starts from an input, but its final state is not an output",
                        layer_name(layer));
  diag_primary(d, "starts from input `%s`", from->name);
  diag_note(d,
            "callers can begin a sequence in the middle, but cannot continue where a call ended");
  fix_give_back(lint, d, layer);
}

/* Its state is kept in 32 bits and held at their ends: it does not drift. */
static bool is_in_integers(const Model *model, const Layer *layer) {
  Precision p = layer_precision(model, layer);
  return precision_info[p].arithmetic == ARITHMETIC_INTEGER;
}

void lint_never_reset(Infer *lint, const Layer *layer) {
  const Model *model = lint->model;
  if (!type_is_stream(&layer->out[0]->type) || layer->kind != LAYER_LSTM ||
      is_in_integers(model, layer))
    return;
  Diag *d = lint_report(lint, W506, layer, layer->span,
                        "nothing in this model ever resets the state of `%s`", layer_name(layer));
  diag_primary(d, "continues from `%s_reset` to power-off", model->name);
  diag_note(d, "`c` is a sum over all steps: over hours it can drift to values that never occurred "
               "in training");
  diag_fix(d, FIX_MAYBE,
           "call `%s_reset` when a sequence ends: after a pause, at a new file, every minute",
           model->name);
}
