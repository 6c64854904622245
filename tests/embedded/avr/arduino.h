/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The few names of Arduino that the example's sketch uses, on the bare ATmega328P: loop runs three
 * times. micros counts cycles by timer 1. */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <stdint.h>

enum { A0, A1, A2 };

static volatile uint16_t overflows;
ISR(TIMER1_OVF_vect) {
  overflows++;
}

static unsigned long micros() {
  const uint16_t low = TCNT1;
  return (((unsigned long)overflows << 16) + low) / 16;
}

static int analogRead(int pin) {
  static int read = 0;
  return (read = (read * 5 + pin + 77) & 1023);
}

static void put(char c) {
  while (!(UCSR0A & (1 << UDRE0)))
    ;
  UDR0 = (uint8_t)c;
}

static struct {
  void begin(unsigned long) { UCSR0B = 1 << TXEN0; }
  void println(unsigned long n) {
    char digits[10];
    int i = 0;
    do
      digits[i++] = (char)('0' + n % 10);
    while (n /= 10);
    while (i)
      put(digits[--i]);
    put('\n');
  }
} Serial;

void setup();
void loop();

int main() {
  TIMSK1 = 1 << TOIE1;
  TCCR1B = 1;
  sei();
  setup();
  for (int i = 0; i < 3; i++)
    loop();
  cli();
  sleep_enable();
  sleep_mode();
  for (;;)
    ;
}
