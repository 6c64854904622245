/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Binding: in, a typed model and an open weights file; out, every layer's canonical weights, or
 * diagnostics E601 to E603, E605 to E608. Names, gate order and transposition come from the
 * convention's table; nothing is guessed.
 *
 * Names. Behind the prefix comes "." or "/" and the tensor's name. torch adds "_l0" (prefix
 * "rnn[1]": "rnn." and "_l1") and "_reverse" for the second direction, but neither in LSTMCell;
 * keras has "forward." and "backward." before the tensor's name when there are two directions. A
 * `from` of several names has them all (bind_names.c). A learned initial state, which no framework
 * has, is initial_h and initial_c everywhere, both directions in one. */
#include "model/bind/bind.h"

#include "model/infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Bind {
  Model *model;
  const TensorFile *file;
  Diags *diags;
  Convention convention;
  Layer **owner; /* per tensor of the file: the layer that took it */
  const char **owner_role;
} Bind;

static Span from_span(const Bind *b, const Layer *layer) {
  const OptVal *from = layer_opt(layer, OPT_from);
  if (from && from->given) return from->at;
  (void)b;
  return layer->name_span;
}

static const char *tensor_name(const Bind *b, const Layer *layer, const BindRow *row, int dir,
                               char separator) {
  return bind_tensor_name(b->model->arena, b->convention, layer, row, dir, separator);
}

/* With "." behind the prefix, then with "/". */
static const Tensor *under_another_name(const Bind *b, const Layer *layer, const BindRow *row,
                                        int dir) {
  Arena *arena = b->model->arena;
  const Tensor *t =
      bind_alias(arena, b->file, layer->kind, row->tensor, tensor_name(b, layer, row, dir, '.'));
  return t ? t
           : bind_alias(arena, b->file, layer->kind, row->tensor,
                        tensor_name(b, layer, row, dir, '/'));
}

/* LSTMCell, GRUCell and RNNCell of PyTorch: names without "_l0". */
static const Tensor *torch_cell_tensor(const Bind *b, const Layer *layer, const BindRow *row) {
  const char *prefix = bind_prefix(layer);
  bool recurrent = layer_info(layer->kind)->flags & RECURRENT;
  bool per_dir = layer_directions(layer) == 2 && !strchr(row->axes, 'D');
  if (b->convention != CONVENTION_TORCH || !recurrent || per_dir) return NULL;
  return tensor_find(
      b->file, arena_printf(b->model->arena, "%s%s%s", prefix, *prefix ? "." : "", row->tensor));
}

static const Tensor *tensor_of(const Bind *b, const Layer *layer, const BindRow *row, int dir) {
  const Tensor *t = tensor_find(b->file, tensor_name(b, layer, row, dir, '.'));
  if (bind_listed(layer)) return t;
  if (!t) t = tensor_find(b->file, tensor_name(b, layer, row, dir, '/'));
  if (!t) t = torch_cell_tensor(b, layer, row);
  if (!t && layer->prefix && bind_alone(layer, b->convention))
    t = tensor_find(b->file, layer->prefix);
  if (!t && !*bind_prefix(layer) && b->file->n == 1)
    t = tensor_find(b->file, ""); /* an .npy is one array without a name */
  if (!t) t = under_another_name(b, layer, row, dir);
  return t;
}

static const char *shape_text(Arena *arena, const int64_t *dim, int rank) {
  Text text = text_new(arena);
  for (int i = 0; i < rank; i++)
    text_printf(&text, "%s%lld", i ? ", " : "[", (long long)dim[i]);
  text_add(&text, "]");
  return text_str(&text);
}

/* "7 inputs x 4 gates x 50 units" */
static const char *shape_reason(Arena *arena, const char *axes, const ParamShape *p, bool split) {
  Text text = text_new(arena);
  for (const char *c = axes; *c; c++) {
    int64_t n = *c == ',' ? 1 : bind_letter_size(*c, p, split);
    const char *what =
        *c == 'K'   ? (p->role == ROLE_RECURRENT || p->role == ROLE_TABLE ? "units" : "inputs")
        : *c == 'G' ? "gates"
        : *c == 'U' ? (p->role == ROLE_TABLE ? "categories" : "units")
        : *c == 'I' ? "taps"
        : *c == 'S' ? "halves"
        : *c == 'D' ? "directions"
                    : NULL;
    if (!what || (n == 1 && *c != 'K' && *c != 'U')) continue;
    text_printf(&text, "%s%lld %s", text.len ? " x " : "", (long long)n, what);
  }
  return text_str(&text);
}

