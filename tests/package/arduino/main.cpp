// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// setup, then loop until something was printed, as a board would go on for ever.
#include "Arduino.h"

Serial_ Serial;

int main() {
  setup();
  for (int i = 0; i < 100 && std::ftell(stdout) <= 0; i++) {
    loop();
    std::fflush(stdout);
  }
}
