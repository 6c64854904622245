/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Atoms and families of atoms: see atoms.h. relate.c has what each operator does to them. */
#include "import/lift/relate.h"

int atom_new(Atoms *a, int64_t size, unsigned facts) {
  Atom atom = {.same = a->n, .family = a->n, .part = {-1, -1}, .size = size, .facts = facts};
  ARENA_PUSH(a->flat->arena, a->atom, a->n, a->cap, atom);
  return a->n - 1;
}

int atom_same(Atoms *a, int atom) {
  while (a->atom[atom].same != atom)
    atom = a->atom[atom].same = a->atom[a->atom[atom].same].same;
  return atom;
}

int atom_family(Atoms *a, int atom) {
  atom = atom_same(a, atom);
  while (a->atom[atom].family != atom)
    atom = a->atom[atom].family = a->atom[a->atom[atom].family].family;
  return atom;
}

unsigned atom_facts(Atoms *a, int atom) {
  return a->atom[atom_family(a, atom)].facts;
}

void atom_add_facts(Atoms *a, int atom, unsigned facts) {
  a->atom[atom_family(a, atom)].facts |= facts;
}

void atoms_same_family(Atoms *a, int x, int y) {
  int fx = atom_family(a, x), fy = atom_family(a, y);
  if (fx == fy) return;
  unsigned made = a->atom[fx].facts & a->atom[fy].facts & FACT_MADE; /* if both of them are made */
  a->atom[fx].facts = ((a->atom[fx].facts | a->atom[fy].facts) & ~(unsigned)FACT_MADE) | made;
  a->atom[fy].family = fx;
}

/* A new atom in the family of an old one, such as a convolution or a slice makes. */
static int atom_derive(Atoms *a, int atom, int64_t size, unsigned facts) {
  int made = atom_new(a, size, atom_facts(a, atom));
  atoms_same_family(a, atom, made);
  atom_add_facts(a, atom, facts);
  return made;
}

/* Adds an atom or, if it was split, the parts into which it was split, in row-major order. */
static void add_leaves(Atoms *a, int atom, int dim, Factors *out) {
  atom = atom_same(a, atom);
  if (a->atom[atom].part[0] >= 0) {
    add_leaves(a, a->atom[atom].part[0], dim, out);
    add_leaves(a, a->atom[atom].part[1], dim, out);
    return;
  }
  if (out->n == FACTORS_MAX) return;
  out->atom[out->n] = atom;
  out->dim[out->n++] = dim;
}

Factors atoms_of(Atoms *a, const GraphValue *value) {
  Factors out = {0};
  if (value->id >= a->n_values) return out; /* it was added since, by a pass that changed nothing */
  const Factors *known = &a->factors[value->id];
  for (int i = 0; i < known->n; i++)
    add_leaves(a, known->atom[i], known->dim[i], &out);
  return out;
}

int atoms_of_axis(Atoms *a, const GraphValue *value, int axis, int out[FACTORS_MAX]) {
  Factors f = atoms_of(a, value);
  int n = 0;
  for (int i = 0; i < f.n; i++)
    if (f.dim[i] == axis) out[n++] = f.atom[i];
  return n;
}

void atom_split(Atoms *a, int atom, int64_t major) {
  unsigned facts = atom_facts(a, atom);
  int64_t size = atom_size(a, atom);
  int first = atom_new(a, major, facts), second = atom_new(a, size / major, facts);
  a->atom[atom].part[0] = first;
  a->atom[atom].part[1] = second;
}

/* States that two atoms of the same size are equal. */
static void atoms_join(Atoms *a, int x, int y) {
  x = atom_same(a, x);
  y = atom_same(a, y);
  if (x == y) return;
  atoms_same_family(a, x, y);
  int family = atom_family(a, x);
  a->atom[y].same = x;
  if (family != y) return;
  /* y represented the family, and does not represent equal atoms any more: x represents both. */
  a->atom[x].family = a->atom[y].family = x;
  a->atom[x].facts = a->atom[y].facts;
}

