/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From a tensor of references to a value of the model: which axis runs over the steps, and what one
 * step is made of.
 *
 *     [1, 49, 128], element [0, t, f] is (encoder, 128 t + 64 + f)     encoder |> slice(64, 192)
 *     the rows of a and of b side by side                              concat(a, b)
 *     one row, the last of 49                                          encoder |> last
 *     all rows of one in order                                         encoder |> flatten */
#include "import/onnx.h"

#include <string.h>

Layer *onnx_layer(Onnx *onnx, LayerKind kind, int n_in, Value *const *in) {
  Layer *layer = model_layer(onnx->model, kind, n_in, in);
  layer->origin = onnx_origin(onnx);
  if (onnx->node && layer_info(kind)->flags & WEIGHTS)
    layer->prefix = onnx_node_name(onnx->arena, onnx->node);
  return layer;
}

int onnx_source(Onnx *onnx, Value *value, int64_t rows, bool is_sequence, int rank,
                const int64_t *dim) {
  OnnxSource s = {.value = value,
                  .rows = rows,
                  .row = 1,
                  .is_sequence = is_sequence,
                  .rank = rank,
                  .input = -1};
  for (int i = 0; i < rank; i++) {
    s.dim[i] = dim[i];
    s.row *= dim[i];
  }
  ARENA_PUSH(onnx->arena, onnx->source, onnx->n_sources, onnx->cap_sources, s);
  return onnx->n_sources - 1;
}

/* ---- what a tensor is made of ---- */

typedef struct Look {
  const OnnxTensor *t;
  const OnnxRef *ref;
  int time;            /* axis over the steps, -1: none */
  int64_t rows, inner; /* length of that axis; elements behind one step of it */
  int64_t width;       /* elements of one step */
  int64_t first, n;    /* the steps that are not zeros */
} Look;

/* Element f of step p. */
static OnnxRef look_at(const Look *l, int64_t p, int64_t f) {
  if (l->time < 0) return l->ref[f];
  return l->ref[(f / l->inner * l->rows + p) * l->inner + f % l->inner];
}

static void look_along(Look *l, int time) {
  l->time = time;
  l->rows = l->inner = 1;
  for (int i = time + 1; time >= 0 && i < l->t->rank; i++)
    l->inner *= l->t->dim[i];
  if (time >= 0) l->rows = l->t->dim[time];
  l->width = l->rows ? l->t->count / l->rows : 0;
  l->first = 0;
  l->n = l->rows;
}

/* Whether the axis runs over the steps of something. */
static bool runs_over_steps(Onnx *onnx, const OnnxTensor *t, const OnnxRef *ref, int axis) {
  int64_t step = 1;
  for (int i = axis + 1; i < t->rank; i++)
    step *= t->dim[i];
  for (int64_t k = 0; k < t->count; k++) {
    if (k / step % t->dim[axis] + 1 >= t->dim[axis]) continue;
    OnnxRef a = ref[k], b = ref[k + step];
    if (a.source == 0 || a.source != b.source) continue;
    const OnnxSource *s = &onnx->source[a.source];
    return a.index / s->row != b.index / s->row;
  }
  return false;
}

static bool is_zero_row(const Onnx *onnx, const Look *l, int64_t p) {
  for (int64_t f = 0; f < l->width; f++) {
    OnnxRef r = look_at(l, p, f);
    if (r.source != 0 || onnx->constant[r.index] != 0) return false;
  }
  return true;
}

static const char *source_text(const Onnx *onnx, int source) {
  const OnnxSource *s = &onnx->source[source];
  if (!source) return "constants";
  if (s->value->layer && s->value->layer->origin) return s->value->layer->origin;
  return s->value->name ? s->value->name : "an input";
}

static bool refuse_mixture(Onnx *onnx, const Look *l, const char *what) {
  Diag *d = onnx_refuse(onnx, E902, "reads elements in an arrangement that grus does not have");
  diag_note(d, "its input %s %s", onnx_dims(onnx->arena, l->t->rank, l->t->dim), what);
  if (l->t->count && l->ref[0].source)
    diag_note(d, "they come from %s", source_text(onnx, l->ref[0].source));
  diag_note(d, "grus cuts and joins features (`slice`, `concat`), and takes all steps in order, "
               "all of them reversed, or the last");
  return false;
}

/* ---- the pieces of a step ---- */

typedef enum Order { FORWARD, REVERSED, LAST_ONLY, SAME_FOR_ALL, ANY_ROW } Order;

/* One run of consecutive features of one source. */
typedef struct Piece {
  int source;
  int64_t begin, n; /* features of the source */
} Piece;