/* The tensor agrees with dim, where size-1 axes may be missing on either side. */
static bool shape_fits(const Tensor *t, const int64_t *dim, int rank) {
  int i = 0, k = 0;
  while (i < t->rank || k < rank) {
    if (i < t->rank && k < rank && t->dim[i] == dim[k])
      i++, k++;
    else if (i < t->rank && t->dim[i] == 1)
      i++;
    else if (k < rank && dim[k] == 1)
      k++;
    else
      return false;
  }
  return true;
}

/* A part of the input that would make the width right if it had other categories. */
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

static void report_width(Bind *b, const Layer *layer, const Tensor *t, const ParamShape *p,
                         const BindRow *row, int64_t trained, const int64_t *dim, int rank) {
  int64_t fed = p->dim[p->rank - 1];
  bool per_step = type_is_sequence(&layer->in[0]->type);
  Diag *d = diag_new(b->diags, E601, layer->name_span,
                     "`%s` was trained on %lld inputs%s, but the model feeds it %lld", t->name,
                     (long long)trained, per_step ? " per step" : "", (long long)fed);
  diag_primary(d, "gets %s", shape_str(b->model->arena, &layer->in[0]->type));
  const OptVal *from = layer_opt(layer, OPT_from);
  if (from->given)
    diag_label(d, from->at, "shape %s in %s", tensor_shape_str(b->model->arena, t), b->file->path);
  else
    diag_note(d, "`%s` has shape %s in %s", t->name, tensor_shape_str(b->model->arena, t),
              b->file->path);
  diag_trace_value(d, b->model, layer->in[0]);
  diag_note(d, "expected %s: %s", shape_text(b->model->arena, dim, rank),
            shape_reason(b->model->arena, row->axes, p, false));
  help_part(b, d, layer, fed - trained);
}

/* PyTorch's proj_size: beside weight_hh_l0 [4u, p] there is weight_hr_l0 [p, u]. */
static const Tensor *projection_of(const Bind *b, const Tensor *t) {
  const char *at = b->convention == CONVENTION_TORCH ? strstr(t->name, "weight_hh") : NULL;
  if (!at) return NULL;
  return tensor_find(b->file, arena_printf(b->model->arena, "%.*sweight_hr%s", (int)(at - t->name),
                                           t->name, at + strlen("weight_hh")));
}

static void report_shape(Bind *b, const Layer *layer, const Tensor *t, const ParamShape *p,
                         const BindRow *row, const int64_t *dim, int rank, bool split) {
  static const char *const names[] = {"", "keras", "torch", "onnx"};
  const char *kind = layer_info(layer->kind)->name;
  bool reversed = t->rank == 2 && rank == 2 && t->dim[0] == dim[1] && t->dim[1] == dim[0];
  Diag *d =
      diag_new(b->diags, E603, from_span(b, layer), "`%s` has shape %s, but this `%s` needs %s",
               *t->name ? t->name : b->file->path, tensor_shape_str(b->model->arena, t), kind,
               shape_text(b->model->arena, dim, rank));
  diag_primary(d, "bound here");
  diag_note(d, "%s: %s", shape_text(b->model->arena, dim, rank),
            shape_reason(b->model->arena, row->axes, p, split));
  const Tensor *projection = projection_of(b, t);
  if (projection)
    diag_note(d,
              "`%s` %s projects the output (`proj_size`), which grus does not have: train without "
              "it; a Linear behind the LSTM narrows its output too",
              projection->name, tensor_shape_str(b->model->arena, projection));
  if (reversed)
    diag_fix(d, FIX_MAYBE,
             "the shape is transposed: was this file written with another convention than `%s`?",
             names[b->convention]);
  const OptVal *units = &layer->opt[0];
  int64_t gates = p->axes[0] == 'D' ? p->dim[1] : 1,
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

/* Why a tensor of this name is not among those that are read; NULL if there is none. */
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
    if (!tensor_of(&other, layer, row, 0)) return false;
    any = true;
  }
  return any;
}

