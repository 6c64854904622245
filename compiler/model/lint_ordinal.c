/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* W204: layers of one kind in one statement whose tensors are told apart by a number alone. */
#include "model/lint.h"

#include <string.h>

static bool takes_ordinal(const Layer *layer) {
  return layer_info(layer->kind)->flags & WEIGHTS && !layer->prefix && layer->binding;
}

static bool alike(const Layer *a, const Layer *b) {
  return takes_ordinal(b) && a->kind == b->kind && a->call == b->call &&
         strcmp(a->binding, b->binding) == 0;
}

/* Layers like first from there on; with_path also writes each path into its own `from=`. */
static void report_group(Infer *lint, const Layer *first, const Layer *second) {
  const Model *model = lint->model;
  Diag *d = lint_report(lint, W204, second, second->name_span,
                        "weights of `%s` and `%s` are told apart only by position", first->path,
                        second->path);
  diag_primary(d, "takes `%s`", second->path);
  diag_label(d, first->name_span, "takes `%s`", first->path);
  diag_note(d, "a `%s` inserted before them would silently shift the names of the rest",
            layer_name(first));
  Fix *fix = diag_fix(d, FIX_MAYBE, "name the tensors of each");
  for (int i = first->id; i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    if (layer != first && !alike(first, layer)) continue;
    if (layer != first && layer != second)
      diag_label(d, layer->name_span, "takes `%s`", layer->path);
    if (!first->call)
      edit_add_argument(lint, fix, layer, arena_printf(lint->arena, "from=\"%s\"", layer->path));
  }
}

void lint_ordinal_weights(Infer *lint) {
  const Model *model = lint->model;
  if (!model->weights.path) return;
  bool *seen = ARENA_ARRAY(lint->arena, bool, (size_t)model->n_layers);
  for (int i = 0; i < model->n_layers; i++) {
    const Layer *first = model->layer[i], *second = NULL;
    if (seen[i] || !takes_ordinal(first)) continue;
    for (int k = i + 1; k < model->n_layers; k++) {
      if (!alike(first, model->layer[k])) continue;
      seen[k] = true;
      if (!second) second = model->layer[k];
    }
    if (second) report_group(lint, first, second);
  }
}
