/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* SLICE and STRIDED_SLICE. */
#include "import/read/tflite/reader.h"

/* Operands: x, begins, sizes. A size of -1 goes to the end of the axis. */
bool tfl_op_slice(TflCall *c) {
  GraphEmit *e = c->emit;
  int n, m;
  int64_t begin[GRAPH_MAX_RANK], size[GRAPH_MAX_RANK], end[GRAPH_MAX_RANK];
  if (!c->in[1]->constant || !c->in[2]->constant) {
    GraphValue *to_the_end = EMIT(e, Less, c->in[2], emit_int(e, 0)),
               *sum = EMIT(e, Add, c->in[1], c->in[2]);
    GraphValue *ends = EMIT(e, Where, to_the_end, emit_int(e, INT32_MAX), sum);
    return tfl_set_like(c, 0, EMIT(e, Slice, c->in[0], c->in[1], ends), 0);
  }
  if (!tfl_constant_ints(c, 2, "sizes", GRAPH_MAX_RANK, &n, size) ||
      !tfl_constant_ints(c, 1, "begins", GRAPH_MAX_RANK, &m, begin))
    return false;
  if (n != m) return tfl_refuse(c, E901, "has %d begins and %d sizes", m, n);
  for (int i = 0; i < n; i++) {
    if (begin[i] < 0 || begin[i] > INT32_MAX || size[i] < -1 || size[i] > INT32_MAX)
      return tfl_refuse(c, E901, "begins at %lld and takes %lld", (long long)begin[i],
                        (long long)size[i]);
    end[i] = size[i] < 0 ? INT32_MAX : begin[i] + size[i];
  }
  return tfl_set_like(c, 0, EMIT(e, Slice, c->in[0], emit_ints(e, n, begin), emit_ints(e, n, end)),
                      0);
}

/* ---- STRIDED_SLICE ---- */

/* One entry of begins, ends and strides that names an axis. */
typedef struct SliceEntry {
  int place;    /* its place in begins, ends and strides, and its bit in the masks */
  int axis;     /* the axis of the operand that it is about */
  bool shrinks; /* whether one element of the axis is taken, and the axis goes */
} SliceEntry;

typedef struct Strided {
  int n; /* the number of entries */
  SliceEntry entry[GRAPH_MAX_RANK];
  int n_new;
  int64_t new_axis[GRAPH_MAX_RANK]; /* axes of size 1 that the result has besides */
  int32_t begin_mask, end_mask, shrink_mask;
} Strided;

/* Finds the axis that each of the `places` entries of begins is about. An ellipsis stands for the
 * axes that no entry names. False after reporting. */
static bool entries_of(TflCall *c, int places, Strided *s) {
  int32_t ellipsis = tfl_option(c, 2, 0), fresh = tfl_option(c, 3, 0);
  int axis = 0, to = 0, rank = c->from[0]->rank, named = 0;
  s->begin_mask = tfl_option(c, 0, 0);
  s->end_mask = tfl_option(c, 1, 0);
  s->shrink_mask = tfl_option(c, 4, 0);
  if (flat_u8(&c->reader->flat, c->op.options, 5))
    return tfl_lacks(c, E902, "constant bounds are read, as of `x[:, 1:3]` and `tf.slice`",
                     "gives its ends relative to its begins (`offset`), which is not supported");
  for (int i = 0; i < places; i++)
    named += !(ellipsis & 1 << i) && !(fresh & 1 << i);
  if (ellipsis && rank < named)
    return tfl_lacks(c, E904, "name all axes, as in `x[:, :, 0]`",
                     "has an ellipsis, and grus does not know of how many axes");
  for (int i = 0; i < places; i++) {
    if (ellipsis & 1 << i) {
      axis += rank - named;
      to += rank - named;
      ellipsis = 0;
    } else if (fresh & 1 << i) {
      s->new_axis[s->n_new++] = to++;
    } else {
      bool shrinks = s->shrink_mask & 1 << i;
      if (axis >= GRAPH_MAX_RANK) return tfl_refuse(c, E901, "takes parts of too many axes");
      s->entry[s->n++] = (SliceEntry){i, axis++, shrinks};
      to += !shrinks;
    }
  }
  return true;
}

/* The begins or ends of the entries that keep their axes: from `known`, which has one for each
 * entry, or, if it is NULL, picked from the computed operand. */
