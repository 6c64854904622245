/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Damaged copies of files; see mutate.h. */
#include "mutate.h"

#include <string.h>

const char *const damage_name[DAMAGES] = {"cut", "bit", "bits", "run", "number", "swap", "longer"};

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t next(uint64_t *state) {
  uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
  z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
  return z ^ z >> 31;
}

static size_t below(uint64_t *state, size_t n) {
  return n ? (size_t)(next(state) % n) : 0;
}

static int zeros_near(const uint8_t *data, size_t len, size_t at) {
  int zeros = 0;
  for (size_t i = at < 16 ? 0 : at - 16; i < at + 16 && i < len; i++)
    zeros += data[i] == 0;
  return zeros;
}

/* A place where a file says how it is built, more often than chance: trained numbers have few zero
 * bytes, headers and tables have many. In texts any place. */
static size_t place(uint64_t *state, const uint8_t *data, size_t len) {
  size_t best = below(state, len);
  for (int i = 0; i < 6; i++) {
    size_t at = below(state, len);
    if (zeros_near(data, len, at) > zeros_near(data, len, best)) best = at;
  }
  return best;
}

static void swap_blocks(uint64_t *state, uint8_t *out, size_t len) {
  size_t size = 1 + below(state, len / 4 < 512 ? len / 4 : 512), a = place(state, out, len - size),
         b = below(state, len - size);
  for (size_t i = 0; i < size; i++) {
    uint8_t byte = out[a + i];
    out[a + i] = out[b + i];
    out[b + i] = byte;
  }
}

/* Limits of the numbers that files hold, in 1, 2, 4 or 8 bytes. */
static void write_number(uint64_t *state, uint8_t *out, size_t len) {
  static const uint64_t numbers[] = {0,          1,          2,          0x7F,
                                     0x80,       0xFF,       0x7FFF,     0xFFFF,
                                     0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, UINT64_C(1) << 40,
                                     INT64_MAX,  UINT64_MAX};
  uint64_t number = numbers[below(state, sizeof numbers / sizeof *numbers)];
  size_t at = place(state, out, len), bytes = (size_t)1 << below(state, 4);
  for (size_t i = 0; i < bytes && at + i < len; i++)
    out[at + i] = (uint8_t)(number >> 8 * i);
}

static void write_run(uint64_t *state, uint8_t *out, size_t len) {
  size_t at = place(state, out, len), bytes = 1 + below(state, 64), kind = below(state, 4);
  for (size_t i = at; i < at + bytes && i < len; i++)
    out[i] = kind == 0 ? 0 : kind == 1 ? 0xFF : kind == 2 ? '0' : (uint8_t)next(state);
}

static size_t lengthen(uint64_t *state, uint8_t *out, size_t len) {
  size_t more = 1 + below(state, MUTATE_MORE);
  for (size_t i = 0; i < more; i++)
    out[len + i] = (uint8_t)next(state);
  return len + more;
}

size_t mutate(const uint8_t *data, size_t len, uint64_t seed, unsigned number, uint8_t *out,
              Damage *damage) {
  uint64_t state = seed + number * UINT64_C(0xD1342543DE82EF95);
  memcpy(out, data, len);
  *damage = len < 8 ? CUT : (Damage)(number % DAMAGES);
  switch (*damage) {
  case CUT: return number == 0 && len ? len - 1 : below(&state, len);
  case BIT:
  case BITS:
    for (size_t n = *damage == BIT ? 1 : 2 + below(&state, 14); n; n--)
      out[place(&state, data, len)] ^= (uint8_t)(1U << below(&state, 8));
    return len;
  case RUN: write_run(&state, out, len); return len;
  case NUMBER: write_number(&state, out, len); return len;
  case SWAP: swap_blocks(&state, out, len); return len;
  case LONGER: return lengthen(&state, out, len);
  case DAMAGES: break;
  }
  return len;
}
