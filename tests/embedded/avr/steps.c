/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Eight steps of model.h, MODEL_INPUTS to MODEL_UNITS; prints a checksum of the outputs and, on
 * AVR, the cycles of the last step. */
#include "model.h"

#include <stdint.h>

static model_state state;

static uint32_t run(uint32_t *cycles);

#ifdef __AVR__
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>

static volatile uint16_t overflows;
ISR(TIMER1_OVF_vect) {
  overflows++;
}

static void start(void) {
  TCNT1 = 0;
  overflows = 0;
}

static uint32_t passed(void) {
  const uint16_t low = TCNT1;
  return ((uint32_t)overflows << 16) + low;
}

static void print(uint32_t n) {
  char digits[11];
  int i = 0;
  do
    digits[i++] = (char)('0' + (char)(n % 10));
  while (n /= 10);
  digits[i] = ' ';
  for (; i >= 0; i--) {
    while (!(UCSR0A & (1 << UDRE0)))
      ;
    UDR0 = (uint8_t)digits[i];
  }
}

int main(void) {
  uint32_t cycles = 0;
  UCSR0B = 1 << TXEN0;
  TIMSK1 = 1 << TOIE1;
  TCCR1B = 1;
  sei();
  const uint32_t sum = run(&cycles);
  print(sum);
  print(cycles);
  UDR0 = '\n';
  for (volatile uint16_t i = 0; i < 10000; i++) /* until it is sent */
    ;
  cli();
  sleep_enable();
  sleep_mode();
  return 0;
}
#else
#include <stdio.h>

static void start(void) {}
static uint32_t passed(void) {
  return 0;
}

int main(void) {
  uint32_t cycles = 0;
  printf("%lu\n", (unsigned long)run(&cycles));
  return 0;
}
#endif

static uint32_t run(uint32_t *cycles) {
  enum { STEPS = 8 };
  uint32_t seed = 1, sum = 2166136261u;
  model_reset(&state);
  for (int t = 0; t < STEPS; t++) {
    float x[MODEL_INPUTS], y[MODEL_UNITS];
    for (int i = 0; i < MODEL_INPUTS; i++) {
      seed = seed * 1664525u + 1013904223u;
      x[i] = (float)(int16_t)(seed >> 16 & 1023) / 512.0f - 1.0f;
    }
    start();
    model_step(&state, x, y);
    *cycles = passed();
    for (int i = 0; i < MODEL_UNITS; i++)
      sum = (sum ^ (uint32_t)(int32_t)(y[i] * 32768.0f)) * 16777619u;
  }
  return sum;
}
