/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The messages of binding. In: a tensor that is missing or does not fit. Out: E601 to E603 and W601
 * with what the file has, why the model needs another shape, and what to write instead. */
#include "model/bind/binding.h"

#include "model/infer/infer.h"

#include <string.h>

Span binding_span(const Layer *layer) {
  const OptVal *from = layer_opt(layer, OPT_from);
  return from && from->given ? from->at : layer->name_span;
}

/* What the positions of an axis are called; NULL for an axis that a message leaves out. */
static const char *axis_noun(BindAxis axis, Role role) {
  switch (axis) {
  case BIND_INPUTS: return role == ROLE_RECURRENT || role == ROLE_TABLE ? "units" : "inputs";
  case BIND_GATES: return "gates";
  case BIND_UNITS: return role == ROLE_TABLE ? "categories" : "units";
  case BIND_TAPS: return "taps";
  case BIND_HALVES: return "halves";
  case BIND_DIRECTIONS: return "directions";
  case BIND_TAPS_2:
  case BIND_GROUPS:
  case BIND_GROUP_UNITS:
  case BIND_ONE:
  case BIND_NEXT: break;
  }
  return NULL;
}

/* The reason of a shape: "7 inputs x 4 gates x 50 units". */
static const char *shape_reason(Arena *arena, const char *axes, const ParamShape *p, bool split) {
  Text text = text_new(arena);
  for (const char *c = axes; *c; c++) {
    BindAxis axis = (BindAxis)*c;
    int64_t n = axis == BIND_NEXT ? 1 : bind_axis_size(axis, p, split);
    const char *what = axis_noun(axis, p->role);
    if (!what || (n == 1 && axis != BIND_INPUTS && axis != BIND_UNITS)) continue;
    text_printf(&text, "%s%lld %s", text.len ? " x " : "", (long long)n, what);
  }
  return text_str(&text);
}

/* Suggests another number of categories for a one-hot part of the input, if that would make the
 * width right. excess: by how much the width is too large. */
static void help_part(Bind *b, Diag *d, const Layer *layer, int64_t excess) {
  const Layer *from = layer->in[0]->layer;
  if (!from || from->kind != LAYER_concat) return;
  for (int i = 0; i < from->n_in; i++) {
    const Value *v = from->in[i];
    while (v->layer && v->layer->kind != LAYER_onehot && v->layer->n_in == 1)
      v = v->layer->in[0];
    const Value *index = v->layer && v->layer->kind == LAYER_onehot ? v->layer->in[0] : NULL;
    if (!index || !index->port || index->type.categories <= excess) continue;
    Type type = index->port->declared;
    type.categories -= excess;
    Fix *fix = diag_fix(d, FIX_MAYBE,
                        "with %s `%s` the widths agree: how many categories was it trained with?",
                        type_str(b->model->arena, &type), index->name);
    if (span_valid(index->port->type_span))
      fix_edit(fix, index->port->type_span, "%s", type_str(b->model->arena, &type));
  }
}

void binding_report_width(Bind *b, const Layer *layer, const Tensor *t, const ParamShape *p,
                          const BindRow *row, int64_t trained, const int64_t *dim, int rank) {
  int64_t fed = p->dim[p->rank - 1];
  bool per_step = type_is_sequence(&layer->in[0]->type);
  Diag *d = diag_new(b->diags, E601, layer->name_span,
                     "`%s` was trained on %lld inputs%s, but the model passes %lld", t->name,
                     (long long)trained, per_step ? " per step" : "", (long long)fed);
  diag_primary(d, "gets %s", shape_str(b->model->arena, &layer->in[0]->type));
  const OptVal *from = layer_opt(layer, OPT_from);
  if (from->given)
    diag_label(d, from->at, "shape %s in %s", tensor_shape_str(b->model->arena, t), b->file->path);
  else
    diag_note(d, "`%s` has shape %s in %s", t->name, tensor_shape_str(b->model->arena, t),
              b->file->path);
  diag_trace_value(d, b->model, layer->in[0]);
  diag_note(d, "expected %s: %s", dims_str(b->model->arena, rank, dim),
            shape_reason(b->model->arena, row->axes, p, false));
  help_part(b, d, layer, fed - trained);
}

/* The projection that PyTorch's `proj_size` adds to an LSTM: with weight_hh_l0 [4u, p] comes
 * weight_hr_l0 [p, u]. NULL if the file has none for t. */
