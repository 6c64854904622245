/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The decoder of deflate (RFC 1951). A program made from a model links only libc, so it has its
 * own. It reads codes bit by bit, which is fast enough for files of inputs. */
#include "host_posix.h"

#include "host_inflate.h"

#include <string.h>

enum {
  INFLATE_BITS = 15,
  INFLATE_LITERALS = 288,
  INFLATE_DISTANCES = 30,
  INFLATE_LENGTHS = 19,
  INFLATE_END = 256
};

typedef struct Inflate {
  const unsigned char *from;
  size_t length, at;
  unsigned char *to;
  size_t room, done;
  uint32_t bits; /* bits that were read and not used yet, the first one lowest */
  unsigned n_bits;
  bool failed; /* the data is wrong, ends too early, or gives too many bytes */
} Inflate;

/* A canonical Huffman code: how many symbols have each length, and the symbols in order. */
typedef struct InflateCode {
  uint16_t count[INFLATE_BITS + 1];
  uint16_t symbol[INFLATE_LITERALS];
} InflateCode;

static unsigned inflate_bits(Inflate *z, unsigned n) {
  while (z->n_bits < n) {
    if (z->at == z->length) {
      z->failed = true;
      return 0;
    }
    z->bits |= (uint32_t)z->from[z->at++] << z->n_bits;
    z->n_bits += 8;
  }
  unsigned value = (unsigned)(z->bits & ((UINT32_C(1) << n) - 1));
  z->bits >>= n;
  z->n_bits -= n;
  return value;
}

/* Reads a symbol. Symbols of one length have consecutive codes, which begin after those of the
 * shorter ones. */
static unsigned inflate_symbol(Inflate *z, const InflateCode *code) {
  unsigned value = 0, first = 0, index = 0;
  for (int length = 1; length <= INFLATE_BITS && !z->failed; length++) {
    value |= inflate_bits(z, 1);
    unsigned count = code->count[length];
    if (value < first + count) return code->symbol[index + (value - first)];
    index += count;
    first = (first + count) << 1;
    value <<= 1;
  }
  z->failed = true;
  return INFLATE_END;
}

/* Makes the code in which symbol i has length[i]; false if there are more symbols of a length than
 * codes.
 */
static bool inflate_code(InflateCode *code, const unsigned char *length, unsigned n) {
  uint16_t at[INFLATE_BITS + 1] = {0};
  int left = 1;
  memset(code, 0, sizeof *code);
  for (unsigned i = 0; i < n; i++)
    code->count[length[i]]++;
  code->count[0] = 0;
  for (int i = 1; i <= INFLATE_BITS; i++) {
    left = 2 * left - code->count[i];
    if (left < 0) return false;
  }
  for (int i = 1; i < INFLATE_BITS; i++)
    at[i + 1] = (uint16_t)(at[i] + code->count[i]);
  for (unsigned i = 0; i < n; i++)
    if (length[i]) code->symbol[at[length[i]]++] = (uint16_t)i;
  return true;
}

static void inflate_stored(Inflate *z) {
  z->bits = 0;
  z->n_bits = 0; /* the rest of a byte */
  size_t left = z->length - z->at;
  if (left < 4) {
    z->failed = true;
    return;
  }
  const unsigned char *head = z->from + z->at;
  unsigned n = head[0] | (unsigned)head[1] << 8, inverse = head[2] | (unsigned)head[3] << 8;
  z->failed = (n ^ inverse) != 0xffff || left - 4 < n || z->room - z->done < n;
  if (z->failed) return;
  memcpy(z->to + z->done, head + 4, n);
  z->done += n;
  z->at += 4 + n;
}