/* `weights keras` on a file that has the names of PyTorch. */
static bool report_convention(Bind *b, Diag *d, const Layer *layer) {
  static const char *const framework[] = {"", "Keras", "PyTorch", "ONNX"};
  static const char *const word[] = {"", "keras", "torch", "onnx"};
  const WeightsDecl *decl = &b->model->weights;
  for (Convention c = CONVENTION_KERAS; c <= CONVENTION_ONNX; c++) {
    if (c == b->convention || bind_listed(layer) || !has_all_of(b, layer, c)) continue;
    Fix *fix = diag_fix(d, FIX_MAYBE, "the file has the names of %s: write `weights %s`",
                        framework[c], word[c]);
    if (span_valid(decl->convention_span)) fix_edit(fix, decl->convention_span, "%s", word[c]);
    return true;
  }
  return false;
}

static void report_missing(Bind *b, const Layer *layer, const char *name) {
  const OptVal *from = layer_opt(layer, OPT_from);
  Diag *d =
      diag_new(b->diags, E602, from_span(b, layer), "`%s` has no tensor `%s`", b->file->path, name);
  diag_primary(d, "bound here");
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
  if (unread) diag_note(d, "there is one of that name, which cannot be read: %s", unread);
  if (shown)
    diag_note(d, "it has %s", text_str(&list));
  else
    diag_note(d, "it has %d tensor%s; `grus import %s --list` shows them", b->file->n,
              b->file->n == 1 ? "" : "s", b->file->path);
  if (!layer->prefix)
    diag_note(d, "the name is the layer's path in the model; `from=\"...\"` gives another prefix");
  if (names_start(name))
    diag_note(
        d,
        "`init=learned` starts from a state among the weights; without `init` it starts from zero");
  if (bind_listed(layer) || twins != 1 || strpbrk(text_str(&prefix), "\"\\")) return;
  Fix *fix = diag_fix(d, FIX_MAYBE, "its `%s` is under `%s`: `from=\"%s\"`", leaf + 1,
                      text_str(&prefix), text_str(&prefix));
  if (from && from->given && span_valid(from->at))
    fix_edit(fix, from->at, "\"%s\"", text_str(&prefix));
}

/* `from` lists as many tensors as the layer has. */
static bool list_fits(Bind *b, const Layer *layer) {
  const char *names;
  if (!bind_listed(layer)) return true;
  int given = bind_list_count(layer),
      needed = bind_list_needed(b->model->arena, layer, b->convention, &names);
  if (given == needed) return true;
  Diag *d =
      diag_new(b->diags, E602, from_span(b, layer), "`from` names %d tensor%s, this `%s` has %d",
               given, given == 1 ? "" : "s", layer_info(layer->kind)->name, needed);
  diag_primary(d, "several names are the tensors one by one");
  diag_note(d, "in this order: %s", names);
  return false;
}

static void copy_row(const Bind *b, const Tensor *t, const ParamShape *p, const BindRow *row,
                     int dir, int half, bool split, float *to) {
  BindMap map = bind_map(row, b->convention, p, dir, half, split);
  for (int64_t i = map.begin; i < map.end; i++)
    to[i] += (float)tensor_get(t, t->count == 1 ? 0 : bind_map_at(&map, i));
}

/* Takes a tensor for a layer; false if another layer has it. */
static bool take(Bind *b, Layer *layer, const Tensor *t) {
  int i = (int)(t - b->file->tensor);
  if (!b->owner[i] || b->owner[i] == layer) {
    b->owner[i] = layer;
    return true;
  }
  Diag *d = diag_new(b->diags, E606, from_span(b, layer), "`%s` is bound to two layers", t->name);
  diag_primary(d, "again here");
  diag_label(d, from_span(b, b->owner[i]), "first here");
  diag_note(d, "sharing weights between layers is not supported in version 1");
  return false;
}

static bool all_finite(Bind *b, const Layer *layer, const Tensor *t) {
  int64_t bad = 0, first = -1;
  for (int64_t i = 0; i < t->count; i++)
    if (!isfinite(tensor_get(t, i)) || fabs(tensor_get(t, i)) > 3.4028234663852886e38) {
      if (bad++ == 0) first = i;
    }
  if (!bad) return true;
  Diag *d =
      diag_new(b->diags, E608, from_span(b, layer), "`%s` contains %lld value%s that %s not finite",
               t->name, (long long)bad, bad == 1 ? "" : "s", bad == 1 ? "is" : "are");
  diag_primary(d, "bound here");
  diag_note(d, "the first is element %lld of %s: %g", (long long)first,
            tensor_shape_str(b->model->arena, t), tensor_get(t, first));
  return false;
}

