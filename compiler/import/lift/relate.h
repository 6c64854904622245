/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* How an operator relates the axes of its operands to those of its results. relate.c has a case for
 * each operator, relate_moves.c and relate_products.c have the rules of families of operators, and
 * atoms.c has the functions with which they state what they know. */
#ifndef GRUS_IMPORT_RELATE_H
#define GRUS_IMPORT_RELATE_H

#include "import/lift/atoms.h"

/* Gives the results of a node their factors. Its operands have theirs. */
void atoms_relate(Atoms *a, const GraphNode *node);

/* Whether a value is a constant; the number of its axes; the size of one of them. */
bool atoms_constant(const Atoms *a, const GraphValue *value);
int atoms_rank(const Atoms *a, const GraphValue *value);
int64_t atoms_dim(const Atoms *a, const GraphValue *value, int axis);

/* Rules of families of operators. out: the factors of the first result, which the rule adds. */
/* Derives the axes whose size changes, and those whose bit is set in `touched`. Keeps the others.
 */
void relate_along(Atoms *a, const GraphNode *node, unsigned touched, unsigned facts, Factors *out);
void relate_regroup(Atoms *a, const GraphNode *node, Factors *out);
void relate_unit_axes(Atoms *a, const GraphNode *node, Factors *out);
void relate_transpose(Atoms *a, const GraphNode *node, Factors *out);
void relate_expand(Atoms *a, const GraphNode *node, Factors *out);
void relate_concat(Atoms *a, const GraphNode *node, Factors *out);
void relate_gather(Atoms *a, const GraphNode *node, Factors *out);
void relate_matmul(Atoms *a, const GraphNode *node, Factors *out);
void relate_attention(Atoms *a, const GraphNode *node, Factors *out);
void relate_windows(Atoms *a, const GraphNode *node, bool channels, Factors *out);
void relate_recurrent(Atoms *a, const GraphNode *node);
void relate_state(Atoms *a, const GraphNode *node, Factors *out);
void relate_keep(Atoms *a, const GraphNode *node);
void relate_hold(Atoms *a, const GraphNode *node, Factors *out);
void relate_cut(Atoms *a, const GraphNode *node, Factors *out);

/* A new atom in a family of its own. */
int atom_new(Atoms *a, int64_t size, unsigned facts);
/* Adds facts to the family of an atom. */
void atom_add_facts(Atoms *a, int atom, unsigned facts);
/* Splits an atom that has no parts into one of size `major` and, after it, the rest. */
void atom_split(Atoms *a, int atom, int64_t major);
/* States that two axes are the same axis. False: the sizes of their factors do not fit. */
bool atoms_join_axes(Atoms *a, const GraphValue *v, int axis, const GraphValue *w, int other);
/* All elements are the same number, and there is one. */
bool tensor_is_one_number(const GraphTensor *t);
/* Whether two positions of an axis have different numbers. */
bool tensor_varies_along(const GraphTensor *t, int axis);
/* Adds an atom to axis `dim`. */
void factors_add(Factors *f, int atom, int dim);
/* Axis `to` of the result is axis `axis` of `value`. */
void atoms_keep_axis(Atoms *a, const GraphValue *value, int axis, Factors *out, int to);
/* Adds facts to the factors of an axis. If one has several positions, those of size 1 get none. */
void atoms_mark_axis(Atoms *a, const GraphValue *value, int axis, unsigned facts);
/* Axis `to` of the result is made from axis `axis` of `value` and has another size. It belongs to
 * the family of the largest factor of that axis, which gets the facts too. */
void atoms_derive_axis(Atoms *a, const GraphValue *value, int axis, int64_t size, unsigned facts,
                       Factors *out, int to);

#endif
