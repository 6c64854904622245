/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which precision each layer gets. In: for each group of layers its choices, with the noise that
 * each adds to the outputs, as a share of their power, and its cost in bytes. Out: one choice for
 * each group. The noises of layers add up, so this is a knapsack. Layers that stand at one place of
 * the source, such as those of a block that is used twice, are one group. */
#ifndef GRUS_MODEL_MIXTURE_H
#define GRUS_MODEL_MIXTURE_H

#include "model/graph/model.h"

enum { MIXTURE_MOST = 5 }; /* i8, w8, i16, i16x16, f32 */

typedef struct MixtureChoice {
  Precision precision;
  double noise, cost;
} MixtureChoice;

typedef struct MixtureGroup {
  MixtureChoice choice[MIXTURE_MOST]; /* the cheapest first */
  int n;                              /* how many choices: at least one */
  int chosen;                         /* set by mixture_choose */
} MixtureGroup;

/* Begins with the cheapest choice of every group. Then it raises the group that saves most noise
 * per byte until the sum of the noises is at most `noise` (0: as small as the cost allows). Then it
 * lowers groups as far as the sum stays within `noise`. The cost stays at most `cost` (INFINITY: no
 * limit). False if the bounds cannot be met; then the choices are the best that were found. */
bool mixture_choose(MixtureGroup *group, int n, double noise, double cost);
/* The sums over the chosen precisions. */
double mixture_noise(const MixtureGroup *group, int n);
double mixture_cost(const MixtureGroup *group, int n);

#endif
