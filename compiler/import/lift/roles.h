/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which atoms are the batch and which are time, from what the operators do along them; symbolic
 * names only break ties. What stays open is asked for. */
#ifndef GRUS_IMPORT_ROLES_H
#define GRUS_IMPORT_ROLES_H

#include "import/lift/atoms.h"

typedef enum TimeWay {
  TIME_WAY_NONE, /* vectors */
  TIME_WAY_AXIS, /* an axis of the graph */
  TIME_WAY_CALLS /* a call of the graph is a step of a stream */
} TimeWay;

typedef struct Roles {
  int batch, time; /* families; -1: none */
  TimeWay way;
  int made; /* the family of sequences that the graph makes besides time, of fixed lengths: a vector
               that is repeated; -1: none */
  int stacked; /* where a call is a step: the atom of several rows that a call takes and makes one
                  of; -1: none */
  bool time_is_open;         /* an input has a time axis whose length the file leaves open */
  const char *question;      /* what the facts leave open, as a sentence; NULL: nothing */
  const char *const *choice; /* options that answer it, ready to paste */
  int n_choices;
} Roles;

/* What the user said, and what else is known. */
typedef struct RoleHints {
  const char *time_axis; /* --time NAME=...: the symbol of an axis; NULL */
  bool stream;           /* --stream */
  bool has_state;        /* outputs come back as inputs */
  const bool *is_state;  /* by output, the first n_outputs: it does */
  int n_outputs;
} RoleHints;

/* input: the file's own, whose symbols and open sizes are asked; flat inputs stand in the same
 * order, those that are constants left out: file_input[i] is the number of flat input i in the
 * file. */
Roles roles_solve(Atoms *atoms, const Graph *graph, const int *file_input, const RoleHints *hints);
/* The batch for cells that are written out: before one is found, nothing tells a batch of fixed
 * size from features. The first axis of an input that no operator mixes, -1: none. Where that is no
 * batch, the cell is not found or the comparison fails. */
int roles_batch_for_cells(Atoms *atoms, const Roles *roles);

#endif
