/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* How each operator relates axes: see atoms.h. What an operator is not known to keep apart counts
 * as mixed, so that nothing unknown passes for a batch. */
#include "import/lift/relate.h"

#include <string.h>

static bool is_constant(const Atoms *a, const GraphValue *value) {
  return flat_type_of(a->flat, value)->data != NULL;
}

static int rank_of(const Atoms *a, const GraphValue *value) {
  return flat_type_of(a->flat, value)->rank;
}

static int64_t dim_of(const Atoms *a, const GraphValue *value, int axis) {
  return flat_type_of(a->flat, value)->dim[axis];
}

/* ---- families of operators ---- */

static void relate_same(Atoms *a, const GraphNode *node, Factors *out) {
  *out = atoms_of(a, node->in[0]);
}

bool tensor_varies_along(const GraphTensor *t, int axis) {
  int64_t inner = 1;
  for (int i = axis + 1; i < t->rank; i++)
    inner *= t->dim[i];
  for (int64_t e = 0; e < t->count; e++) {
    int64_t place = e / inner % t->dim[axis];
    if (place && t->data[e] != t->data[e - place * inner]) return true;
  }
  return false;
}

/* Elementwise over several operands: axes meet from the right. A constant that differs along an
 * axis tells its positions apart. */
static void relate_broadcast(Atoms *a, const GraphNode *node, Factors *out) {
  int rank = rank_of(a, node->out[0]);
  for (int axis = 0; axis < rank; axis++) {
    const GraphValue *wide = NULL;
    int wide_axis = 0;
    bool constant_varies = false;
    for (int i = 0; i < node->n_in; i++) {
      const GraphValue *v = node->in[i];
      int own = axis - rank + rank_of(a, v);
      if (own < 0) continue;
      if (is_constant(a, v)) {
        constant_varies = constant_varies || tensor_varies_along(flat_type_of(a->flat, v), own);
        continue;
      }
      if (!wide) {
        wide = v;
        wide_axis = own;
      } else if (dim_of(a, v, own) == dim_of(a, wide, wide_axis)) {
        if (!atoms_join_axes(a, wide, wide_axis, v, own)) {
          atoms_mark_axis(a, wide, wide_axis, FACT_MIXED);
          atoms_mark_axis(a, v, own, FACT_MIXED);
        }
      } else if (dim_of(a, wide, wide_axis) == 1) {
        wide = v;
        wide_axis = own;
      }
    }
    if (wide && constant_varies && dim_of(a, wide, wide_axis) > 1)
      atoms_mark_axis(a, wide, wide_axis, FACT_MIXED);
    if (wide && dim_of(a, wide, wide_axis) == dim_of(a, node->out[0], axis))
      atoms_keep_axis(a, wide, wide_axis, out, axis);
    else
      factors_add(out, atom_new(a, dim_of(a, node->out[0], axis), FACT_MADE | FACT_MIXED), axis);
  }
}

/* A stretch of factors of one value, and the axes of another that hold the same number of
 * elements. */
typedef struct Stretch {
  int end, axis_end;
  bool divides; /* the factors can be split so that each of them is a factor of an axis */
} Stretch;

/* Whether factors from i on fill the axes up to axis_end one by one. */
static bool factors_fill(const Atoms *a, const Factors *from, int i, const GraphTensor *to,
                         int axis, int axis_end) {
  int64_t carried = 1;
  for (; axis < axis_end; axis++)
    for (int64_t left = to->dim[axis]; left > 1;) {
      if (carried == 1) carried = atom_size(a, from->atom[i++]);
      int64_t common = left % carried == 0 ? carried : carried % left == 0 ? left : 0;
      if (!common) return false;
      left /= common;
      carried /= common;
    }
  return true;
}

/* The shortest stretch from factor i and axis `axis` on; the whole rest where the elements do not
 * come out. */
