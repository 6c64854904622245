/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Chains of stages that one stage computes. In, a typed Model of an importer; out, the same Model
 * with its other stages as they were. There are two such chains:
 *
 * - A reshape of a reshape is one reshape, or none if the shape is that before both.
 * - An axis of size 1 is added at the end, `upsample(k, along=features)` repeats along it, and a
 *   permute and a reshape put the new places next to those of another axis: this is
 *   `upsample(k, along=AXIS)`.
 *
 * Values must be typed again after a change. */
#include "import/foreign.h"

#include <string.h>

enum { MOST_AXES = TYPE_MAX_AXES + 1, MOST_PIECES = 2 * MOST_AXES };

/* The sizes of all axes, time first; 0: the value is a stream, has a length that the caller gives,
 * or its time is not in front. */
static int sizes_of(const Type *type, int64_t *out) {
  int n = 0;
  if (type->time.kind != TIME_NONE && (type->time.kind != TIME_FIXED || type->time_pos)) return 0;
  if (type->time.kind == TIME_FIXED) out[n++] = type->time.n;
  for (int i = 0; i < type->rank; i++)
    out[n++] = type->dim[i].n;
  return n;
}

static bool same_type(const Type *a, const Type *b) {
  if (a->elem != b->elem || !time_equal(&a->time, &b->time) || a->time_pos != b->time_pos ||
      !dims_equal(a, b))
    return false;
  for (int i = 0; i < a->rank; i++)
    if (b->dim[i].label && (!a->dim[i].label || strcmp(a->dim[i].label, b->dim[i].label) != 0))
      return false;
  return true;
}

/* ---- reshape ---- */

static bool is_kind(const Value *value, LayerKind kind) {
  return value->layer && value->layer->kind == kind;
}

static void read_instead(Layer *layer, Value *value) {
  layer->in[0]->n_uses--;
  value->n_uses++;
  layer->in[0] = value;
}

/* A reshape of a reshape, or of labels. */
static bool joined(Layer *layer) {
  int64_t sizes[MOST_AXES];
  const Value *before = layer->in[0];
  if (!is_kind(before, LAYER_reshape) && !is_kind(before, LAYER_label)) return false;
  Value *from = before->layer->in[0];
  if (!sizes_of(&from->type, sizes) || !sizes_of(&before->type, sizes) ||
      !sizes_of(&layer->out[0]->type, sizes))
    return false;
  read_instead(layer, from);
  return true;
}

/* ---- upsample ---- */

/* A part of an axis of the value before, or of the new places. */
typedef struct Piece {
  int axis; /* -1: the new places */
  int64_t n;
} Piece;

typedef struct Axes {
  int n;
  int count[MOST_AXES]; /* pieces of each axis */
  Piece piece[MOST_PIECES];
  int n_pieces;
} Axes;

/* Groups the pieces anew by sizes of axes; false: an axis of the value before would be cut. */
static bool regroup(Axes *a, int n, const int64_t *size) {
  Axes out = {.n = n};
  Piece rest = {0};
  int next = 0;
  for (int i = 0; i < n; i++) {
    int64_t left = size[i];
    while (left > 1) {
      if (rest.n <= 1) {
        if (next == a->n_pieces) return false;
        rest = a->piece[next++];
      }
      int64_t part = rest.n <= left ? rest.n : left;
      if (left % part != 0 || rest.n % part != 0 || (part != rest.n && rest.axis >= 0) ||
          out.n_pieces == MOST_PIECES)
        return false;
      out.piece[out.n_pieces++] = (Piece){rest.axis, part};
      out.count[i]++;
      rest.n /= part;
      left /= part;
    }
  }
  *a = out;
  return next == out.n_pieces || rest.n <= 1;
}

static void permute(Axes *a, int front, const Layer *layer) {
  Axes out = {.n = a->n};
  int begin[MOST_AXES + 1] = {0};
  for (int i = 0; i < a->n; i++)
    begin[i + 1] = begin[i] + a->count[i];
  for (int i = 0; i < a->n; i++) {
    int from = i < front ? i : front + layer->along[i - front].axis;
    out.count[i] = a->count[from];
    for (int k = 0; k < a->count[from]; k++)
      out.piece[out.n_pieces++] = a->piece[begin[from] + k];
  }
  *a = out;
}

/* How often the places of each of n axes are repeated; false: it is something else. */
static bool factors_of(const Axes *a, int n, int64_t *factor) {
  if (a->n != n) return false;
  for (int i = 0, at = 0; i < n; at += a->count[i++]) {
    factor[i] = 1;
    if (!a->count[i] || a->piece[at].axis != i) return false;
    for (int k = 1; k < a->count[i]; k++) {
      if (a->piece[at + k].axis >= 0) return false;
      factor[i] *= a->piece[at + k].n;
    }
  }
  return true;
}