static bool next_piece(const Onnx *onnx, const Look *l, int64_t from, Piece *out) {
  OnnxRef r = look_at(l, l->first, from);
  if (r.source == 0) return false;
  int64_t row = onnx->source[r.source].row, base = r.index / row;
  *out = (Piece){r.source, r.index % row, 1};
  while (from + out->n < l->width) {
    OnnxRef next = look_at(l, l->first, from + out->n);
    if (next.source != r.source || next.index != r.index + out->n || next.index / row != base)
      break;
    out->n++;
  }
  return true;
}

/* How the steps of the tensor go over those of the source. False: in no way there is. */
static bool order_of(const Onnx *onnx, const Look *l, Order *out) {
  int64_t last = l->first + l->n - 1;
  OnnxRef a = look_at(l, l->first, 0);
  const OnnxSource *s = &onnx->source[a.source];
  int64_t row = a.index / s->row, end = look_at(l, last, 0).index / s->row;
  if (l->time < 0 || l->n == 1) {
    *out = !s->is_sequence || s->rows == 1 ? ANY_ROW : LAST_ONLY;
    return s->rows == 1 || row == s->rows - 1;
  }
  if (s->rows == 1 && row == end) return *out = SAME_FOR_ALL, true;
  *out = row == 0 ? FORWARD : REVERSED;
  return l->n == s->rows && (row == 0 ? end == s->rows - 1 : row == s->rows - 1 && end == 0);
}

static bool check_steps(const Onnx *onnx, const Look *l, Order order) {
  for (int64_t f = 0; f < l->width; f++) {
    OnnxRef a = look_at(l, l->first, f);
    const OnnxSource *s = &onnx->source[a.source];
    int64_t feature = a.index % s->row;
    for (int64_t p = 0; p < l->n; p++) {
      int64_t row = order == FORWARD     ? p
                    : order == REVERSED  ? s->rows - 1 - p
                    : order == LAST_ONLY ? s->rows - 1
                                         : a.index / s->row;
      OnnxRef r = look_at(l, l->first + p, f);
      if (r.source != a.source || r.index != row * s->row + feature) return false;
    }
  }
  return true;
}

/* Parts that are joined or cut are vectors. */
static Value *piece_value(Onnx *onnx, const Piece *piece, bool alone) {
  const OnnxSource *s = &onnx->source[piece->source];
  Value *value = s->value;
  bool whole = piece->begin == 0 && piece->n == s->row;
  if (whole && alone) return value;
  if (s->rank > 1) {
    Layer *flat = onnx_layer(onnx, LAYER_reshape, 1, &value);
    Time none = {.kind = TIME_NONE}, fixed = {.kind = TIME_FIXED, .n = s->rows};
    layer_set_shape(onnx->arena, flat, foreign_type(s->is_sequence ? fixed : none, 1, &s->row));
    value = flat->out[0];
  }
  if (whole) return value;
  Layer *slice = onnx_layer(onnx, LAYER_slice, 1, &value);
  layer_set_size(slice, OPT_begin, piece->begin);
  layer_set_size(slice, OPT_end, piece->begin + piece->n);
  return slice->out[0];
}

/* The pieces side by side. NULL after reporting. */
static Value *step_value(Onnx *onnx, const Look *l, bool *is_sequence) {
  enum { MAX_PIECES = 64 };
  Value *part[MAX_PIECES];
  int n = 0;
  for (int64_t f = 0; f < l->width;) {
    Piece piece;
    if (!next_piece(onnx, l, f, &piece) || n == MAX_PIECES) {
      refuse_mixture(onnx, l,
                     n == MAX_PIECES ? "is made of more than 64 parts"
                                     : "has constants among its elements");
      return NULL;
    }
    *is_sequence |= onnx->source[piece.source].is_sequence;
    part[n++] = piece_value(onnx, &piece, piece.n == l->width);
    f += piece.n;
  }
  return n == 1 ? part[0] : onnx_layer(onnx, LAYER_concat, n, part)->out[0];
}

/* All elements of one source in order, as one vector. */
static bool is_flat(const Onnx *onnx, const Look *l) {
  const OnnxSource *s = &onnx->source[l->ref[0].source];
  if (!l->ref[0].source || !s->is_sequence || s->rows < 2 || l->t->count != s->rows * s->row)
    return false;
  for (int64_t k = 0; k < l->t->count; k++)
    if (l->ref[k].source != l->ref[0].source || l->ref[k].index != k) return false;
  return true;
}

static Value *one_layer(Onnx *onnx, LayerKind kind, Value *value) {
  return onnx_layer(onnx, kind, 1, &value)->out[0];
}

static void set_features(const Look *l, OnnxValue *out) {
  out->rank = 0;
  out->row = 1;
  for (int i = 0; i < l->t->rank; i++) {
    if (i == l->time || l->t->dim[i] == 1) continue;
    out->dim[out->rank++] = l->t->dim[i];
    out->row *= l->t->dim[i];
  }
  if (!out->rank) out->dim[out->rank++] = 1;
}

