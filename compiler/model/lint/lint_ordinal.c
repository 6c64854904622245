/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* W204: layers of one kind in one statement whose tensors differ only by a number in their names.
 */
#include "model/lint/lint.h"

#include "base/map.h"

/* A list of layers without `from=` that have the same kind, statement and use of a block. */
typedef struct Ordinal {
  const Layer *layer;
  struct Ordinal *next, *last; /* last: only in the first element, the end of the list */
} Ordinal;

static void report_group(Infer *lint, const Ordinal *first) {
  const Layer *a = first->layer, *b = first->next->layer;
  Diag *d =
      lint_report(lint, W204, b, b->name_span,
                  "weights of `%s` and `%s` are told apart only by position", a->path, b->path);
  diag_primary(d, "takes `%s`", b->path);
  diag_label(d, a->name_span, "takes `%s`", a->path);
  diag_note(d, "a `%s` inserted before them would silently shift the names of the rest",
            layer_name(a));
  Fix *fix = diag_fix(d, FIX_MAYBE, "name the tensors of each");
  for (const Ordinal *o = first; o; o = o->next) {
    const Layer *layer = o->layer;
    if (layer != a && layer != b) diag_label(d, layer->name_span, "takes `%s`", layer->path);
    if (!layer->call) /* in a block the paths are those of one use of it */
      edit_add_argument(lint, fix, layer, arena_printf(lint->arena, "from=\"%s\"", layer->path));
  }
}

void lint_ordinal_weights(Infer *lint) {
  const Model *model = lint->model;
  Map groups = {0};
  Ordinal **first = ARENA_ARRAY(lint->arena, Ordinal *, model->n_layers + 1);
  int n = 0;
  for (int i = 0; model->weights.path && i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    if (!(layer_info(layer->kind)->flags & WEIGHTS) || layer->prefix || !layer->binding) continue;
    const char *key = arena_printf(lint->arena, "%d %p %s", (int)layer->kind,
                                   (const void *)layer->call, layer->binding);
    Ordinal *o = ARENA_NEW(lint->arena, Ordinal), *group = map_get(&groups, key);
    o->layer = layer;
    if (group) {
      group->last->next = o;
      group->last = o;
    } else {
      o->last = first[n++] = o;
      map_put(lint->arena, &groups, key, o);
    }
  }
  for (int i = 0; i < n; i++)
    if (first[i]->next) report_group(lint, first[i]);
}