static Stretch stretch_from(const Atoms *a, const Factors *from, int i, const GraphTensor *to,
                            int axis) {
  Stretch out = {.end = i, .axis_end = axis + 1};
  int64_t have = 1, want = to->dim[axis];
  while (have != want) {
    if (have < want && out.end < from->n && atom_size(a, from->atom[out.end]) > 0)
      have *= atom_size(a, from->atom[out.end++]);
    else if (want < have && out.axis_end < to->rank && to->dim[out.axis_end] > 0)
      want *= to->dim[out.axis_end++];
    else
      return (Stretch){.end = from->n, .axis_end = to->rank};
  }
  out.divides = factors_fill(a, from, i, to, axis, out.axis_end);
  return out;
}

/* The same numbers in the same order under other axes. */
static void relate_regroup(Atoms *a, const GraphNode *node, Factors *out) {
  const GraphTensor *to = flat_type_of(a->flat, node->out[0]);
  for (int guard = 0; guard < 4 * FACTORS_MAX; guard++) {
    Factors from = atoms_of(a, node->in[0]);
    bool again = false;
    int i = 0, one[FACTORS_MAX], ones = 0; /* axes of 1 that were passed over */
    *out = (Factors){0};
    for (int axis = 0; axis < to->rank && !again; axis++) {
      int64_t left = to->dim[axis];
      if (left == 1) {
        /* An axis of 1: the one that stands here, one that was passed over, or a new one. */
        bool here = i < from.n && atom_size(a, from.atom[i]) == 1;
        factors_add(out,
                    here   ? from.atom[i++]
                    : ones ? one[--ones]
                           : atom_new(a, 1, FACT_MADE),
                    axis);
        continue;
      }
      Stretch stretch = stretch_from(a, &from, i, to, axis);
      if (!stretch.divides) {
        while (i < stretch.end) /* sizes that share no factors: positions are mixed, and the axes
                                   are new ones */
          atom_add_facts(a, from.atom[i++], FACT_MIXED);
        for (; axis < stretch.axis_end; axis++)
          factors_add(out, atom_new(a, to->dim[axis], FACT_MADE | FACT_MIXED), axis);
        axis--;
        continue;
      }
      while (left > 1 && i < from.n && !again) {
        int64_t size = atom_size(a, from.atom[i]);
        if (size == 1) {
          one[ones++] = from.atom[i++];
          continue;
        }
        again = size > left;
        if (again) {
          atom_split(a, from.atom[i], left);
          continue;
        }
        factors_add(out, from.atom[i++], axis);
        left /= size;
      }
    }
    if (again) continue;
    for (; i < from.n; i++)
      one[ones++] = from.atom[i];
    for (int k = 0; k < ones && to->rank; k++) /* they stay beside others */
      factors_add(out, one[k], to->rank - 1);
    return;
  }
}

static bool is_listed(const GraphAttribute *axes, int axis) {
  for (int i = 0; i < axes->n; i++)
    if (axes->i[i] == axis) return true;
  return false;
}

/* Axes of 1 that are added or taken away are those that the node names. */
static void relate_unit_axes(Atoms *a, const GraphNode *node, Factors *out) {
  const GraphAttribute *axes = graph_attribute(node, GRAPH_ATTR_axes);
  bool adds = node->op == GRAPH_Unsqueeze;
  int rank = rank_of(a, node->out[0]), gone = rank_of(a, node->in[0]);
  if (!axes || !axes->n || (!adds && !rank)) relate_regroup(a, node, out);
  if (!axes || !axes->n || (!adds && !rank)) return;
  for (int to = 0, from = 0; to < rank; to++) {
    while (!adds && is_listed(axes, from))
      from++;
    if (adds && is_listed(axes, to))
      factors_add(out, atom_new(a, 1, FACT_MADE), to);
    else
      atoms_keep_axis(a, node->in[0], from++, out, to);
  }
  for (int from = 0; !adds && from < gone; from++) /* they stay beside others */
    if (is_listed(axes, from)) atoms_keep_axis(a, node->in[0], from, out, rank - 1);
}