static Type shape_of(const OnnxValue *v, int rank, const int64_t *dim) {
  Time none = {.kind = TIME_NONE}, fixed = {.kind = TIME_FIXED, .n = v->rows};
  return foreign_type(v->is_sequence ? fixed : none, rank, dim);
}

void onnx_exact(Onnx *onnx, OnnxValue *v) {
  if (v->value_rank == v->rank &&
      memcmp(v->value_dim, v->dim, sizeof *v->dim * (size_t)v->rank) == 0)
    return;
  Layer *shaped = onnx_layer(onnx, LAYER_reshape, 1, &v->value);
  layer_set_shape(onnx->arena, shaped, shape_of(v, v->rank, v->dim));
  v->value = shaped->out[0];
  v->value_rank = v->rank;
  memcpy(v->value_dim, v->dim, sizeof v->dim);
}

/* What the value really has: the features of its one source, or a vector. */
static void set_value_shape(const Onnx *onnx, const Look *l, const Value *plain, OnnxValue *out) {
  const OnnxSource *s = &onnx->source[look_at(l, l->first, 0).source];
  bool whole = s->value == plain;
  out->value_rank = whole ? s->rank : 1;
  out->value_dim[0] = out->row;
  if (whole) memcpy(out->value_dim, s->dim, sizeof s->dim);
}

bool onnx_value_padded(Onnx *onnx, const OnnxTensor *t, int time, OnnxValue *out) {
  Look l = {.t = t, .ref = onnx_refs(onnx, t)};
  Order order;
  memset(out, 0, sizeof *out);
  if (t->count == 0) {
    onnx_refuse(onnx, E902, "reads a tensor without elements, %s",
                onnx_dims(onnx->arena, t->rank, t->dim));
    return false;
  }
  if (time < 0) {
    time = -1;
    for (int i = 0; i < t->rank && time < 0; i++)
      if (t->dim[i] > 1 && runs_over_steps(onnx, t, l.ref, i)) time = i;
  }
  look_along(&l, time);
  while (l.n > 1 && is_zero_row(onnx, &l, l.first))
    l.first++, l.n--;
  while (l.n > 1 && is_zero_row(onnx, &l, l.first + l.n - 1))
    l.n--;
  out->zeros_before = l.first;
  out->zeros_after = l.rows - l.first - l.n;
  if (is_flat(onnx, &l) && (time < 0 || t->dim[time] == t->count)) {
    look_along(&l, -1);
    out->value = one_layer(onnx, LAYER_flatten, onnx->source[l.ref[0].source].value);
    out->rows = 1;
    out->time = -1;
    set_features(&l, out);
    out->value_rank = 1;
    out->value_dim[0] = out->row;
    return true;
  }
  if (look_at(&l, l.first, 0).source == 0)
    return refuse_mixture(onnx, &l, "has constants among its elements");
  if (!order_of(onnx, &l, &order) || !check_steps(onnx, &l, order))
    return refuse_mixture(onnx, &l, "takes steps of a sequence in another order, or some of them");
  out->value = step_value(onnx, &l, &out->is_sequence);
  if (!out->value) return false;
  set_features(&l, out);
  set_value_shape(onnx, &l, out->value, out);
  out->time = time;
  out->rows = order == FORWARD || order == REVERSED ? l.n : 1;
  if (order == LAST_ONLY) {
    out->value = one_layer(onnx, LAYER_last, out->value);
    out->is_sequence = false;
  } else if (order == REVERSED)
    out->value = one_layer(onnx, LAYER_reverse, out->value);
  else if (order == SAME_FOR_ALL) {
    Layer *repeat = onnx_layer(onnx, LAYER_repeat, 1, &out->value);
    layer_set_size(repeat, OPT_n, l.n);
    out->value = repeat->out[0];
    out->rows = l.n;
    out->is_sequence = true;
  }
  return true;
}

bool onnx_value(Onnx *onnx, const OnnxTensor *t, int time, OnnxValue *out) {
  if (!onnx_value_padded(onnx, t, time, out)) return false;
  if (!out->zeros_before && !out->zeros_after) return true;
  onnx_refuse(onnx, E902,
              "reads steps of zeros around a sequence, which grus has in front of and behind a "
              "Conv1D only");
  return false;
}

OnnxTensor *onnx_like(Onnx *onnx, const OnnxTensor *t, const OnnxValue *of, Value *value) {
  int source = onnx_source(onnx, value, of->rows, of->is_sequence, of->value_rank, of->value_dim);
  return onnx_references(onnx, source, t->rank, t->dim, of->time);
}
