/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which families of atoms are the batch and time. In, the atoms of a flat graph and what the user
 * said; out, their roles, or a question for the user. The operators decide, by what they do along
 * the atoms; the names of axes in the file count only if operators leave several answers. */
#ifndef GRUS_IMPORT_ROLES_H
#define GRUS_IMPORT_ROLES_H

#include "import/lift/atoms.h"

typedef enum TimeWay {
  TIME_WAY_NONE, /* there is no time: the model maps vectors to vectors */
  TIME_WAY_AXIS, /* time is an axis of the graph */
  TIME_WAY_CALLS /* each call of the graph is a step of a stream */
} TimeWay;

typedef struct Roles {
  int batch, time; /* families; -1: there is none */
  TimeWay way;
  /* The family of other sequences, of fixed length, that the graph makes itself, such as a vector
   * that is repeated; -1: there is none. */
  int made;
  /* If each call is a step: the atom of the several rows that one call takes as one step; -1: there
   * is none. */
  int stacked;
  bool time_is_open;         /* an input has a time axis whose length the file leaves open */
  const char *question;      /* a sentence that says what is ambiguous; NULL: nothing is */
  const char *const *choice; /* options of the command line that answer it */
  int n_choices;
} Roles;

/* What the user said, and what is known about states. */
typedef struct RoleHints {
  const char *time_axis; /* the axis that --time NAME=N names; NULL */
  const bool *sized; /* by input of the file, GRAPH_MAX_RANK each: options give the axis a size */
  bool stream;       /* --stream is given */
  bool has_state;    /* some output is an input of the next call */
  const bool *is_state; /* by output, for the first n_outputs: it is such an output */
  int n_outputs;
} RoleHints;

/* graph: the graph of the file, whose inputs have the names and the open sizes of axes.
 * file_input[i] is the number in it of input i of the flat graph, which lacks inputs that --set
 * makes constants. */
Roles roles_solve(Atoms *atoms, const Graph *graph, const int *file_input, const RoleHints *hints);
/* The batch to assume before cells that are written out are recognised: until then, nothing tells a
 * batch of fixed size from features. It is the first axis of an input, if no operator mixes it; -1:
 * there is none. If it is no batch after all, no cell is recognised, or the comparison fails. */
int roles_batch_for_cells(Atoms *atoms, const Roles *roles);

#endif