bool atoms_join_axes(Atoms *a, const GraphValue *v, int axis, const GraphValue *w, int other) {
  for (int guard = 0; guard < 4 * FACTORS_MAX; guard++) {
    int x[FACTORS_MAX], y[FACTORS_MAX], i = 0, k = 0;
    int n = atoms_of_axis(a, v, axis, x), m = atoms_of_axis(a, w, other, y);
    bool again = false;
    while (i < n && k < m && !again) {
      int64_t sx = atom_size(a, x[i]), sy = atom_size(a, y[k]);
      if (sx == sy) {
        atoms_join(a, x[i++], y[k++]);
      } else if (sx == 1) {
        i++;
      } else if (sy == 1) {
        k++;
      } else if (sx > sy ? sx % sy == 0 : sy % sx == 0) {
        atom_split(a, sx > sy ? x[i] : y[k], sx > sy ? sy : sx);
        again = true;
      } else {
        return false;
      }
    }
    if (!again) return true;
  }
  return false;
}

void factors_add(Factors *f, int atom, int dim) {
  if (f->n == FACTORS_MAX) return;
  f->atom[f->n] = atom;
  f->dim[f->n++] = dim;
}

void atoms_keep_axis(Atoms *a, const GraphValue *value, int axis, Factors *out, int to) {
  int atom[FACTORS_MAX], n = atoms_of_axis(a, value, axis, atom);
  for (int i = 0; i < n; i++)
    factors_add(out, atom[i], to);
}

void atoms_mark_axis(Atoms *a, const GraphValue *value, int axis, unsigned facts) {
  int atom[FACTORS_MAX], n = atoms_of_axis(a, value, axis, atom);
  bool wide = false;
  for (int i = 0; i < n; i++)
    wide = wide || atom_size(a, atom[i]) != 1;
  for (int i = 0; i < n; i++)
    if (!wide || atom_size(a, atom[i]) != 1) atom_add_facts(a, atom[i], facts);
}

void atoms_derive_axis(Atoms *a, const GraphValue *value, int axis, int64_t size, unsigned facts,
                       Factors *out, int to) {
  int atom[FACTORS_MAX], n = atoms_of_axis(a, value, axis, atom), largest = -1;
  atoms_mark_axis(a, value, axis, facts);
  for (int i = 0; i < n; i++)
    if (largest < 0 || atom_size(a, atom[i]) > atom_size(a, largest)) largest = atom[i];
  factors_add(out,
              largest >= 0 ? atom_derive(a, largest, size, facts)
                           : atom_new(a, size, facts | FACT_MADE),
              to);
}

void atoms_add(Atoms *a, const GraphNode *node) {
  int n = a->flat->graph->n_values;
  a->factors =
      arena_grow(a->flat->arena, a->factors, &a->cap_values, (size_t)n, sizeof *a->factors);
  for (; a->n_values < n; a->n_values++)
    a->factors[a->n_values] = (Factors){0};
  if (node->n_out) atoms_relate(a, node);
}

static unsigned facts_of_input(const Flat *flat, int input, int axis) {
  return flat->held_axis && flat->held_axis[input] == axis + 1 ? FACT_HELD : 0;
}

Atoms *atoms_solve(Flat *flat) {
  Atoms *a = ARENA_NEW(flat->arena, Atoms);
  a->flat = flat;
  a->n_values = flat->graph->n_values;
  a->cap_values = (size_t)a->n_values + 1;
  a->factors = ARENA_ARRAY(flat->arena, Factors, a->cap_values);
  for (int i = 0; i < flat->graph->n_in; i++) {
    const GraphValue *v = flat->graph->in[i].value;
    for (int axis = 0; axis < flat_type_of(flat, v)->rank; axis++)
      factors_add(&a->factors[v->id],
                  atom_new(a, flat_type_of(flat, v)->dim[axis], facts_of_input(flat, i, axis)),
                  axis);
  }
  for (int i = 0; i < flat->graph->n_nodes; i++)
    if (flat->graph->node[i]->n_out) atoms_relate(a, flat->graph->node[i]);
  return a;
}
