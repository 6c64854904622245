/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* How an operator relates the axes that it reads to those that it makes (relate.c), and what it
 * says so with (atoms.c). relate.c chooses by operator; relate_moves.c and relate_products.c have
 * families of them. */
#ifndef GRUS_IMPORT_RELATE_H
#define GRUS_IMPORT_RELATE_H

#include "import/lift/atoms.h"

/* Gives the results of a node their factors; its operands have theirs. */
void atoms_relate(Atoms *a, const GraphNode *node);

bool atoms_constant(const Atoms *a, const GraphValue *value);
int atoms_rank(const Atoms *a, const GraphValue *value);
int64_t atoms_dim(const Atoms *a, const GraphValue *value, int axis);

/* Families of operators. out: the factors of the first result. */
/* Axes whose length changed, or that `touched` names, are derived; the others are kept. */
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

int atom_new(Atoms *a, int64_t size, unsigned facts);
void atom_add_facts(Atoms *a, int atom, unsigned facts);
/* Splits a leaf into a major part of this size and the rest. */
void atom_split(Atoms *a, int atom, int64_t major);
/* Two axes are the same axis. False where their factors do not fit one another. */
bool atoms_join_axes(Atoms *a, const GraphValue *v, int axis, const GraphValue *w, int other);
/* Two positions of an axis have different numbers. */
bool tensor_varies_along(const GraphTensor *t, int axis);
void factors_add(Factors *f, int atom, int dim);
/* The factors of axis `axis` of value become those of axis `to`. */
void atoms_keep_axis(Atoms *a, const GraphValue *value, int axis, Factors *out, int to);
/* A fact about an axis is one about its factors; those of size 1 beside others are not meant. */
void atoms_mark_axis(Atoms *a, const GraphValue *value, int axis, unsigned facts);
/* An axis of another length made of one: it stays in the family of its largest factor. */
void atoms_derive_axis(Atoms *a, const GraphValue *value, int axis, int64_t size, unsigned facts,
                       Factors *out, int to);

#endif
