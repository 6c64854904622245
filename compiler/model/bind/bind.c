/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Binding: in, a typed model and an open weights file; out, every layer's canonical weights, or
 * diagnostics E601 to E603, E605 to E608. Names, gate order and transposition come from the
 * convention's table; nothing is guessed.
 * bind_find.c says which tensor is meant, bind_report.c what is wrong with it. */
#include "model/bind/binding.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Whether a tensor has the shape dim. Either may lack axes of size 1 that the other has. */
static bool shape_fits(const Tensor *t, const int64_t *dim, int rank) {
  int i = 0, k = 0;
  while (i < t->rank || k < rank) {
    if (i < t->rank && k < rank && t->dim[i] == dim[k]) {
      i++;
      k++;
    } else if (i < t->rank && t->dim[i] == 1)
      i++;
    else if (k < rank && dim[k] == 1)
      k++;
    else
      return false;
  }
  return true;
}

/* Whether a `from` that lists tensors lists as many as the layer has; E602 if not. */
static bool list_fits(Bind *b, const Layer *layer) {
  const char *names;
  if (!bind_listed(layer)) return true;
  int given = bind_list_count(layer),
      needed = bind_list_needed(b->model->arena, layer, b->convention, &names);
  if (given == needed) return true;
  Diag *d =
      diag_new(b->diags, E602, binding_span(layer), "`from` names %d tensor%s, this `%s` has %d",
               given, given == 1 ? "" : "s", layer_info(layer->kind)->name, needed);
  diag_primary(d, "several names in `from` list every tensor of the stage");
  diag_note(d, "in this order: %s", names);
  return false;
}

/* Adds the elements of a tensor to the canonical values `to` of a role. */
static void copy_row(const Bind *b, const Tensor *tensor, const ParamShape *p, const BindRow *row,
                     int dir, int half, bool split, float *to) {
  BindMap map = bind_map(row, b->convention, p, dir, half, split);
  BindTile tile;
  for (BindTiles t = bind_tiles(&map); bind_tile(&t, &tile);)
    for (int64_t r = 0; r < t.rows; r++)
      for (int64_t k = 0; k < tile.n; k++) {
        int64_t at = tile.at + r * t.row_step + k * t.step;
        to[tile.i + r * t.width + k] += tensor_float(tensor, tensor->count == 1 ? 0 : at);
      }
}

/* Notes that a layer uses a tensor. False after reporting that another layer does: E606. */
static bool take(Bind *b, Layer *layer, const Tensor *t) {
  int i = (int)(t - b->file->tensor);
  if (!b->owner[i] || b->owner[i] == layer) {
    b->owner[i] = layer;
    return true;
  }
  Diag *d = diag_new(b->diags, E606, binding_span(layer), "`%s` is used by two layers", t->name);
  diag_primary(d, "again here");
  diag_label(d, binding_span(b->owner[i]), "first here");
  diag_note(d, "sharing weights between layers is not supported in version 1");
  return false;
}

static bool is_finite(const Tensor *t, int64_t i) {
  if (tensor_is_plain(t)) return fabsf(tensor_float(t, i)) <= FLT_MAX;
  return fabs(tensor_get(t, i)) <= (double)FLT_MAX;
}

/* Whether all elements are finite in f32; E608 if not. */
static bool all_finite(Bind *b, const Layer *layer, const Tensor *t) {
  int64_t bad = 0, first = -1;
  for (int64_t i = 0; i < t->count; i++)
    if (!is_finite(t, i) && bad++ == 0) first = i;
  if (!bad) return true;
  Diag *d =
      diag_new(b->diags, E608, binding_span(layer), "`%s` contains %lld value%s that %s not finite",
               t->name, (long long)bad, bad == 1 ? "" : "s", bad == 1 ? "is" : "are");
  diag_primary(d, "used here");
  diag_note(d, "the first is element %lld of %s: %g", (long long)first,
            tensor_shape_str(b->model->arena, t), tensor_get(t, first));
  return false;
}

/* Sets the option `reset` of a GRU from the file, or compares the two. False after reporting E605:
 * the file does not tell, or differs. */
