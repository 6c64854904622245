/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Changes in place of tensors that have views, or that are views: h[0] = x. In the graph each value
 * stands alone, so the change makes a new value of the whole tensor, and views of it are made again
 * when they are read the next time. */
#include "import/read/script/script.h"

#include "base/text.h"

#include <string.h>

typedef struct ScriptView {
  const char *name, *parent, *op;
  ScriptArgs args;     /* of the operator that made it */
  int item;            /* of its results; -1: it is the only one */
  int axis;            /* the view is a part of one axis of its parent; -1: it is not */
  int64_t start, size; /* of the part */
  int seen;            /* how often its tensor had changed when it was made */
} ScriptView;

static ScriptView *view_of(const ScriptRun *r, const char *name) {
  return map_get(&r->views, torch_root(r->torch, name));
}

const char *script_root(const ScriptRun *r, const char *name) {
  for (const ScriptView *v; (v = view_of(r, name));)
    name = v->parent;
  return torch_root(r->torch, name);
}

/* How often a tensor has changed. */
static int *changes_of(ScriptRun *r, const char *root) {
  int *n = map_get(&r->changes, root);
  if (n) return n;
  n = ARENA_NEW(r->arena, int);
  map_put(r->arena, &r->changes, root, n);
  return n;
}

/* ---- views ---- */

/* An argument that is a whole number; INT64_MIN: a tensor is. */
static int64_t int_at(const ScriptArgs *args, const char *name, int place, int64_t usual) {
  for (int k = 1; k < args->n; k++)
    if (args->keyword[k] ? strcmp(args->keyword[k], name) == 0 : k == place)
      return args->value[k]->kind == VALUE_INT    ? args->value[k]->i
             : args->value[k]->kind == VALUE_NONE ? usual
                                                  : INT64_MIN;
  return usual;
}

/* Which part of its parent a view is. */
static void find_part(ScriptRun *r, ScriptView *v, const ScriptValue *all) {
  const GraphTensor *whole = script_shape(r, v->parent);
  bool select = strcmp(v->op, "select") == 0, slice = strcmp(v->op, "slice") == 0,
       narrow = strcmp(v->op, "narrow") == 0, unbind = strcmp(v->op, "unbind") == 0;
  int64_t axis = int_at(&v->args, "dim", select || slice || narrow || unbind ? 1 : 2, 0);
  v->axis = -1;
  if (!whole) return;
  if (axis < 0 && axis != INT64_MIN) axis += whole->rank;
  if (axis < 0 || axis >= whole->rank) return;
  const GraphTensor *part = script_shape(r, v->name);
  if (select || slice || narrow) {
    v->start = int_at(&v->args, select ? "index" : "start", 2, 0);
    if (v->start == INT64_MIN) return;
    if (v->start < 0) v->start += whole->dim[axis];
    if (v->start < 0) v->start = 0;
    if (slice && int_at(&v->args, "step", 4, 1) != 1) return;
  } else if (v->item >= 0) {
    v->start = unbind ? v->item : 0;
    for (int i = 0; i < v->item && !unbind; i++) {
      const GraphTensor *before = script_shape(r, all->item[i]->text);
      v->start += before ? before->dim[axis] : 0;
    }
  } else {
    return;
  }
  v->size = select || unbind ? 1 : part->dim[axis];
  v->axis = (int)axis;
}

static void note_view(ScriptRun *r, const char *op, const ScriptArgs *args, const ScriptValue *out,
                      int item) {
  ScriptView *v = ARENA_NEW(r->arena, ScriptView);
  *v = (ScriptView){.name = item < 0 ? out->text : out->item[item]->text,
                    .parent = torch_root(r->torch, args->value[0]->text),
                    .op = op,
                    .args = *args,
                    .item = item};
  v->seen = *changes_of(r, script_root(r, v->parent));
  find_part(r, v, out);
  map_put(r->arena, &r->views, v->name, v);
  map_put(r->arena, &r->viewed, script_root(r, v->parent), v);
  ARENA_PUSH(r->arena, r->view, r->n_views, r->cap_views, v);
}

void script_note_views(ScriptRun *r, const char *op, const ScriptArgs *args,
                       const ScriptValue *out) {
  bool is_view = torch_sharing(op) == TORCH_VIEW && args->n && args->value[0]->kind == VALUE_TENSOR;
  if (is_view && out->kind == VALUE_TENSOR) note_view(r, op, args, out, -1);
  for (int k = 0; is_view && k < out->n; k++)
    note_view(r, op, args, out, k);
}

/* Views of views are made one within the other. False after reporting. */
static bool may_go_deeper(ScriptRun *r) {
  if (++r->views_deep <= SCRIPT_MAX_DEPTH) return true;
  return script_lacks(r, E902, "compute a new tensor instead, as in `y = y + x` or `torch.cat`",
                      "changes in place a tensor with a long chain of views");
}