/* The only layer that reads a value, which has one use; NULL: an output or an option does. */
static Layer *reader_of(const Model *model, const Value *value) {
  for (int i = 0; i < model->n_layers && value->n_uses == 1; i++)
    for (int k = 0; k < model->layer[i]->n_in; k++)
      if (model->layer[i]->in[k] == value) return model->layer[i];
  return NULL;
}

/* The last layer of the chain behind an upsample of a new last axis of `from`, and how often it
 * repeats the places of each axis; NULL: there is no such chain. */
static Layer *end_of_chain(const Model *model, const Layer *spread, const Value *from,
                           int64_t *factor) {
  int64_t size[MOST_AXES], found[MOST_AXES];
  int n = sizes_of(&from->type, size);
  Axes axes = {.n = n + 1};
  Layer *end = NULL;
  for (int i = 0; i < n; i++) {
    if (size[i] == 1) return NULL;
    axes.piece[i] = (Piece){i, size[i]};
    axes.count[i] = 1;
  }
  axes.piece[n] = (Piece){-1, layer_size(spread, OPT_n, 1)};
  axes.count[n] = 1;
  axes.n_pieces = n + 1;
  for (Layer *next = reader_of(model, spread->out[0]); next && n;
       next = reader_of(model, next->out[0])) {
    int m = sizes_of(&next->out[0]->type, size), front = type_is_sequence(&next->in[0]->type);
    if (next->kind == LAYER_permute)
      permute(&axes, front, next);
    else if (next->kind == LAYER_reshape ? !m || !regroup(&axes, m, size)
                                         : next->kind != LAYER_label)
      break;
    if (next->kind != LAYER_reshape || !factors_of(&axes, n, found)) continue;
    memcpy(factor, found, sizeof found);
    end = next;
  }
  return end;
}

/* The one axis whose places are repeated, as a number among all axes; -1: there are several. */
static int only_axis(int n, const int64_t *factor) {
  int at = -1;
  for (int i = 0; i < n; i++)
    if (factor[i] > 1) at = at < 0 ? i : n;
  return at < n ? at : -1;
}

/* The word for axis `at` of n in an option; NULL: it has none. */
static const char *word_of(const Type *type, int n, int at) {
  int front = type_is_sequence(type);
  if (at < front) return "time";
  if (at == n - 1) return "features";
  return type->dim[at - front].label;
}

static bool shortened(Foreign *f, Layer *spread) {
  Model *model = f->model;
  Layer *first = spread->in[0]->layer;
  int64_t size[MOST_AXES], factor[MOST_AXES];
  if (!first || first->kind != LAYER_reshape || spread->along[0].axis == AXIS_TIME ||
      spread->along[0].axis != first->out[0]->type.rank - 1 ||
      first->out[0]->type.dim[spread->along[0].axis].n != 1)
    return false;
  Value *from = first->in[0];
  int n = sizes_of(&from->type, size), m = sizes_of(&first->out[0]->type, size);
  Layer *end = n && m == n + 1 ? end_of_chain(model, spread, from, factor) : NULL;
  int at = end ? only_axis(n, factor) : -1;
  const char *word = at < 0 ? NULL : word_of(&from->type, n, at);
  if (!word) return false;
  int64_t before[MOST_AXES], after[MOST_AXES];
  sizes_of(&from->type, before);
  sizes_of(&first->out[0]->type, after);
  if (memcmp(before, after, sizeof *before * (size_t)n) != 0) return false;
  read_instead(spread, from);
  layer_set_size(spread, OPT_n, factor[at]);
  OptVal *along = layer_opt_mut(spread, OPT_along);
  along->n_axes = 1;
  along->axis = ARENA_NEW(f->arena, const char *);
  *along->axis = word;
  read_instead(end, spread->out[0]);
  return true;
}

bool foreign_tidy(Foreign *f) {
  Model *model = f->model;
  bool changed = false;
  for (int i = 0; i < model->n_layers; i++) {
    Layer *layer = model->layer[i];
    if (layer->kind == LAYER_reshape && joined(layer)) changed = true;
    if (layer->kind == LAYER_upsample && shortened(f, layer)) return true;
  }
  for (int i = model->n_layers; i-- > 0 && !changed;) {
    Layer *layer = model->layer[i];
    if (layer->kind != LAYER_reshape || !same_type(&layer->in[0]->type, &layer->out[0]->type))
      continue;
    foreign_bypass(model, layer);
    changed = true;
  }
  return changed;
}
