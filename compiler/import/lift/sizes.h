/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Open sizes and the wished length, between lift.c and sizes.c. */
#ifndef GRUS_IMPORT_SIZES_H
#define GRUS_IMPORT_SIZES_H

#include "import/lift/lift.h"

enum { OPEN_MAX = 16 };

/* Axes of the file without a size: by symbol, or each its own. */
typedef struct OpenAxis {
  const char *symbol; /* NULL: it has none */
  int input, axis;
  int64_t size, own; /* own: in the file, which an option opened; 0 */
  bool set;          /* by the user */
  bool learned;      /* from an output that comes back */
} OpenAxis;

typedef struct Sizes {
  OpenAxis open[OPEN_MAX];
  int n;
  FlatSize *size;
} Sizes;

/* What --time says. */
typedef struct TimeWish {
  const char *axis; /* the symbol it names; NULL */
  const char *name; /* of a bounded length; NULL */
  int64_t n;        /* 0: not given */
  bool bounded;
} TimeWish;

/* wish.c: false after reporting. */
bool time_wish(Lift *l, TimeWish *out);

/* The open axes of all inputs. False after reporting. */
bool sizes_find(Lift *l, Sizes *s);
/* Flattens at sizes that fit. False after reporting. */
bool sizes_try(Lift *l, Sizes *s, const TimeWish *wish);
/* Flattens at these sizes and finds atoms, states and roles. False after reporting. */
bool sizes_analyse(Lift *l, Sizes *s, const TimeWish *wish);
/* Atoms and roles of a flat graph that was changed. */
void sizes_solve_again(Lift *l, const TimeWish *wish);

/* ---- masks.c ---- */
typedef enum MaskResult {
  MASKS_DONE,
  MASKS_FAILED,     /* after reporting */
  MASKS_COUNT_STEPS /* the flat graph has to have as many steps as the bound, for some stages count
                       them */
} MaskResult;
/* Takes masks out of the flat graph where they become the length of bounded sequences. */
MaskResult lift_masks(Lift *l, const TimeWish *wish);

/* What is kept is kept for the next call: there is no sequence with an end. */
bool lift_is_endless(const Lift *l, const TimeWish *wish);

#endif