static void relate_transpose(Atoms *a, const GraphNode *node, Factors *out) {
  const GraphAttribute *perm = graph_attribute(node, GRAPH_ATTR_perm);
  int rank = rank_of(a, node->in[0]);
  for (int axis = 0; axis < rank; axis++)
    atoms_keep_axis(a, node->in[0], perm ? (int)perm->i[axis] : rank - 1 - axis, out, axis);
}

static void relate_expand(Atoms *a, const GraphNode *node, Factors *out) {
  const GraphValue *x = node->in[0];
  int rank = rank_of(a, node->out[0]);
  for (int axis = 0; axis < rank; axis++) {
    int own = axis - rank + rank_of(a, x);
    int64_t size = dim_of(a, node->out[0], axis);
    if (own >= 0 && dim_of(a, x, own) == size)
      atoms_keep_axis(a, x, own, out, axis);
    else
      factors_add(out, atom_new(a, size, FACT_MADE), axis); /* all positions are equal */
  }
}

/* Axes whose length changed, or that `touched` names, are derived; the others are kept. */
static void relate_along(Atoms *a, const GraphNode *node, unsigned touched, unsigned facts,
                         Factors *out) {
  const GraphValue *x = node->in[0];
  for (int axis = 0; axis < rank_of(a, x); axis++) {
    int64_t size = dim_of(a, node->out[0], axis);
    if (!(touched >> axis & 1) && size == dim_of(a, x, axis))
      atoms_keep_axis(a, x, axis, out, axis);
    else
      atoms_derive_axis(a, x, axis, size, facts, out, axis);
  }
}

static void relate_marked(Atoms *a, const GraphNode *node, int first, int last, Factors *out) {
  relate_same(a, node, out);
  for (int axis = first; axis <= last; axis++)
    atoms_mark_axis(a, node->in[0], axis, FACT_MIXED);
}

/* Kept rows in front of new ones: more steps of what the new ones are steps of. */
static void relate_window(Atoms *a, const GraphNode *node, Factors *out) {
  const GraphValue *kept = node->in[0], *fresh = node->in[1];
  int at = (int)graph_int(node, GRAPH_ATTR_axis, 0);
  for (int axis = 0; axis < rank_of(a, fresh); axis++) {
    if (axis != at) {
      atoms_join_axes(a, fresh, axis, kept, axis);
      atoms_keep_axis(a, fresh, axis, out, axis);
      continue;
    }
    atoms_mark_axis(a, kept, axis, FACT_MIXED);
    atoms_derive_axis(a, fresh, axis, dim_of(a, node->out[0], axis), FACT_MIXED | FACT_ROWS, out,
                      axis);
  }
}

static void relate_concat(Atoms *a, const GraphNode *node, Factors *out) {
  int at = (int)graph_int(node, GRAPH_ATTR_axis, 0);
  if (flat_is_window(a->flat, node->out[0])) {
    relate_window(a, node, out);
    return;
  }
  const GraphValue *first = NULL;
  for (int i = 0; i < node->n_in; i++) {
    if (is_constant(a, node->in[i])) continue;
    if (!first) first = node->in[i];
    for (int axis = 0; axis < rank_of(a, node->in[i]); axis++) {
      if (axis == at)
        atoms_mark_axis(a, node->in[i], axis, FACT_MIXED);
      else if (first != node->in[i])
        atoms_join_axes(a, first, axis, node->in[i], axis);
    }
  }
  for (int axis = 0; axis < rank_of(a, first); axis++) {
    if (axis != at)
      atoms_keep_axis(a, first, axis, out, axis);
    else if (node->n_in == 1)
      atoms_keep_axis(a, first, axis, out, axis);
    else {
      atoms_derive_axis(a, first, axis, dim_of(a, node->out[0], axis), FACT_MIXED, out, axis);
      int made = out->atom[out->n - 1];
      for (int i = 0; i < node->n_in; i++) {
        int atom[FACTORS_MAX];
        if (is_constant(a, node->in[i]) || !atoms_of_axis(a, node->in[i], axis, atom)) continue;
        if (dim_of(a, node->in[i], axis) > 1) atoms_same_family(a, made, atom[0]);
      }
    }
  }
}

