/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* How operators that move, join and slice relate axes: see relate.h. */
#include "import/lift/relate.h"

/* Some factors of one value, and some axes of another that hold as many elements: those before
 * `end` and those before `axis_end`. */
typedef struct Stretch {
  int end, axis_end;
  bool divides; /* the factors can be split so that each part is a factor of one axis */
} Stretch;

/* Whether the factors from i on can be split so that they fill the axes up to axis_end one by one.
 */
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

/* The shortest stretch that begins with factor i and with an axis. If there is none, because the
 * numbers of elements never agree, it is all that is left. */
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

/* How many of these factors have more than one position. */
static int long_factors(const Atoms *a, const Factors *from, int i, int end) {
  int n = 0;
  for (; i < end; i++)
    n += atom_size(a, from->atom[i]) > 1;
  return n;
}

/* Factors of size 1 that no axis of the result got, with the factor of the result before which each
 * of them was. */
typedef struct Passed {
  int atom[FACTORS_MAX], before[FACTORS_MAX], axis[FACTORS_MAX], n;
} Passed;

static void pass_over(Passed *p, const Factors *out, int atom, int axis) {
  p->atom[p->n] = atom;
  p->before[p->n] = out->n;
  p->axis[p->n++] = axis;
}

/* Adds them to the result at their places, next to other factors: a later Reshape finds them there.
 */
static void put_back(const Passed *p, Factors *out) {
  for (int k = p->n; k-- > 0 && out->n < FACTORS_MAX;) {
    for (int i = out->n++; i > p->before[k]; i--) {
      out->atom[i] = out->atom[i - 1];
      out->dim[i] = out->dim[i - 1];
    }
    out->atom[p->before[k]] = p->atom[k];
    out->dim[p->before[k]] = p->axis[k];
  }
}

/* How far the axes of a Reshape have their factors. */
typedef struct Regroup {
  Atoms *a;
  const GraphNode *node;
  const GraphTensor *to; /* the type of the result */
  Factors from, *out;    /* those of the operand and of the result */
  int next;              /* the next of `from` */
  Passed passed;
} Regroup;

/* An axis of 1 gets the factor of 1 that is next, or one that was passed over, or a new one. */
static void regroup_one(Regroup *g, int axis) {
  bool here = g->next < g->from.n && atom_size(g->a, g->from.atom[g->next]) == 1;
  factors_add(g->out,
              here          ? g->from.atom[g->next++]
              : g->passed.n ? g->passed.atom[--g->passed.n]
                            : atom_new(g->a, 1, FACT_MADE),
              axis);
}

/* Makes new factors for the axes up to stretch.axis_end, because their sizes do not divide those of
 * the operand, whose factors of the stretch are mixed. */
static void regroup_mixed(Regroup *g, int axis, const Stretch *stretch) {
  while (g->next < stretch->end)
    atom_add_facts(g->a, g->from.atom[g->next++], FACT_MIXED);
  for (; axis < stretch->axis_end; axis++)
    factors_add(g->out, atom_new(g->a, g->to->dim[axis], FACT_MADE | FACT_MIXED), axis);
}

/* Gives an axis the next factors, whose product is its size. False: a factor was larger and is
 * split now, so that all has to begin again. */
static bool regroup_whole(Regroup *g, int axis) {
  int64_t left = g->to->dim[axis];
  while (left > 1 && g->next < g->from.n) {
    int atom = g->from.atom[g->next];
    int64_t size = atom_size(g->a, atom);
    if (size > left) {
      atom_split(g->a, atom, left);
      return false;
    }
    g->next++;
    if (size == 1)
      pass_over(&g->passed, g->out, atom, axis);
    else
      factors_add(g->out, atom, axis);
    left /= size;
  }
  return true;
}

/* Gives all axes their factors. False: a factor is split now, so that all has to begin again. */
static bool regroup(Regroup *g) {
  for (int axis = 0; axis < g->to->rank; axis++) {
    if (g->to->dim[axis] == 1) {
      regroup_one(g, axis);
      continue;
    }
    Stretch stretch = stretch_from(g->a, &g->from, g->next, g->to, axis);
    bool apart = flat_is_parted(g->a->flat, g->node) && stretch.axis_end == axis + 1 &&
                 long_factors(g->a, &g->from, g->next, stretch.end) > 1;
    if (!stretch.divides || apart) {
      regroup_mixed(g, axis, &stretch);
      axis = stretch.axis_end - 1;
    } else if (!regroup_whole(g, axis))
      return false;
  }
  for (; g->next < g->from.n; g->next++)
    pass_over(&g->passed, g->out, g->from.atom[g->next], g->to->rank - 1);
  if (g->to->rank) put_back(&g->passed, g->out);
  return true;
}

/* A Reshape: the same elements in the same order, with other axes. */
void relate_regroup(Atoms *a, const GraphNode *node, Factors *out) {
  for (int guard = 0; guard < 4 * FACTORS_MAX; guard++) {
    Regroup g = {.a = a,
                 .node = node,
                 .to = flat_type_of(a->flat, node->out[0]),
                 .from = atoms_of(a, node->in[0]),
                 .out = out};
    *out = (Factors){0};
    if (regroup(&g)) return;
  }
}

static bool is_listed(const GraphAttribute *axes, int axis) {
  for (int i = 0; i < axes->n; i++)
    if (axes->i[i] == axis) return true;
  return false;
}

