/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The knapsack of precisions; see mixture.h. */
#include "model/quant/mixture.h"

#include <math.h>

/* The divisor for a choice that costs nothing more: it is taken before all that cost something. */
static const double LEAST_COST = 1e-3;

typedef struct Move {
  int group, to;
  double gain; /* negative: no move */
} Move;

double mixture_noise(const MixtureGroup *group, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++)
    sum += group[i].choice[group[i].chosen].noise;
  return sum;
}

double mixture_cost(const MixtureGroup *group, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++)
    sum += group[i].choice[group[i].chosen].cost;
  return sum;
}

/* The rise that saves most noise per byte, of those that cost at most `room` bytes more. */
static Move best_rise(const MixtureGroup *group, int n, double room) {
  Move best = {.gain = -1};
  for (int i = 0; i < n; i++) {
    const MixtureChoice *now = &group[i].choice[group[i].chosen];
    for (int k = group[i].chosen + 1; k < group[i].n; k++) {
      double saved = now->noise - group[i].choice[k].noise;
      double added = group[i].choice[k].cost - now->cost;
      if (saved <= 0 || added > room) continue;
      double gain = saved / fmax(added, LEAST_COST);
      if (gain > best.gain) best = (Move){i, k, gain};
    }
  }
  return best;
}

/* The fall that saves most bytes, of those that add at most `room` of noise. */
static Move best_fall(const MixtureGroup *group, int n, double room) {
  Move best = {.gain = 0};
  for (int i = 0; i < n; i++) {
    const MixtureChoice *now = &group[i].choice[group[i].chosen];
    for (int k = 0; k < group[i].chosen; k++) {
      double saved = now->cost - group[i].choice[k].cost;
      double added = group[i].choice[k].noise - now->noise;
      if (added <= room && saved > best.gain) best = (Move){i, k, saved};
    }
  }
  return best;
}

bool mixture_choose(MixtureGroup *group, int n, double noise, double cost) {
  for (int i = 0; i < n; i++)
    group[i].chosen = 0;
  for (;;) {
    if (noise > 0 && mixture_noise(group, n) <= noise) break;
    Move rise = best_rise(group, n, cost - mixture_cost(group, n));
    if (rise.gain < 0) break;
    group[rise.group].chosen = rise.to;
  }
  bool quiet = noise <= 0 || mixture_noise(group, n) <= noise;
  while (noise > 0 && quiet) {
    Move fall = best_fall(group, n, noise - mixture_noise(group, n));
    if (fall.gain <= 0) break;
    group[fall.group].chosen = fall.to;
  }
  return quiet && mixture_cost(group, n) <= cost;
}