/* GRU: decides or checks `reset` by what the file says. */
static bool bind_reset(Bind *b, Layer *layer) {
  OptVal *reset = layer_opt_mut(layer, OPT_reset);
  const char *says = NULL;
  if (b->convention == CONVENTION_TORCH) says = "after";
  if (b->convention == CONVENTION_KERAS) {
    static const BindRow bias = {LAYER_GRU,           CONVENTION_KERAS, ROLE_BIAS,
                                 ROLE_RECURRENT_BIAS, "bias",           "S,GU"};
    const Tensor *t = tensor_of(b, layer, &bias, 0);
    if (t)
      says = t->rank == 2 && t->dim[0] == 2 ? "after" : t->rank == 1 ? "before" : NULL;
    else if (layer_word_is(layer, OPT_bias, "true"))
      return true; /* E602 follows */
  }
  if (says && !reset->given) {
    reset->given = true;
    reset->s = says;
    return true;
  }
  if (!says && !reset->given) {
    Diag *d =
        diag_new(b->diags, E605, layer->name_span,
                 "`%s` does not say whether this GRU is `reset=after` or `before`", b->file->path);
    diag_primary(d, "here");
    diag_note(
        d, "the two variants give different results with the same weights, so grus does not guess");
    diag_note(d, "PyTorch, and Keras by default, train `reset=after`; Keras 2.0 to 2.2 and ONNX "
                 "without `linear_before_reset` have `before`");
    return false;
  }
  if (!says || strcmp(says, reset->s) == 0) return true;
  Diag *d =
      diag_new(b->diags, E605, reset->at, "`%s` holds a `reset=%s` GRU, but the model says `%s`",
               b->file->path, says, reset->s);
  diag_primary(d, "here");
  if (b->convention == CONVENTION_KERAS)
    diag_note(d, "its bias is %s",
              strcmp(says, "after") == 0 ? "[2, 3u]: input and recurrent half" : "[3u]: one bias");
  fix_edit(diag_fix(d, FIX_SURE, "use the variant of the file"), reset->at, "%s", says);
  return false;
}

/* All rows of one role. */
static bool bind_param(Bind *b, Layer *layer, const ParamShape *p) {
  float *to = ARENA_ARRAY(b->model->arena, float, param_count(p));
  bool ok = true, any = false;
  for (int r = 0; r < n_bind_rows; r++) {
    const BindRow *row = &bind_rows[r];
    bool has_s = strchr(row->axes, 'S') != NULL;
    if (row->kind != layer->kind || row->convention != b->convention) continue;
    if (row->role != p->role && !(has_s && row->second == p->role)) continue;
    any = true;
    bool per_dir = (layer_info(layer->kind)->flags & RECURRENT) && !strchr(row->axes, 'D');
    for (int dir = 0; dir < (per_dir ? layer_directions(layer) : 1); dir++) {
      const Tensor *t = tensor_of(b, layer, row, dir);
      if (!t) {
        if (p->role != row->role) continue; /* the first half has reported it */
        report_missing(b, layer, tensor_name(b, layer, row, dir, '.'));
        return false;
      }
      bool split = has_s && !(layer->kind == LAYER_GRU && b->convention == CONVENTION_KERAS &&
                              layer_word_is(layer, OPT_reset, "before"));
      ParamShape shape = *p;
      if (per_dir && shape.rank >= 3) shape.dim[0] = 1;
      int64_t dim[TENSOR_MAX_RANK];
      int rank = bind_file_shape(row->axes, &shape, split, dim);
      bool spread = layer->kind == LAYER_prelu && t->count == 1;
      if (!spread && !shape_fits(t, dim, rank)) {
        /* Only the input width differs: E601. */
        int64_t trained = 0;
        for (int64_t k = 1; p->role == ROLE_KERNEL && k <= t->count && !trained; k++) {
          ParamShape other = shape;
          other.dim[other.rank - 1] = k;
          int64_t other_dim[TENSOR_MAX_RANK];
          bool near = t->rank > 0 && (k == t->dim[0] || k == t->dim[t->rank - 1] ||
                                      (t->rank > 1 && k == t->dim[1]));
          if (near &&
              shape_fits(t, other_dim, bind_file_shape(row->axes, &other, split, other_dim)))
            trained = k;
        }
        if (p->role != row->role) return false;
        if (trained)
          report_width(b, layer, t, p, row, trained, dim, rank);
        else
          report_shape(b, layer, t, p, row, dim, rank, split);
        return false;
      }
      if (!take(b, layer, t)) return false;
      if (p->role == row->role && !all_finite(b, layer, t)) ok = false;
      int half = p->role == row->role ? 0 : 1;
      copy_row(b, t, p, row, dir, half, split, to);
      bool sums = split && row->second == row->role;
      bool before = layer->kind == LAYER_GRU && layer_word_is(layer, OPT_reset, "before");
      if (sums || (split && before && half == 0)) copy_row(b, t, p, row, dir, 1, split, to);
    }
  }
  if (!any) {
    diag_new(b->diags, E602, from_span(b, layer), "the convention of `%s` has no %s for `%s`",
             b->file->path, role_name[p->role], layer_info(layer->kind)->name);
    return false;
  }
  layer->weights->role[p->role] = to;
  return ok;
}

