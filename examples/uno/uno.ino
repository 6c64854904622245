// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Steps a GRU of 16 units and prints the microseconds that each step takes.
#include "gru.h"

static gru_state state;

void setup() {
  Serial.begin(115200);
  gru_reset(&state);
}

void loop() {
  const float x[3] = {analogRead(A0) / 512.0f - 1.0f, analogRead(A1) / 512.0f - 1.0f,
                      analogRead(A2) / 512.0f - 1.0f};
  float y[16];
  const unsigned long before = micros();
  gru_step(&state, x, y);
  Serial.println(micros() - before);
}