static void relate_reduce(Atoms *a, const GraphNode *node, Factors *out) {
  const GraphAttribute *axes = graph_attribute(node, GRAPH_ATTR_axes);
  bool keep = graph_int(node, GRAPH_ATTR_keepdims, 0) != 0;
  bool single = node->op == GRAPH_ArgMax || node->op == GRAPH_ArgMin;
  int to = 0;
  for (int axis = 0; axis < rank_of(a, node->in[0]); axis++) {
    bool reduced = single ? axis == graph_int(node, GRAPH_ATTR_axis, 0) : !axes;
    for (int i = 0; axes && i < axes->n; i++)
      reduced = reduced || axes->i[i] == axis;
    if (!reduced) {
      atoms_keep_axis(a, node->in[0], axis, out, to++);
      continue;
    }
    atoms_mark_axis(a, node->in[0], axis, FACT_MIXED);
    if (keep) factors_add(out, atom_new(a, 1, FACT_MADE), to++);
  }
}

static void relate_gather(Atoms *a, const GraphNode *node, Factors *out) {
  const GraphValue *x = node->in[0], *place = node->in[1];
  int at = (int)graph_int(node, GRAPH_ATTR_axis, 0), to = 0;
  bool table = is_constant(a, x);
  for (int axis = 0; axis < rank_of(a, x); axis++) {
    if (axis != at) {
      if (table)
        factors_add(out, atom_new(a, dim_of(a, x, axis), FACT_MADE | FACT_MIXED), to);
      else
        atoms_keep_axis(a, x, axis, out, to);
      to++;
      continue;
    }
    if (!table) atoms_mark_axis(a, x, axis, FACT_MIXED);
    for (int k = 0; k < rank_of(a, place); k++, to++) {
      if (!is_constant(a, place))
        atoms_keep_axis(a, place, k, out, to);
      else if (rank_of(a, place) == 1 && !table)
        atoms_derive_axis(a, x, axis, dim_of(a, place, k), FACT_MIXED, out, to);
      else
        factors_add(out, atom_new(a, dim_of(a, place, k), FACT_MADE | FACT_MIXED), to);
    }
  }
}

static void relate_matmul(Atoms *a, const GraphNode *node, Factors *out) {
  const GraphValue *x = node->in[0], *y = node->in[1];
  int rx = rank_of(a, x), ry = rank_of(a, y), rank = rank_of(a, node->out[0]);
  bool cx = is_constant(a, x), cy = is_constant(a, y);
  int kx = rx - 1, ky = ry > 1 ? ry - 2 : 0;
  if (!cx) atoms_mark_axis(a, x, kx, FACT_CONTRACTED | FACT_MIXED);
  if (!cy) atoms_mark_axis(a, y, ky, FACT_CONTRACTED | FACT_MIXED);
  if (!cx && !cy) atoms_join_axes(a, x, kx, y, ky);
  int rows = rx > 1, columns = ry > 1;
  for (int axis = 0; axis < rank; axis++) {
    bool is_row = rows && axis == rank - 1 - columns, is_column = columns && axis == rank - 1;
    if (is_row || is_column) {
      const GraphValue *v = is_row ? x : y;
      if (!is_constant(a, v))
        atoms_keep_axis(a, v, is_row ? rx - 2 : ry - 1, out, axis);
      else
        factors_add(out, atom_new(a, dim_of(a, node->out[0], axis), FACT_MADE | FACT_MIXED), axis);
      continue;
    }
    int lead = rank - rows - columns, ox = axis - lead + (rx - 2), oy = axis - lead + (ry - 2);
    const GraphValue *from = NULL;
    int own = 0;
    if (!cx && ox >= 0 && dim_of(a, x, ox) == dim_of(a, node->out[0], axis)) {
      from = x;
      own = ox;
    }
    if (!cy && oy >= 0 && dim_of(a, y, oy) == dim_of(a, node->out[0], axis)) {
      if (from)
        atoms_join_axes(a, from, own, y, oy);
      else {
        from = y;
        own = oy;
      }
    }
    /* Weights that differ along a leading axis tell its positions apart. */
    bool apart = (cx && ox >= 0 && dim_of(a, x, ox) > 1) || (cy && oy >= 0 && dim_of(a, y, oy) > 1);
    if (from && apart) atoms_mark_axis(a, from, own, FACT_MIXED);
    if (from)
      atoms_keep_axis(a, from, own, out, axis);
    else
      factors_add(out, atom_new(a, dim_of(a, node->out[0], axis), FACT_MADE | FACT_MIXED), axis);
  }
}