static bool bind_layer(Bind *b, Layer *layer) {
  ParamShape params[LAYER_MAX_PARAMS];
  if (!layer_params(layer, params)) return true;
  layer->weights = ARENA_NEW(b->model->arena, LayerWeights);
  bool of_reset =
      b->convention == CONVENTION_TORCH; /* says reset=after; elsewhere the number is the same */
  if (!of_reset && !list_fits(b, layer)) return false;
  if (layer->kind == LAYER_GRU && !bind_reset(b, layer)) return false;
  if (of_reset && !list_fits(b, layer)) return false;
  int n = layer_params(layer, params); /* again: reset is known now */
  for (int i = 0; i < n;
       i++) /* what is wrong with a layer's first tensor is wrong with the others */
    if (!bind_param(b, layer, &params[i])) return false;
  return true;
}

static bool convention_known(Bind *b) {
  const WeightsDecl *decl = &b->model->weights;
  b->convention = decl->convention != CONVENTION_NONE ? decl->convention : b->file->convention;
  if (b->convention != CONVENTION_NONE) return true;
  Diag *d =
      diag_new(b->diags, E607, span_valid(decl->path_span) ? decl->path_span : b->model->name_span,
               "`%s` does not say which framework wrote it", b->file->path);
  diag_primary(d, "here");
  diag_note(d, "gate orders differ: keras has z r h and i f c o, torch has r z n and i f g o, onnx "
               "has z r h and i o f c");
  Fix *fix = diag_fix(d, FIX_MAYBE,
                      "name the framework: `weights torch \"...\"`, `weights keras \"...\"` or "
                      "`weights onnx \"...\"`");
  if (span_valid(decl->path_span))
    fix_edit(fix, (Span){decl->path_span.file, decl->path_span.begin, decl->path_span.begin},
             "torch ");
  return false;
}

static void report_unused(Bind *b) {
  if (b->model->allowed[W601]) return;
  for (int i = 0; i < b->file->n; i++) {
    const Tensor *t = &b->file->tensor[i];
    bool counter = strstr(t->name, "num_batches_tracked") || strstr(t->name, "seed_generator");
    if (b->owner[i] || counter) continue;
    Diag *d = diag_new(b->diags, W601, b->model->weights.path_span,
                       "`%s` in `%s` is not used by this model", t->name, b->file->path);
    d->file = b->file->path;
    if (names_start(t->name))
      diag_note(d, "an initial state of %s; its layer uses it with `init=learned`",
                tensor_shape_str(b->model->arena, t));
    else
      diag_note(d, "its shape is %s; is a layer missing?", tensor_shape_str(b->model->arena, t));
  }
}

bool model_bind(Model *model, const TensorFile *file, Diags *diags) {
  Bind b = {.model = model, .file = file, .diags = diags};
  b.owner = ARENA_ARRAY(model->arena, Layer *, file->n);
  bool needed = false, ok = true;
  for (int i = 0; i < model->n_layers; i++)
    needed |= (layer_info(model->layer[i]->kind)->flags & WEIGHTS) != 0;
  if (!needed) return true;
  if (!convention_known(&b)) return false;
  if (model->weights.convention == CONVENTION_NONE) model->weights.convention = b.convention;
  for (int i = 0; i < model->n_layers; i++)
    ok &= bind_layer(&b, model->layer[i]);
  if (ok) {
    report_unused(&b);
    bind_lint(model, diags);
  }
  return ok && bind_precision(model, diags);
}
