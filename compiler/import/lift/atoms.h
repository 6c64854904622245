/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Axes as products of atoms. In, a flat graph; out, for each of its values which atoms each axis is
 * made of, and what the operators do along every atom.
 *
 * An atom is an axis, or a factor of one that a Reshape splits. Operators relate the atoms of what
 * they read to those of what they make: equal (elementwise, mapped axes), merged and split
 * (Reshape), moved (Transpose), removed (contracted, reduced), or made anew from one (convolved,
 * sliced, padded): then both belong to one family, which has one role. Sizes prove nothing: an axis
 * of size 1 is an atom as well. */
#ifndef GRUS_IMPORT_ATOMS_H
#define GRUS_IMPORT_ATOMS_H

#include "import/lift/flat.h"

enum { FACTORS_MAX = 24 };

/* What operators do along a family of atoms. */
enum {
  FACT_SCANNED = 1,    /* a recurrent operator goes along it */
  FACT_BATCHED = 2,    /* it stands where a recurrent operator has its batch */
  FACT_CONVOLVED = 4,  /* a convolution or a pool goes along it */
  FACT_CONTRACTED = 8, /* features: summed with weights */
  FACT_MIXED = 16,     /* its positions are not all treated alike and apart: it is no batch */
  FACT_MADE = 32,      /* made by the graph: units of a layer, taps, an axis that Unsqueeze adds */
  FACT_BACKWARD = 64,  /* a recurrent operator goes along it backwards or both ways */
  FACT_SAMPLED = 256,  /* it stands where a convolution or a pool has its batch */
  FACT_HELD = 512,     /* steps of a bounded sequence and those after its end */
  FACT_ROWS =
      128 /* steps of a stream: rows of calls before are kept in front of those of this one */
};

/* The axes of a value, in row-major order: atom[i] is a factor of axis dim[i]. */
typedef struct Factors {
  int n;
  int atom[FACTORS_MAX];
  int dim[FACTORS_MAX];
} Factors;

typedef struct Atom {
  int same;    /* union-find: equal atoms */
  int family;  /* union-find, by the representative of `same` */
  int part[2]; /* it was split into these; -1: it was not */
  int64_t size;
  unsigned facts; /* of the family, at its representative */
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

Atoms *atoms_solve(Flat *flat);
/* The same for a node that was added since; its operands are known. */
void atoms_add(Atoms *atoms, const GraphNode *node);

/* The atoms of a value as they are now, splits resolved. */
Factors atoms_of(Atoms *atoms, const GraphValue *value);
/* Those of one axis; returns how many. */
int atoms_of_axis(Atoms *atoms, const GraphValue *value, int axis, int out[FACTORS_MAX]);
int atom_same(Atoms *atoms, int atom);              /* the representative of equal atoms */
int atom_family(Atoms *atoms, int atom);            /* of a family */
void atoms_same_family(Atoms *atoms, int x, int y); /* as the format says, not the operators */
unsigned atom_facts(Atoms *atoms, int atom);
static inline int64_t atom_size(const Atoms *atoms, int atom) {
  return atoms->atom[atom].size;
}

#endif