/* Squeeze and Unsqueeze: the node names the axes of 1 that it removes or adds. */
void relate_unit_axes(Atoms *a, const GraphNode *node, Factors *out) {
  const GraphAttribute *axes = graph_attribute(node, GRAPH_ATTR_axes);
  bool adds = node->op == GRAPH_Unsqueeze;
  int rank = atoms_rank(a, node->out[0]), gone = atoms_rank(a, node->in[0]);
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
  for (int from = 0; !adds && from < gone; from++) /* their factors stay, in the last axis */
    if (is_listed(axes, from)) atoms_keep_axis(a, node->in[0], from, out, rank - 1);
}

void relate_transpose(Atoms *a, const GraphNode *node, Factors *out) {
  const GraphAttribute *perm = graph_attribute(node, GRAPH_ATTR_perm);
  int rank = atoms_rank(a, node->in[0]);
  for (int axis = 0; axis < rank; axis++)
    atoms_keep_axis(a, node->in[0], perm ? (int)perm->i[axis] : rank - 1 - axis, out, axis);
}

void relate_expand(Atoms *a, const GraphNode *node, Factors *out) {
  const GraphValue *x = node->in[0];
  int rank = atoms_rank(a, node->out[0]);
  for (int axis = 0; axis < rank; axis++) {
    int own = axis - rank + atoms_rank(a, x);
    int64_t size = atoms_dim(a, node->out[0], axis);
    if (own >= 0 && atoms_dim(a, x, own) == size)
      atoms_keep_axis(a, x, own, out, axis);
    else
      factors_add(out, atom_new(a, size, FACT_MADE), axis); /* all positions are equal */
  }
}

/* A Concat of rows that earlier calls kept and new rows: its rows are of the family of the new
 * ones. */
static void relate_window(Atoms *a, const GraphNode *node, Factors *out) {
  const GraphValue *kept = node->in[0], *fresh = node->in[1];
  int at = (int)graph_int(node, GRAPH_ATTR_axis, 0);
  for (int axis = 0; axis < atoms_rank(a, fresh); axis++) {
    if (axis != at) {
      atoms_join_axes(a, fresh, axis, kept, axis);
      atoms_keep_axis(a, fresh, axis, out, axis);
      continue;
    }
    atoms_mark_axis(a, kept, axis, FACT_MIXED);
    atoms_derive_axis(a, fresh, axis, atoms_dim(a, node->out[0], axis), FACT_MIXED | FACT_ROWS, out,
                      axis);
  }
}

void relate_concat(Atoms *a, const GraphNode *node, Factors *out) {
  int at = (int)graph_int(node, GRAPH_ATTR_axis, 0);
  if (flat_is_window(a->flat, node->out[0])) {
    relate_window(a, node, out);
    return;
  }
  const GraphValue *first = NULL;
  for (int i = 0; i < node->n_in; i++) {
    if (atoms_constant(a, node->in[i])) continue;
    if (!first) first = node->in[i];
    for (int axis = 0; axis < atoms_rank(a, node->in[i]); axis++) {
      if (axis == at)
        atoms_mark_axis(a, node->in[i], axis, FACT_MIXED);
      else if (first != node->in[i])
        atoms_join_axes(a, first, axis, node->in[i], axis);
    }
  }
  for (int axis = 0; axis < atoms_rank(a, first); axis++) {
    if (axis != at)
      atoms_keep_axis(a, first, axis, out, axis);
    else if (node->n_in == 1)
      atoms_keep_axis(a, first, axis, out, axis);
    else {
      atoms_derive_axis(a, first, axis, atoms_dim(a, node->out[0], axis), FACT_MIXED, out, axis);
      int made = out->atom[out->n - 1];
      for (int i = 0; i < node->n_in; i++) {
        int atom[FACTORS_MAX];
        if (atoms_constant(a, node->in[i]) || !atoms_of_axis(a, node->in[i], axis, atom)) continue;
        if (atoms_dim(a, node->in[i], axis) > 1) atoms_same_family(a, made, atom[0]);
      }
    }
  }
}

void relate_gather(Atoms *a, const GraphNode *node, Factors *out) {
  const GraphValue *x = node->in[0], *place = node->in[1];
  int at = (int)graph_int(node, GRAPH_ATTR_axis, 0), to = 0;
  bool table = atoms_constant(a, x);
  int64_t hop;
  bool frames =
      !table && flat_frames(flat_type_of(a->flat, x), at, flat_type_of(a->flat, place), &hop);
  for (int axis = 0; axis < atoms_rank(a, x); axis++) {
    if (axis != at) {
      if (table)
        factors_add(out, atom_new(a, atoms_dim(a, x, axis), FACT_MADE | FACT_MIXED), to);
      else
        atoms_keep_axis(a, x, axis, out, to);
      to++;
      continue;
    }
    if (!table) atoms_mark_axis(a, x, axis, FACT_MIXED);
    for (int k = 0; k < atoms_rank(a, place); k++, to++) {
      if (!atoms_constant(a, place))
        atoms_keep_axis(a, place, k, out, to);
      else if ((atoms_rank(a, place) == 1 && !table) || (frames && !k))
        atoms_derive_axis(a, x, axis, atoms_dim(a, place, k), FACT_MIXED, out, to);
      else
        factors_add(out, atom_new(a, atoms_dim(a, place, k), FACT_MADE | FACT_MIXED), to);
    }
  }
}
