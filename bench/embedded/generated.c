/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The candidate grus made. */
#include "candidate.h"
#include "model.h"

static model_state state;

void candidate_reset(void) {
  model_reset(&state);
}

void candidate_step(const float *x, float *y) {
  model_step(&state, x, y);
}
