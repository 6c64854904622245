/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The least image with a model: its state, its inputs, and calls of its functions. */
#include "layer.h"
#include "ports.h"

static layer_state state;
volatile Input in[D];
volatile float out[OUTPUTS];

void image_main(void);
void image_main(void) {
  layer_reset(&state);
  for (;;) {
    Input x[D];
    float y[OUTPUTS];
    for (int i = 0; i < D; i++)
      x[i] = in[i];
    layer_step(&state, x, y);
    for (int i = 0; i < OUTPUTS; i++)
      out[i] = y[i];
  }
}
