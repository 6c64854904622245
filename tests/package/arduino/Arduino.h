/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a sketch of a package uses of Arduino, on this machine. */
#ifndef ARDUINO_H
#define ARDUINO_H

#include <cstdint>
#include <cstdio>

struct Serial_ {
  void begin(long) {}
  template <class T> void println(T value) { std::printf("%g\n", static_cast<double>(value)); }
};
extern Serial_ Serial;
void setup();
void loop();

#endif