bool script_fresh(ScriptRun *r, const ScriptValue *value) {
  bool list = value->kind == VALUE_LIST || value->kind == VALUE_TUPLE;
  for (int i = 0; list && i < value->n; i++)
    if (value->item[i]->kind == VALUE_TENSOR && !script_fresh(r, value->item[i])) return false;
  ScriptView *v = value->kind == VALUE_TENSOR ? view_of(r, value->text) : NULL;
  if (!v) return true;
  int now = *changes_of(r, script_root(r, v->name));
  if (v->seen == now) return true;
  if (words_index("contiguous to type_as reshape reshape_as flatten ravel", v->op) >= 0)
    return script_lacks(r, E902, "make the copy that is meant, with `.clone()`, before the change",
                        "reads what may be a view or a copy of a tensor that has changed since");
  if (!may_go_deeper(r)) return false;
  ScriptArgs again = v->args;
  ScriptValue parent = {.kind = VALUE_TENSOR, .text = v->parent};
  again.value[0] = &parent;
  const ScriptValue *made = script_aten(r, v->op, &again);
  r->views_deep--;
  if (made && v->item >= 0) made = made->item[v->item];
  if (!made) return false;
  torch_change(r->torch, v->name, made->text);
  v->seen = now;
  return true;
}

/* ---- changes ---- */

static bool shares(ScriptRun *r, const char *op) {
  return script_lacks(r, E902, "compute a new tensor instead, as in `y = y + x` or `torch.cat`",
                      "changes in place, by `%s_`, a tensor that others share, which is not "
                      "supported",
                      op);
}

static bool are_apart(const ScriptView *a, const ScriptView *b) {
  return a->axis >= 0 && a->axis == b->axis &&
         (a->start + a->size <= b->start || b->start + b->size <= a->start);
}

/* The parent of a view, with other numbers in its place. */
static const ScriptValue *scattered(ScriptRun *r, const ScriptView *v, const char *made) {
  ScriptValue parent = {.kind = VALUE_TENSOR, .text = v->parent},
              part = {.kind = VALUE_TENSOR, .text = made};
  const GraphTensor *whole = script_shape(r, v->parent), *given = script_shape(r, made);
  ScriptArgs args = {
      .n = 4,
      .value = {&parent, &part, script_int(r->arena, v->axis), script_int(r->arena, v->start)}};
  bool one = whole && given && given->rank < whole->rank;
  if (!one) args.value[args.n++] = script_int(r->arena, v->start + v->size);
  return script_aten(r, one ? "select_scatter" : "slice_scatter", &args);
}

/* Gives a tensor, which may be a view, the value of `made`. */
static bool write(ScriptRun *r, const char *op, const char *name, const char *made) {
  ScriptView *v = view_of(r, name);
  const char *root = script_root(r, name);
  int *changes = changes_of(r, root), before = *changes;
  if (!v) {
    ScriptValue whole = {.kind = VALUE_TENSOR, .text = root};
    bool stored = map_get(&r->attributes, root) && !map_get(&r->torch->buffers, root);
    if (script_input(r, &whole) >= 0)
      return script_lacks(r, E902, "change a copy: `x = x.clone()`",
                          "changes the input `%s` in place, which is not supported", root);
    if (stored) return shares(r, op);
    torch_change(r->torch, root, made);
    ++*changes;
    return true;
  }
  if (v->axis < 0) return shares(r, op);
  if (!may_go_deeper(r) || !script_spend(r, r->n_views / 16)) return false;
  const ScriptValue *whole = scattered(r, v, made);
  if (!whole || !write(r, op, v->parent, whole->text)) return false;
  r->views_deep--;
  torch_change(r->torch, v->name, made);
  v->seen = *changes;
  for (int i = 0; i < r->n_views; i++) {
    ScriptView *other = r->view[i];
    bool same = strcmp(other->parent, v->parent) == 0 && other->seen == before;
    if (same && are_apart(v, other)) other->seen = *changes;
  }
  return true;
}

bool script_is_shared(const ScriptRun *r, const ScriptValue *v) {
  return view_of(r, v->text) || map_get(&r->viewed, torch_root(r->torch, v->text));
}

ScriptValue *script_change(ScriptRun *r, const char *op, const ScriptArgs *args) {
  ScriptValue *self = args->value[0];
  const ScriptValue *made = script_aten(r, op, args);
  if (!made) return NULL;
  const GraphTensor *was = script_shape(r, self->text),
                    *is = made->kind == VALUE_TENSOR ? script_shape(r, made->text) : NULL;
  if (!was || !is || was->elem != is->elem || !graph_same_shape(was, is)) {
    script_refuse(r, E901, "changes a tensor by `%s_` to another shape or type", op);
    return NULL;
  }
  return write(r, op, self->text, made->text) ? self : NULL;
}