/* q [.., t, d], k [.., s, d], v [.., s, e]: every position of q looks at all of k and v. */
static void relate_attention(Atoms *a, const GraphNode *node, Factors *out) {
  const GraphValue *q = node->in[0], *k = node->in[1], *v = node->in[2];
  int rank = rank_of(a, q);
  for (int axis = 0; axis < rank - 2; axis++) {
    atoms_join_axes(a, q, axis, k, axis);
    atoms_join_axes(a, q, axis, v, axis);
    atoms_keep_axis(a, q, axis, out, axis);
  }
  atoms_join_axes(a, k, rank - 2, v, rank - 2);
  atoms_join_axes(a, q, rank - 1, k, rank - 1);
  atoms_mark_axis(a, q, rank - 1, FACT_CONTRACTED | FACT_MIXED);
  atoms_mark_axis(a, k, rank - 2, FACT_CONVOLVED | FACT_MIXED);
  atoms_mark_axis(a, q, rank - 2, FACT_MIXED);
  atoms_mark_axis(a, v, rank - 1, FACT_MIXED);
  atoms_keep_axis(a, q, rank - 2, out, rank - 2);
  atoms_keep_axis(a, v, rank - 1, out, rank - 1);
}

/* x [N, C, ...]: windows go along the axes behind the channels. */
static void relate_windows(Atoms *a, const GraphNode *node, bool channels, Factors *out) {
  const GraphValue *x = node->in[0];
  const GraphAttribute *kernel = graph_attribute(node, GRAPH_ATTR_kernel);
  const GraphAttribute *strides = graph_attribute(node, GRAPH_ATTR_strides);
  const GraphTensor *y = flat_type_of(a->flat, node->out[0]);
  atoms_keep_axis(a, x, 0, out, 0);
  atoms_mark_axis(a, x, 0, FACT_SAMPLED);
  if (!channels)
    atoms_keep_axis(a, x, 1, out, 1);
  else {
    atoms_mark_axis(a, x, 1, FACT_CONTRACTED | FACT_MIXED);
    factors_add(out, atom_new(a, y->dim[1], FACT_MADE | FACT_MIXED), 1);
  }
  for (int axis = 2; axis < y->rank; axis++) {
    int64_t taps = channels                         ? dim_of(a, node->in[1], axis)
                   : kernel && axis - 2 < kernel->n ? kernel->i[axis - 2]
                                                    : 1;
    bool alone = taps == 1 && y->dim[axis] == dim_of(a, x, axis) &&
                 (!strides || axis - 2 >= strides->n || strides->i[axis - 2] == 1);
    if (alone)
      atoms_keep_axis(a, x, axis, out, axis);
    else
      atoms_derive_axis(a, x, axis, y->dim[axis], FACT_CONVOLVED | FACT_MIXED, out, axis);
  }
}

