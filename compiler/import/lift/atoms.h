/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Axes as products of atoms. In, a flat graph; out, which atoms each axis of each value is made of,
 * and what the operators do along every atom.
 *
 * An atom is an axis, or a factor of an axis that a Reshape splits. Each operator relates the atoms
 * of its operands to those of its results. It may
 *
 *   - keep an atom (elementwise operators, the batch of a layer) or move it (Transpose);
 *   - merge and split atoms (Reshape);
 *   - end an atom (products, reductions);
 *   - derive a new atom from one, with another size (convolutions, slices, pads). Both atoms belong
 *     to one family, and a family has one role (roles.h).
 *
 * Equal sizes do not make atoms equal, and an axis of size 1 is an atom as well. */
#ifndef GRUS_IMPORT_ATOMS_H
#define GRUS_IMPORT_ATOMS_H

#include "import/lift/flat.h"

enum { FACTORS_MAX = 24 };

/* What operators do along a family of atoms. */
enum {
  FACT_SCANNED = 1,    /* a recurrent operator goes along it */
  FACT_BATCHED = 2,    /* it is the batch axis of a recurrent operator */
  FACT_CONVOLVED = 4,  /* a convolution or a pool goes along it */
  FACT_CONTRACTED = 8, /* a product sums over it, so it holds features */
  FACT_MIXED = 16,     /* an operator does not do the same to each position alone: it is no batch */
  FACT_MADE = 32,      /* the graph makes it: the units of a layer, an axis that Unsqueeze adds */
  FACT_BACKWARD = 64,  /* a recurrent operator goes along it backwards, or both ways */
  FACT_ROWS = 128,     /* a call keeps rows of it in front of the rows of the next call */
  FACT_SAMPLED = 256,  /* it is the batch axis of a convolution or a pool */
  FACT_HELD = 512      /* it has the steps of a bounded sequence and the steps after its end */
};

/* The atoms of the axes of a value, in row-major order: atom[i] is a factor of axis dim[i]. */
typedef struct Factors {
  int n;
  int atom[FACTORS_MAX];
  int dim[FACTORS_MAX];
} Factors;

typedef struct Atom {
  int same;    /* union-find of equal atoms: another one, or itself if it represents them */
  int family;  /* union-find of families; valid for atoms that represent equal ones */
  int part[2]; /* the two atoms into which it was split; -1: it was not split */
  int64_t size;
  unsigned facts; /* FACT_* of the family; valid for the atom that represents it */
} Atom;

typedef struct Atoms {
  Flat *flat;
  Atom *atom;
  int n;
  size_t cap;
  Factors *factors; /* by value id */
  int n_values;     /* values whose factors are known */
  size_t cap_values;
} Atoms;

/* The atoms of all values of a flat graph. */
Atoms *atoms_solve(Flat *flat);
/* Adds the atoms of a node that was made since, whose operands have theirs. */
void atoms_add(Atoms *atoms, const GraphNode *node);

/* The atoms of a value. An atom that was split since is replaced by its parts. */
Factors atoms_of(Atoms *atoms, const GraphValue *value);
/* Writes the atoms of one axis, and returns how many there are. */
int atoms_of_axis(Atoms *atoms, const GraphValue *value, int axis, int out[FACTORS_MAX]);
/* The atom that represents all atoms that are equal to this one. */
int atom_same(Atoms *atoms, int atom);
/* The atom that represents the family of this one, which names the family. */
int atom_family(Atoms *atoms, int atom);
/* Unites two families. */
void atoms_same_family(Atoms *atoms, int x, int y);
/* FACT_* of the family of this atom. */
unsigned atom_facts(Atoms *atoms, int atom);
static inline int64_t atom_size(const Atoms *atoms, int atom) {
  return atoms->atom[atom].size;
}

#endif
