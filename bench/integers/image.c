/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The least image with a model: its state, its inputs, and calls of its functions. */
#include "layer.h"

static layer_state state;
volatile float in[D], out[H];

void image_main(void);
void image_main(void) {
  layer_reset(&state);
  for (;;) {
    float x[D], y[H];
    for (int i = 0; i < D; i++)
      x[i] = in[i];
    layer_step(&state, x, y);
    for (int i = 0; i < H; i++)
      out[i] = y[i];
  }
}