static const Tensor *projection_of(const Bind *b, const Tensor *t) {
  const char *at = b->convention == CONVENTION_TORCH ? strstr(t->name, "weight_hh") : NULL;
  if (!at) return NULL;
  return tensor_find(b->file, arena_printf(b->model->arena, "%.*sweight_hr%s", (int)(at - t->name),
                                           t->name, at + strlen("weight_hh")));
}

void binding_report_shape(Bind *b, const Layer *layer, const Tensor *t, const ParamShape *p,
                          const BindRow *row, const int64_t *dim, int rank, bool split) {
  const char *kind = layer_info(layer->kind)->name;
  bool reversed = t->rank == 2 && rank == 2 && t->dim[0] == dim[1] && t->dim[1] == dim[0];
  Diag *d =
      diag_new(b->diags, E603, binding_span(layer), "`%s` has shape %s, but this `%s` needs %s",
               *t->name ? t->name : b->file->path, tensor_shape_str(b->model->arena, t), kind,
               dims_str(b->model->arena, rank, dim));
  diag_primary(d, "used here");
  diag_note(d, "%s: %s", dims_str(b->model->arena, rank, dim),
            shape_reason(b->model->arena, row->axes, p, split));
  const Tensor *projection = projection_of(b, t);
  if (projection)
    diag_note(d,
              "`%s` %s projects the output (`proj_size`), which is not supported: train without "
              "it, and put a Linear after the LSTM to narrow its output",
              projection->name, tensor_shape_str(b->model->arena, projection));
  if (reversed)
    diag_fix(d, FIX_MAYBE,
             "the shape is transposed: did another framework than `%s` write this file?",
             convention_word[b->convention]);
  const OptVal *units = &layer->opt[0];
  int64_t gates = p->axes[0] == BIND_DIRECTIONS ? p->dim[1] : 1,
          last = t->rank ? t->dim[b->convention == CONVENTION_KERAS ? t->rank - 1
                                  : t->rank > 2                     ? 1
                                                                    : 0]
                         : 0;
  if (!reversed && units->given && p->role == ROLE_KERNEL && last && last % gates == 0 &&
      last / gates != units->i) {
    Fix *fix = diag_fix(d, FIX_MAYBE, "with %lld units it fits", (long long)(last / gates));
    if (span_valid(units->at)) fix_edit(fix, units->at, "%lld", (long long)(last / gates));
  }
}

static bool names_start(const char *tensor) {
  return strstr(tensor, "initial_h") || strstr(tensor, "initial_c") || strstr(tensor, "initial_x");
}

/* Why grus cannot read the tensor of this name; NULL if the file has none. */
static const char *why_unread(const TensorFile *file, const char *name) {
  for (int i = 0; i < file->n_unread; i++) {
    const char *whole = file->unread[i].name;
    size_t n = file->root ? strlen(file->root) : 0;
    if (strcmp(whole, name) == 0 ||
        (n && strncmp(whole, file->root, n) == 0 && strcmp(whole + n, name) == 0))
      return file->unread[i].why;
  }
  return NULL;
}

/* Whether the file has the kernels of the layer under the names of another convention. */
static bool has_all_of(const Bind *b, const Layer *layer, Convention convention) {
  Bind other = *b;
  other.convention = convention;
  bool any = false;
  for (int r = 0; r < n_bind_rows; r++) {
    const BindRow *row = &bind_rows[r];
    bool is_kernel = row->role == ROLE_KERNEL || row->role == ROLE_RECURRENT;
    if (row->kind != layer->kind || row->convention != convention || !is_kernel) continue;
    if (!binding_tensor(&other, layer, row, 0)) return false;
    any = true;
  }
  return any;
}

/* Suggests another convention if the file has all kernels of the layer under its names, as with
 * `weights keras` and a file of PyTorch. True if it did. */
static bool report_convention(Bind *b, Diag *d, const Layer *layer) {
  const WeightsDecl *decl = &b->model->weights;
  for (Convention c = CONVENTION_KERAS; c < CONVENTION_COUNT; c++) {
    if (c == b->convention || bind_listed(layer) || !has_all_of(b, layer, c)) continue;
    Fix *fix = diag_fix(d, FIX_MAYBE, "the file has the names of %s: write `weights %s`",
                        convention_framework[c], convention_word[c]);
    if (span_valid(decl->convention_span))
      fix_edit(fix, decl->convention_span, "%s", convention_word[c]);
    return true;
  }
  return false;
}

/* A tensor of the file whose name, apart from its prefix, only another convention gives to a
 * recurrent kernel; NULL if there is none. */