static bool bind_reset(Bind *b, Layer *layer) {
  OptVal *reset = layer_opt_mut(layer, OPT_reset);
  const char *says = NULL;
  if (b->convention == CONVENTION_TORCH) says = "after";
  if (b->convention == CONVENTION_KERAS) {
    static const BindRow bias = {LAYER_GRU,           CONVENTION_KERAS, ROLE_BIAS,
                                 ROLE_RECURRENT_BIAS, "bias",           "S,GU"};
    const Tensor *t = binding_tensor(b, layer, &bias, 0);
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

/* The least number of inputs with which a kernel would have the shape of t; 0 if no number does it.
 */
static int64_t trained_width(const Tensor *t, const ParamShape *p, const BindRow *row, bool split) {
  int64_t least = 0;
  for (int k = 0; p->role == ROLE_KERNEL && k < t->rank; k++) {
    ParamShape other = *p;
    int64_t dim[TENSOR_MAX_RANK];
    bool likely = k < 2 || k == t->rank - 1;
    other.dim[other.rank - 1] = t->dim[k];
    if (!likely || (least && t->dim[k] >= least)) continue;
    if (shape_fits(t, dim, bind_file_shape(row->axes, &other, split, dim))) least = t->dim[k];
  }
  return least;
}

/* Binds one role of a layer: sums all tensors that the rows of the table name for it. */
static bool bind_param(Bind *b, Layer *layer, const ParamShape *p) {
  float *to = ARENA_ARRAY(b->weights, float, param_count(p));
  bool ok = true, any = false;
  for (int r = 0; r < n_bind_rows; r++) {
    const BindRow *row = &bind_rows[r];
    bool has_s = strchr(row->axes, BIND_HALVES) != NULL;
    if (row->kind != layer->kind || row->convention != b->convention) continue;
    if (row->role != p->role && !(has_s && row->second == p->role)) continue;
    any = true;
    bool per_dir =
        (layer_info(layer->kind)->flags & RECURRENT) && !strchr(row->axes, BIND_DIRECTIONS);
    for (int dir = 0; dir < (per_dir ? layer_directions(layer) : 1); dir++) {
      const Tensor *t = binding_tensor(b, layer, row, dir);
      if (!t) {
        if (p->role != row->role) continue; /* the first half has reported it */
        binding_report_missing(b, layer, binding_name(b, layer, row, dir, '.'));
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
        int64_t trained = trained_width(t, &shape, row, split);
        if (p->role != row->role) return false;
        if (trained)
          binding_report_width(b, layer, t, p, row, trained, dim, rank);
        else
          binding_report_shape(b, layer, t, p, row, dim, rank, split);
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
    diag_new(b->diags, E602, binding_span(layer), "the convention of `%s` has no %s for `%s`",
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

/* Whether there is something to bind; *ok: whether it is known how. */
static bool begin(Bind *b, Model *model, const TensorFile *file, Diags *diags, bool *ok) {
  *b = (Bind){.model = model, .file = file, .diags = diags, .weights = model->arena};
  b->owner = ARENA_ARRAY(model->arena, Layer *, file->n);
  bool needed = false;
  for (int i = 0; i < model->n_layers; i++)
    needed |= (layer_info(model->layer[i]->kind)->flags & WEIGHTS) != 0;
  *ok = !needed || convention_known(b);
  if (!needed || !*ok) return false;
  if (model->weights.convention == CONVENTION_NONE) model->weights.convention = b->convention;
  return true;
}

bool model_bind(Model *model, const TensorFile *file, Diags *diags) {
  Bind b;
  bool ok;
  if (!begin(&b, model, file, diags, &ok)) return ok;
  for (int i = 0; i < model->n_layers; i++)
    ok &= bind_layer(&b, model->layer[i]);
  if (ok) {
    binding_report_unused(&b);
    bind_lint(model, diags);
  }
  return ok && bind_precision(model, diags);
}

bool model_bind_each(Model *model, const TensorFile *file, Diags *diags, BindSee *see,
                     void *context) {
  Bind b;
  bool ok;
  if (!begin(&b, model, file, diags, &ok)) return ok;
  for (int i = 0; i < model->n_layers && ok; i++) {
    Layer *layer = model->layer[i];
    b.weights = arena_child(model->arena);
    ok = bind_layer(&b, layer) && see(context, layer);
    arena_free(b.weights);
    layer->weights = NULL;
  }
  return ok;
}