/* Copies a piece of the bytes before, which may overlap its copy. */
static void inflate_copy(Inflate *z, unsigned symbol, const InflateCode *distances) {
  static const uint16_t length_base[] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                         15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                         67, 83, 99, 115, 131, 163, 195, 227, 258};
  static const unsigned char length_bits[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                              2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
  static const uint16_t distance_base[] = {
      1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
      193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
  unsigned which = symbol - INFLATE_END - 1;
  if (which >= sizeof length_bits) {
    z->failed = true;
    return;
  }
  size_t n = length_base[which] + (size_t)inflate_bits(z, length_bits[which]);
  unsigned far = inflate_symbol(z, distances);
  if (z->failed || far >= INFLATE_DISTANCES) {
    z->failed = true;
    return;
  }
  size_t distance = distance_base[far] + (size_t)inflate_bits(z, far < 4 ? 0 : far / 2 - 1);
  z->failed = z->failed || distance > z->done || n > z->room - z->done;
  for (size_t i = 0; i < n && !z->failed; i++, z->done++)
    z->to[z->done] = z->to[z->done - distance];
}

static void inflate_codes(Inflate *z, const InflateCode *literals, const InflateCode *distances) {
  while (!z->failed) {
    unsigned symbol = inflate_symbol(z, literals);
    if (z->failed || symbol == INFLATE_END) return;
    if (symbol > INFLATE_END) {
      inflate_copy(z, symbol, distances);
    } else if (z->done == z->room) {
      z->failed = true;
    } else {
      z->to[z->done++] = (unsigned char)symbol;
    }
  }
}

static void inflate_fixed(Inflate *z) {
  unsigned char length[INFLATE_LITERALS];
  InflateCode literals, distances;
  for (int i = 0; i < INFLATE_LITERALS; i++)
    length[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
  inflate_code(&literals, length, INFLATE_LITERALS);
  memset(length, 5, INFLATE_DISTANCES);
  inflate_code(&distances, length, INFLATE_DISTANCES);
  inflate_codes(z, &literals, &distances);
}

/* Reads the lengths of both codes, which are coded, too: 16 repeats the last length, 17 and 18
 * repeat 0. */
static bool inflate_lengths(Inflate *z, const InflateCode *code, unsigned char *length,
                            unsigned n) {
  unsigned i = 0;
  while (i < n && !z->failed) {
    unsigned symbol = inflate_symbol(z, code), times = 1;
    unsigned char value = symbol < 16 ? (unsigned char)symbol : 0;
    if (symbol == 16) {
      if (i == 0) return false;
      value = length[i - 1];
      times = 3 + inflate_bits(z, 2);
    } else if (symbol == 17) {
      times = 3 + inflate_bits(z, 3);
    } else if (symbol == 18) {
      times = 11 + inflate_bits(z, 7);
    }
    if (times > n - i) return false;
    for (; times; times--)
      length[i++] = value;
  }
  return !z->failed;
}

static void inflate_dynamic(Inflate *z) {
  static const unsigned char order[INFLATE_LENGTHS] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                       11, 4,  12, 3, 13, 2, 14, 1, 15};
  unsigned char length[INFLATE_LITERALS + 32] = {0};
  InflateCode literals, distances;
  unsigned n_literals = 257 + inflate_bits(z, 5), n_distances = 1 + inflate_bits(z, 5),
           n = 4 + inflate_bits(z, 4);
  z->failed = z->failed || n_literals > 286 || n_distances > INFLATE_DISTANCES;
  for (unsigned i = 0; i < n && !z->failed; i++)
    length[order[i]] = (unsigned char)inflate_bits(z, 3);
  if (z->failed || !inflate_code(&literals, length, INFLATE_LENGTHS) ||
      !inflate_lengths(z, &literals, length, n_literals + n_distances) ||
      length[INFLATE_END] == 0 || !inflate_code(&literals, length, n_literals) ||
      !inflate_code(&distances, length + n_literals, n_distances)) {
    z->failed = true;
    return;
  }
  inflate_codes(z, &literals, &distances);
}

bool host_inflate(const unsigned char *from, size_t length, unsigned char *to, size_t n) {
  Inflate z = {from, length, 0, to, n, 0, 0, 0, false};
  bool last = false;
  while (!last && !z.failed) {
    last = inflate_bits(&z, 1) != 0;
    unsigned kind = inflate_bits(&z, 2);
    if (z.failed) break;
    if (kind == 0)
      inflate_stored(&z);
    else if (kind == 1)
      inflate_fixed(&z);
    else if (kind == 2)
      inflate_dynamic(&z);
    else
      z.failed = true;
  }
  return !z.failed && z.done == n && z.at == length;
}

uint32_t host_crc32(uint32_t crc, const unsigned char *bytes, size_t n) {
  crc = ~crc;
  for (size_t i = 0; i < n; i++) {
    uint32_t part = (crc ^ bytes[i]) & 0xff;
    for (int bit = 0; bit < 8; bit++)
      part = part & 1 ? part >> 1 ^ UINT32_C(0xedb88320) : part >> 1;
    crc = crc >> 8 ^ part;
  }
  return ~crc;
}