static const Tensor *named_elsewhere(const Bind *b, Convention *convention) {
  for (int r = 0; r < n_bind_rows; r++) {
    const BindRow *row = &bind_rows[r];
    size_t m = strlen(row->tensor);
    if (row->role != ROLE_RECURRENT || row->convention == b->convention) continue;
    for (int i = 0; i < b->file->n; i++) {
      const char *name = b->file->tensor[i].name, *leaf = name + strlen(name);
      while (leaf > name && !strchr("./", leaf[-1]))
        leaf--;
      bool same = m > 1 && strncmp(leaf, row->tensor, m) == 0 && (!leaf[m] || leaf[m] == '_');
      if (!same) continue; /* weight_hh_l0 has the number of its layer */
      *convention = row->convention;
      return &b->file->tensor[i];
    }
  }
  return NULL;
}

/* Says that the file has names of another convention, under prefixes that the model does not have.
 */
static void note_convention(Bind *b, Diag *d) {
  Convention c;
  const Tensor *t = named_elsewhere(b, &c);
  if (t)
    diag_note(d, "`%s` is a name of %s, which `weights %s` reads", t->name, convention_framework[c],
              convention_word[c]);
}

void binding_report_missing(Bind *b, const Layer *layer, const char *name) {
  const OptVal *from = layer_opt(layer, OPT_from);
  Diag *d =
      diag_new(b->diags, E602, binding_span(layer), "`%s` has no tensor `%s`", b->file->path, name);
  diag_primary(d, "needed here");
  if (report_convention(b, d, layer)) return;
  const char *dot = strrchr(name, '.'), *leaf = dot ? dot : name;
  int shown = 0, twins = 0;
  Text list = text_new(b->model->arena), prefix = text_new(b->model->arena);
  for (int i = 0; i < b->file->n && shown < 6; i++) { /* same last part, else near in spelling */
    const Tensor *t = &b->file->tensor[i];
    size_t n = strlen(t->name), m = strlen(leaf);
    bool same_leaf =
        dot && n > m && strcmp(t->name + n - m + 1, leaf + 1) == 0 && strchr("./", t->name[n - m]);
    if (same_leaf && twins++ == 0) text_printf(&prefix, "%.*s", (int)(n - m), t->name);
    if (!same_leaf && text_distance(t->name, name, strlen(name) / 3) > strlen(name) / 3) continue;
    text_printf(&list, "%s`%s` %s", shown++ ? ", " : "", t->name,
                tensor_shape_str(b->model->arena, t));
  }
  const char *unread = why_unread(b->file, name);
  if (unread) diag_note(d, "it has one with this name, but grus cannot read it: %s", unread);
  if (shown)
    diag_note(d, "it has %s", text_str(&list));
  else
    diag_note(d, "it has %d tensor%s; `grus import %s --list` shows them", b->file->n,
              b->file->n == 1 ? "" : "s", b->file->path);
  if (!shown) note_convention(b, d);
  if (b->file->whole_model)
    diag_note(
        d, "`%s` holds a whole model: `grus import %s` writes it as a .grus file, with its weights",
        b->file->path, b->file->path);
  if (!layer->prefix)
    diag_note(d, "the name is the layer's path in the model; `from=\"...\"` gives another prefix");
  if (names_start(name))
    diag_note(
        d,
        "with `init=learned` the initial state is one of the weights; without `init` it is zero");
  if (bind_listed(layer) || twins != 1 || strpbrk(text_str(&prefix), "\"\\")) return;
  Fix *fix = diag_fix(d, FIX_MAYBE, "its `%s` is under `%s`: `from=\"%s\"`", leaf + 1,
                      text_str(&prefix), text_str(&prefix));
  if (from && from->given && span_valid(from->at))
    fix_edit(fix, from->at, "\"%s\"", text_str(&prefix));
}

void binding_report_unused(Bind *b) {
  if (model_allows(b->model, b->diags, W601)) return;
  for (int i = 0; i < b->file->n; i++) {
    const Tensor *t = &b->file->tensor[i];
    bool counter = strstr(t->name, "num_batches_tracked") || strstr(t->name, "seed_generator");
    if (b->owner[i] || counter) continue;
    Diag *d = diag_new(b->diags, W601, b->model->weights.path_span,
                       "`%s` in `%s` is not used by this model", t->name, b->file->path);
    d->file = b->file->path;
    if (names_start(t->name))
      diag_note(d, "it is an initial state of %s: add `init=learned` to its layer",
                tensor_shape_str(b->model->arena, t));
    else
      diag_note(d, "its shape is %s; is a layer missing?", tensor_shape_str(b->model->arena, t));
  }
}
