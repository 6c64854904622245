/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The knapsack of precisions, against every combination of choices. */
#include "model/quant/mixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { GROUPS = 5, CHOICES = 3 };

/* Five layers: noise falls and cost rises with each choice, by other factors in each. */
static void fill(MixtureGroup *group) {
  static const double noise[GROUPS] = {1e-4, 3e-5, 8e-4, 1e-6, 2e-4};
  static const double bytes[GROUPS] = {600, 5000, 40, 900, 1200};
  static const Precision order[CHOICES] = {PRECISION_I8, PRECISION_I16, PRECISION_I16X16};
  for (int g = 0; g < GROUPS; g++) {
    group[g] = (MixtureGroup){.n = CHOICES};
    for (int k = 0; k < CHOICES; k++)
      group[g].choice[k] = (MixtureChoice){.precision = order[k],
                                           .noise = noise[g] * pow(10 + g, -k),
                                           .cost = bytes[g] * (k == 2 ? 2 : 1)};
  }
}

/* The least cost of all combinations that are quiet enough; INFINITY: none is. */
static double least_cost(MixtureGroup *group, double noise) {
  double least = INFINITY;
  for (int code = 0; code < 243; code++) { /* 3^GROUPS */
    for (int g = 0, rest = code; g < GROUPS; g++, rest /= CHOICES)
      group[g].chosen = rest % CHOICES;
    if (mixture_noise(group, GROUPS) <= noise) least = fmin(least, mixture_cost(group, GROUPS));
  }
  return least;
}

static void reaches_the_floor(void **state) {
  (void)state;
  MixtureGroup group[GROUPS];
  fill(group);
  for (double noise = 1e-6; noise < 1e-2; noise *= 1.7) {
    double least = least_cost(group, noise);
    bool met = mixture_choose(group, GROUPS, noise, INFINITY);
    assert_int_equal(met, least < INFINITY);
    if (!met) continue;
    assert_true(mixture_noise(group, GROUPS) <= noise);
    assert_true(mixture_cost(group, GROUPS) <= 1.25 * least); /* greedy, not exact */
    for (int g = 0; g < GROUPS; g++) /* and no single layer can be cheaper */
      for (int k = 0; k < group[g].chosen; k++) {
        const MixtureChoice *now = &group[g].choice[group[g].chosen], *then = &group[g].choice[k];
        double after = mixture_noise(group, GROUPS) - now->noise + then->noise;
        assert_true(then->cost >= now->cost || after > noise);
      }
  }
}

static void stays_in_the_budget(void **state) {
  (void)state;
  MixtureGroup group[GROUPS];
  fill(group);
  double before = INFINITY;
  for (double budget = 7740; budget < 17000; budget += 500) {
    assert_true(mixture_choose(group, GROUPS, 0, budget));
    assert_true(mixture_cost(group, GROUPS) <= budget);
    assert_true(mixture_noise(group, GROUPS) <= before * (1 + 1e-9));
    before = mixture_noise(group, GROUPS);
  }
  assert_false(mixture_choose(group, GROUPS, 0, 7739));
  assert_false(mixture_choose(group, GROUPS, 1e-9, INFINITY));
}

/* A wider form that is noisier by chance is not taken. */
static void takes_no_worse_form(void **state) {
  (void)state;
  MixtureGroup one = {.choice = {{PRECISION_I16, 1e-5, 10}, {PRECISION_I16X16, 2e-5, 20}}, .n = 2};
  mixture_choose(&one, 1, 0, INFINITY);
  assert_int_equal(one.chosen, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reaches_the_floor),
      cmocka_unit_test(stays_in_the_budget),
      cmocka_unit_test(takes_no_worse_form),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