static GraphValue *bounds(TflCall *c, int operand, const Strided *s, const int64_t *known) {
  int64_t place[GRAPH_MAX_RANK], value[GRAPH_MAX_RANK];
  int n = 0;
  for (int i = 0; i < s->n; i++) {
    if (s->entry[i].shrinks) continue;
    place[n] = s->entry[i].place;
    value[n++] = known ? known[i] : 0;
  }
  return known ? emit_ints(c->emit, n, value) : emit_gather(c->emit, c->in[operand], 0, n, place);
}

/* The begin and the end of a slice that takes the whole axis in steps of `stride`. */
static int64_t first_of(int64_t stride) {
  return stride < 0 ? INT32_MAX : 0;
}
static int64_t last_of(int64_t stride) {
  return stride < 0 ? INT32_MIN : INT32_MAX;
}

/* Whether a mask leaves the bound of any axis open that is kept. */
static bool masks_any(const Strided *s, int32_t mask) {
  for (int i = 0; i < s->n; i++)
    if (!s->entry[i].shrinks && mask & 1 << s->entry[i].place) return true;
  return false;
}

/* The begins or ends of all entries, in `out`: those that a mask leaves open are filled in. NULL if
 * the operand is computed. */
static const int64_t *filled(TflCall *c, int operand, const Strided *s, int32_t mask, bool begin,
                             const int64_t *stride, int places, int64_t *out) {
  int64_t given[GRAPH_MAX_RANK];
  int n;
  if (!constant_ints(c->in[operand], GRAPH_MAX_RANK, &n, given) || n != places) return NULL;
  for (int i = 0; i < s->n; i++) {
    int place = s->entry[i].place;
    out[i] = !(mask & 1 << place) ? given[place]
             : begin              ? first_of(stride[place])
                                  : last_of(stride[place]);
  }
  return out;
}

/* The slice of the operand along the axes that are kept; NULL after reporting. */
static GraphValue *part_of(TflCall *c, const Strided *s, const int64_t *stride, int places) {
  int64_t begins[GRAPH_MAX_RANK], ends[GRAPH_MAX_RANK], axes[GRAPH_MAX_RANK], steps[GRAPH_MAX_RANK];
  const int64_t *begin = filled(c, 1, s, s->begin_mask, true, stride, places, begins),
                *end = filled(c, 2, s, s->end_mask, false, stride, places, ends);
  bool whole = true;
  int n = 0;
  if ((!begin && masks_any(s, s->begin_mask)) || (!end && masks_any(s, s->end_mask))) {
    tfl_lacks(c, E902,
              "constant bounds are read, and computed ones if each axis has both: `tf.slice`",
              "has computed bounds, some of them masked");
    return NULL;
  }
  for (int i = 0; i < s->n; i++) {
    if (s->entry[i].shrinks) continue;
    axes[n] = s->entry[i].axis;
    steps[n++] = stride[s->entry[i].place];
    whole = whole && stride[s->entry[i].place] == 1 && begin && begin[i] == 0 && end &&
            end[i] == INT32_MAX;
  }
  if (n == 0 || whole) return c->in[0];
  GraphValue *in[5] = {c->in[0], bounds(c, 1, s, begin), bounds(c, 2, s, end),
                       emit_ints(c->emit, n, axes), emit_ints(c->emit, n, steps)};
  return emit_call(c->emit, GRAPH_Slice, 5, in);
}

/* Axes that shrink are removed one by one, from the last to the first, so that the axes in front
 * keep their numbers. */
bool tfl_op_strided_slice(TflCall *c) {
  Strided s = {0};
  int64_t stride[GRAPH_MAX_RANK];
  int places;
  if (!tfl_constant_ints(c, 3, "strides", GRAPH_MAX_RANK, &places, stride)) return false;
  for (int k = 1; k < 3; k++)
    if (c->in[k]->constant && c->in[k]->constant->count != places)
      return tfl_refuse(c, E901, "has bounds and strides of different numbers");
  if (!entries_of(c, places, &s)) return false;
  GraphValue *y = part_of(c, &s, stride, places);
  if (!y) return false;
  for (int i = s.n - 1; i >= 0; i--) {
    if (!s.entry[i].shrinks) continue;
    int64_t place = s.entry[i].place;
    GraphValue *at =
        emit_squeeze(c->emit, emit_gather(c->emit, c->in[1], 0, 1, &place), 1, (int64_t[]){0});
    y = emit_axis_call(c->emit, GRAPH_Gather, s.entry[i].axis, 2, (GraphValue *[]){y, at});
  }
  if (s.n_new) y = emit_unsqueeze(c->emit, y, s.n_new, s.new_axis);
  if (y == c->in[0]) y = EMIT(c->emit, Identity, y);
  return tfl_set_like(c, 0, y, 0);
}