/* x [T, N, d] -> y [T, dirs, N, u], h and c [dirs, N, u]. */
static void relate_recurrent(Atoms *a, const GraphNode *node) {
  const GraphValue *x = node->in[0];
  const GraphTensor *y = flat_type_of(a->flat, node->out[0]);
  const char *direction = graph_word(node, GRAPH_ATTR_direction, 0, "forward");
  unsigned way = strcmp(direction, "forward") == 0 ? 0 : FACT_BACKWARD;
  atoms_mark_axis(a, x, 0, FACT_SCANNED | FACT_MIXED | way);
  atoms_mark_axis(a, x, 1, FACT_BATCHED);
  atoms_mark_axis(a, x, 2, FACT_CONTRACTED | FACT_MIXED);
  int units = atom_new(a, y->dim[3], FACT_MADE | FACT_MIXED),
      dirs = atom_new(a, y->dim[1], FACT_MADE | FACT_MIXED);
  int first_state = node->op == GRAPH_Lstm  ? 5
                    : node->op == GRAPH_Gru ? 6
                                            : 5,
      n_states = node->op == GRAPH_Lstm ? 2 : 1;
  for (int k = 0; k < node->n_out; k++) {
    Factors *out = &a->factors[node->out[k]->id];
    if (k == 0) atoms_keep_axis(a, x, 0, out, 0);
    factors_add(out, dirs, k == 0 ? 1 : 0);
    atoms_keep_axis(a, x, 1, out, k == 0 ? 2 : 1);
    factors_add(out, units, k == 0 ? 3 : 2);
  }
  for (int i = first_state; i < first_state + n_states && i < node->n_in; i++) {
    if (!node->in[i] || is_constant(a, node->in[i])) continue;
    atoms_join_axes(a, x, 1, node->in[i], 1);
    atoms_mark_axis(a, node->in[i], 0, FACT_MIXED);
    atoms_mark_axis(a, node->in[i], 2, FACT_MIXED);
  }
}

/* Nothing is known of how its axes belong together. */
static void relate_unknown(Atoms *a, const GraphNode *node) {
  for (int i = 0; i < node->n_in; i++)
    for (int axis = 0;
         node->in[i] && !is_constant(a, node->in[i]) && axis < rank_of(a, node->in[i]); axis++)
      atoms_mark_axis(a, node->in[i], axis, FACT_MIXED);
  for (int k = 0; k < node->n_out; k++)
    for (int axis = 0; axis < rank_of(a, node->out[k]); axis++)
      factors_add(&a->factors[node->out[k]->id],
                  atom_new(a, dim_of(a, node->out[k], axis), FACT_MADE | FACT_MIXED), axis);
}

/* New axes: what it is made of is read by nobody. */
static void relate_idle(Atoms *a, const GraphNode *node) {
  for (int k = 0; k < node->n_out; k++)
    for (int axis = 0; axis < rank_of(a, node->out[k]); axis++)
      factors_add(&a->factors[node->out[k]->id],
                  atom_new(a, dim_of(a, node->out[k], axis), FACT_MADE | FACT_MIXED), axis);
}

static unsigned bits(const GraphNode *node, GraphAttributeName name) {
  const GraphAttribute *a = graph_attribute(node, name);
  unsigned set = 0;
  for (int i = 0; a && i < a->n; i++)
    set |= 1u << a->i[i];
  return set;
}

