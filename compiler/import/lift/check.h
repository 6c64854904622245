/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What check.c, check_input.c and check_late.c share: one trial of the comparison, and where the
 * elements of its tensors are in the model. */
#ifndef GRUS_IMPORT_LIFT_CHECK_H
#define GRUS_IMPORT_LIFT_CHECK_H

#include "import/lift/lift.h"

/* Which steps hold the number that the graph looks for. */
typedef enum Holes { HOLES_NONE, HOLES_BEFORE, HOLES_AFTER, HOLES_BETWEEN, HOLES_ALL } Holes;

/* One trial: graph and model are computed on the same random inputs. */
typedef struct Trial {
  int64_t batch, steps; /* how many samples there are, and how many steps in each call */
  int calls;
  int64_t real; /* of a bounded sequence, the number of steps that are no padding; 0: all */
  bool steady;  /* all steps have the same large numbers, so that clips and limits act */
  Holes holes;
} Trial;

/* Where an element of a graph tensor is in the model. */
typedef struct ElementPlace {
  int64_t sample, step;
  int64_t feature; /* its place among the features of a step */
  int64_t rest;    /* its place in the sample, with the axes in the order of the graph */
} ElementPlace;

typedef struct Comparison {
  Lift *l;
  Arena *arena;         /* the memory of one trial */
  uint64_t random;      /* the state of the random numbers */
  int64_t batch, steps; /* the sizes of the batch and of time in this trial; 0: as flattened */
  double worst;         /* the largest difference so far */
  int runs;             /* trials that are done */
  GraphLimits limits;
  int64_t inputs; /* elements of inputs that this trial may still have */
  int64_t more;   /* steps of zeros that a stream gets after those of the file */
} Comparison;

/* out[e] gets the place of element e of a tensor whose axes are those of `value`. */
void check_spots(const Comparison *c, const GraphValue *value, const GraphTensor *tensor,
                 ElementPlace *out);
/* Whether `value` has an axis of time. */
bool check_has_time(const Comparison *c, const GraphValue *value);
/* How many steps that axis has in the flat graph. */
int64_t check_steps(const Comparison *c, const GraphValue *value);
/* How many steps of zeros a stream needs after those of the file until it gives what the file gives
 * once for all steps. With a stride the last value of the file may need fewer steps than the call
 * in which a stream gives it: of 21 steps, a kernel of 3 with stride 2 makes the last of 10 values,
 * and a stream gives it after 22. */
int64_t check_more_steps(const Comparison *c, const Trial *trial);
/* The largest number of steps from one value of an output of a stream to the next; 1 of others. */
int64_t check_period(const Lift *l);
/* Whether `value` has a batch axis. If not, its numbers are the same for all samples. */
bool check_has_batch(const Comparison *c, const GraphValue *value);
/* Random numbers for flat input `number` in one call. port: the input of the model that it became,
 * or NULL. */
const GraphTensor *check_input(Comparison *c, const Trial *trial, int number, const Port *port);

#endif
