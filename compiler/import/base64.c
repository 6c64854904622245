/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "import/base64.h"

#include <string.h>

static int digit_of(char c) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *at = c ? strchr(digits, c) : NULL;
  return at ? (int)(at - digits) : -1;
}

bool base64_read(const char *s, size_t n, uint8_t *out, size_t *len) {
  enum { DIGIT = 6, BYTE = 8 };
  unsigned bits = 0;
  int have = 0;
  bool ended = false;
  *len = 0;
  for (size_t i = 0; i < n; i++) {
    int digit = digit_of(s[i]);
    if (s[i] == '\n') continue;
    ended = ended || s[i] == '=';
    if (s[i] == '=') continue;
    if (digit < 0 || ended) return false;
    bits = bits << DIGIT | (unsigned)digit;
    have += DIGIT;
    if (have < BYTE) continue;
    have -= BYTE;
    out[(*len)++] = (uint8_t)(bits >> have);
  }
  return true;
}
