/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* W302, W303, W304: a flatten that does nothing, a flatten over time, a reshape into steps. */
#include "model/lint/lint.h"

#include <string.h>

void lint_useless_flatten(Infer *lint, const Layer *layer) {
  const Value *v = layer->in[0];
  if (layer->kind != LAYER_flatten || type_is_sequence(&v->type) || v->type.rank != 1) return;
  Diag *d = lint_report(lint, W302, layer, layer->span, "`flatten` of a vector does nothing");
  diag_primary(d, "already %s", shape_str(lint->arena, &v->type));
  /* Another use of the block may need it. */
  Fix *fix = diag_fix(d, layer->call ? FIX_MAYBE : FIX_SURE, "remove it");
  if (span_valid(layer->pipe))
    edit_drop_stage(lint, fix, layer);
  else if (span_valid(layer->in_span[0]) && span_valid(layer->span))
    fix_edit(fix, layer->span, "%s",
             span_text(lint->arena, lint->diags->sources, layer->in_span[0]));
}

static void report_flatten(Infer *lint, const Layer *layer) {
  const Type *type = &layer->in[0]->type;
  Diag *d = lint_report(lint, W303, layer, layer->span,
                        "`flatten` over time ties the next layer's weights to the length");
  long long t = (long long)type->time.n, n = (long long)type_step_size(type);
  diag_primary(d, "%lld steps x %lld features = %lld", t, n, t * n);
  diag_trace_value(d, lint->model, layer->out[0]);
  diag_note(d, "`last`, `mean` and `max` keep the width independent of the number of steps");
}

void lint_flatten_time(Infer *lint) {
  const Model *model = lint->model;
  const bool *feeds = lint_feeds_weights(lint);
  for (int i = 0; i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    if (layer->kind != LAYER_flatten || !lint_layer_typed(layer) || !feeds[layer->out[0]->id])
      continue;
    const Time *time = &layer->in[0]->type.time;
    if (time->kind == TIME_FIXED && time->n > 1) report_flatten(lint, layer);
  }
}

/* The text of a shape with its first axis last, "[axis 3, time 20]" for "[time 20, axis 3]"; NULL
 * if it cannot be split. */
static const char *time_moved_last(Arena *arena, const char *shape) {
  size_t len = strlen(shape), comma = 1;
  if (len < 2 || shape[0] != '[' || shape[len - 1] != ']' || strchr(shape, '#')) return NULL;
  for (int depth = 0; comma < len && (depth || shape[comma] != ','); comma++)
    depth += (shape[comma] == '(') - (shape[comma] == ')');
  if (comma >= len) return NULL;
  size_t rest = comma + 1 + strspn(shape + comma + 1, " \t\r\n");
  size_t end = len - 1;
  while (end > rest && strchr(" \t\r\n,", shape[end - 1]))
    end--;
  return arena_printf(arena, "[%.*s, %.*s]", (int)(end - rest), shape + rest, (int)(comma - 1),
                      shape + 1);
}

void lint_reshape_time(Infer *lint, const Layer *layer) {
  const Value *v = layer->in[0];
  const OptVal *shape = layer_opt(layer, OPT_shape);
  if (layer->kind != LAYER_reshape || type_is_sequence(&v->type) || v->type.rank != 1) return;
  const Type *to = shape->shape;
  long long d = (long long)type_step_size(to);
  /* Who writes time at another place has thought about the order; one step or one feature has one.
   */
  if (!type_is_sequence(to) || to->time_pos != 0 || d == 1 || to->time.n == 1) return;
  Diag *diag = lint_report(lint, W304, layer, layer->span,
                           "`reshape` assumes the values of one step are stored together");
  diag_primary(diag, "value i becomes step i / %lld, feature i %% %lld", d, d);
  diag_note(diag,
            "axes are written in storage order; the size does not show which order the data have");
  Fix *fix = diag_fix(diag, FIX_MAYBE, "if all steps of one feature are stored first, declare it");
  const char *text =
      span_valid(shape->at)
          ? time_moved_last(lint->arena, span_text(lint->arena, lint->diags->sources, shape->at))
          : NULL;
  if (text) fix_edit(fix, shape->at, "%s", text);
}
