/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which precision each layer gets. The errors of layers add up, so the choice is a knapsack: every
 * choice has the noise that it adds to the outputs, as a share of their power, and a cost in bytes.
 * Layers of one text, such as those of a block that is used twice, are one group. */
#ifndef GRUS_MODEL_MIXTURE_H
#define GRUS_MODEL_MIXTURE_H

#include "model/graph/model.h"

enum { MIXTURE_MOST = 5 }; /* i8, w8, i16, i16x16, f32 */

typedef struct MixtureChoice {
  Precision precision;
  double noise, cost;
} MixtureChoice;

typedef struct MixtureGroup {
  MixtureChoice choice[MIXTURE_MOST]; /* from the cheapest on */
  int n;                              /* one at least */
  int chosen;                         /* set by mixture_choose */
} MixtureGroup;

/* Begins with the cheapest everywhere, raises what saves most noise per byte until the sum of the
 * noise is at most `noise` (0: as little as the cost allows), then lowers what the sum does not
 * need. The cost stays at most `cost` (INFINITY: no limit). False if the bounds cannot be met; the
 * choices are then the best that were found. */
bool mixture_choose(MixtureGroup *group, int n, double noise, double cost);
double mixture_noise(const MixtureGroup *group, int n);
double mixture_cost(const MixtureGroup *group, int n);

#endif
