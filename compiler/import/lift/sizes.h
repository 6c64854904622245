/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Axes of inputs whose size the file leaves open, and the length that --time asks for: what lift.c,
 * sizes.c, wish.c and masks.c share. */
#ifndef GRUS_IMPORT_SIZES_H
#define GRUS_IMPORT_SIZES_H

#include "import/lift/lift.h"

enum { OPEN_MAX = 16 };

/* An open axis. All axes with the same symbol are one. */
typedef struct OpenAxis {
  const char *symbol; /* its name in the file; NULL: it has none */
  int input, axis;    /* the first axis of this name */
  int64_t size;       /* the size with which the graph is flattened */
  int64_t own;        /* its size in the file, if an option opened it; 0 */
  bool set;           /* the user gave the size */
  bool learned;       /* no other size fits the graph */
} OpenAxis;

typedef struct Sizes {
  OpenAxis open[OPEN_MAX];
  int n;
  FlatSize *size;
} Sizes;

/* What --time says. */
typedef struct TimeWish {
  const char *axis; /* the axis that it names; NULL */
  const char *name; /* the name of the length, if it is bounded; NULL */
  int64_t n;        /* the length or its bound; 0: there is no --time */
  bool bounded;
} TimeWish;

/* wish.c: reads --time. False after reporting. */
bool time_wish(Lift *l, TimeWish *out);

/* Finds the open axes of all inputs. False after reporting. */
bool sizes_find(Lift *l, Sizes *s);
/* Tries sizes for the open axes until the graph can be analysed with them. False after reporting.
 */
bool sizes_try(Lift *l, Sizes *s, const TimeWish *wish);
/* Flattens the graph at the sizes in `s`, and finds atoms, states and roles. False after reporting.
 */
bool sizes_analyse(Lift *l, Sizes *s, const TimeWish *wish);
/* Finds the atoms and the roles again, after the flat graph changed. */
void sizes_solve_again(Lift *l, const TimeWish *wish);

/* ---- masks.c ---- */
typedef enum MaskResult {
  MASKS_DONE,
  MASKS_FAILED,     /* after reporting */
  MASKS_COUNT_STEPS /* some stages read masked steps, so the flat graph must have as many steps as
                       the bound: flatten it anew and call again */
} MaskResult;
/* Whether steps of an input that hold a certain number are masked, as Keras masks them. */
bool lift_has_padding(const Lift *l);
/* If sequences are bounded: removes masks from the flat graph, because they become the length. */
MaskResult lift_masks(Lift *l, const TimeWish *wish);

/* Whether states are kept for the next call, so that no sequence has an end. */
bool lift_is_endless(const Lift *l, const TimeWish *wish);

#endif