void atoms_relate(Atoms *a, const GraphNode *node) {
  Factors *out = &a->factors[node->out[0]->id];
  int axis = (int)graph_int(node, GRAPH_ATTR_axis, 0),
      rank = node->n_in && node->in[0] ? rank_of(a, node->in[0]) : 0;
  bool idle = true;
  for (int k = 0; k < node->n_out; k++)
    idle = idle && flat_is_idle(a->flat, node->out[k]);
  if (idle) {
    relate_idle(a, node);
    return;
  }
  switch (node->op) {
  case GRAPH_Identity:
  case GRAPH_Neg:
  case GRAPH_Abs:
  case GRAPH_Sign:
  case GRAPH_Floor:
  case GRAPH_Ceil:
  case GRAPH_Round:
  case GRAPH_Sqrt:
  case GRAPH_Square:
  case GRAPH_Reciprocal:
  case GRAPH_Exp:
  case GRAPH_Log:
  case GRAPH_Sin:
  case GRAPH_Cos:
  case GRAPH_Tan:
  case GRAPH_Atan:
  case GRAPH_Erf:
  case GRAPH_Sigmoid:
  case GRAPH_Tanh:
  case GRAPH_Relu:
  case GRAPH_LeakyRelu:
  case GRAPH_Elu:
  case GRAPH_Celu:
  case GRAPH_HardSigmoid:
  case GRAPH_HardSwish:
  case GRAPH_Silu:
  case GRAPH_Mish:
  case GRAPH_Gelu:
  case GRAPH_Softplus:
  case GRAPH_Softsign:
  case GRAPH_Clip:
  case GRAPH_Not:
  case GRAPH_IsNan:
  case GRAPH_Cast: relate_same(a, node, out); return;
  case GRAPH_Add:
  case GRAPH_Sub:
  case GRAPH_Mul:
  case GRAPH_Div:
  case GRAPH_FloorDiv:
  case GRAPH_Mod:
  case GRAPH_Pow:
  case GRAPH_Min:
  case GRAPH_Max:
  case GRAPH_Atan2:
  case GRAPH_Prelu:
  case GRAPH_And:
  case GRAPH_Or:
  case GRAPH_Xor:
  case GRAPH_Equal:
  case GRAPH_Less:
  case GRAPH_LessEqual:
  case GRAPH_Greater:
  case GRAPH_GreaterEqual:
  case GRAPH_Where: relate_broadcast(a, node, out); return;
  case GRAPH_Squeeze:
  case GRAPH_Unsqueeze: relate_unit_axes(a, node, out); return;
  case GRAPH_Reshape:
  case GRAPH_Flatten: relate_regroup(a, node, out); return;
  case GRAPH_Transpose: relate_transpose(a, node, out); return;
  case GRAPH_Expand: relate_expand(a, node, out); return;
  case GRAPH_Slice:
  case GRAPH_Pad:
  case GRAPH_Tile: relate_along(a, node, 0, FACT_MIXED, out); return;
  case GRAPH_Reverse: relate_along(a, node, bits(node, GRAPH_ATTR_axes), FACT_MIXED, out); return;
  case GRAPH_Split:
    for (int k = 0; k < node->n_out; k++)
      for (int i = 0; i < rank; i++) {
        Factors *part = &a->factors[node->out[k]->id];
        if (i != axis)
          atoms_keep_axis(a, node->in[0], i, part, i);
        else
          atoms_derive_axis(a, node->in[0], i, dim_of(a, node->out[k], i), FACT_MIXED, part, i);
      }
    return;
  case GRAPH_Concat: relate_concat(a, node, out); return;
  case GRAPH_ReduceSum:
  case GRAPH_ReduceMean:
  case GRAPH_ReduceMax:
  case GRAPH_ReduceMin:
  case GRAPH_ReduceProd:
  case GRAPH_ReduceL1:
  case GRAPH_ReduceL2:
  case GRAPH_ReduceLogSumExp:
  case GRAPH_ReduceAll:
  case GRAPH_ReduceAny:
  case GRAPH_ArgMax:
  case GRAPH_ArgMin: relate_reduce(a, node, out); return;
  case GRAPH_CumSum:
  case GRAPH_Softmax:
  case GRAPH_LogSoftmax:
  case GRAPH_LpNormalize:
  case GRAPH_BatchNorm: relate_marked(a, node, axis, axis, out); return;
  case GRAPH_LayerNorm:
  case GRAPH_RmsNorm: relate_marked(a, node, axis, rank - 1, out); return;
  case GRAPH_GroupNorm: relate_marked(a, node, 1, rank - 1, out); return;
  case GRAPH_Gather: relate_gather(a, node, out); return;
  case GRAPH_MatMul:
  case GRAPH_MatMulInteger: relate_matmul(a, node, out); return;
  case GRAPH_Attention: relate_attention(a, node, out); return;
  case GRAPH_Conv:
  case GRAPH_ConvTranspose:
  case GRAPH_ConvInteger: relate_windows(a, node, true, out); return;
  case GRAPH_MaxPool:
  case GRAPH_AvgPool: relate_windows(a, node, false, out); return;
  case GRAPH_Quantize:
  case GRAPH_Dequantize: relate_same(a, node, out); return;
  case GRAPH_Lstm:
  case GRAPH_Gru:
  case GRAPH_Rnn: relate_recurrent(a, node); return;
  default: relate_unknown(a, node); return;
  }
}
