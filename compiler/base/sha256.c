/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* SHA-256, written after FIPS 180-4. */
#include "base/sha256.h"

#include <string.h>

const uint32_t sha256_constant[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turn(uint32_t x, int n) {
  return x >> n | x << (32 - n);
}

static void schedule(const uint8_t *block, uint32_t w[64]) {
  for (int i = 0; i < 16; i++)
    w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
           (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
  for (int i = 16; i < 64; i++) {
    uint32_t a = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3;
    uint32_t b = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + a + w[i - 7] + b;
  }
}

static void compress_one(uint32_t state[8], const uint8_t *block) {
  uint32_t word[64], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4],
                     f = state[5], g = state[6], h = state[7];
  schedule(block, word);
  for (int i = 0; i < 64; i++) {
    uint32_t first = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) +
                     sha256_constant[i] + word[i],
             second = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + first;
    d = c;
    c = b;
    b = a;
    a = first + second;
  }
  const uint32_t sum[8] = {a, b, c, d, e, f, g, h};
  for (int i = 0; i < 8; i++)
    state[i] += sum[i];
}

void sha256_compress(uint32_t state[8], const uint8_t *block, size_t n) {
  for (size_t i = 0; i < n; i++)
    compress_one(state, block + i * SHA256_BLOCK);
}

static void compress(Sha256 *sha, const uint8_t *block, size_t n) {
  if (!sha256_x86_compress(sha->state, block, n)) sha256_compress(sha->state, block, n);
}

Sha256 sha256_new(void) {
  return (Sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
                            0x1f83d9ab, 0x5be0cd19}};
}

void sha256_add(Sha256 *sha, const void *data, size_t len) {
  const uint8_t *from = data;
  while (len) {
    if (sha->length % SHA256_BLOCK == 0 && len >= SHA256_BLOCK) { /* without a copy */
      size_t blocks = len / SHA256_BLOCK, bytes = blocks * SHA256_BLOCK;
      compress(sha, from, blocks);
      sha->length += bytes;
      from += bytes;
      len -= bytes;
      continue;
    }
    size_t at = sha->length % SHA256_BLOCK, n = SHA256_BLOCK - at < len ? SHA256_BLOCK - at : len;
    memcpy(sha->block + at, from, n);
    sha->length += n;
    from += n;
    len -= n;
    if (at + n == SHA256_BLOCK) compress(sha, sha->block, 1);
  }
}

void sha256_bytes(Sha256 *sha, uint8_t digest[SHA256_BYTES]) {
  const uint8_t end = 0x80, zero = 0;
  uint64_t bits = sha->length * 8;
  sha256_add(sha, &end, 1);
  while (sha->length % SHA256_BLOCK != SHA256_BLOCK - 8)
    sha256_add(sha, &zero, 1);
  for (int i = 7; i >= 0; i--) {
    uint8_t byte = (uint8_t)(bits >> (8 * i));
    sha256_add(sha, &byte, 1);
  }
  for (int i = 0; i < SHA256_BYTES; i++)
    digest[i] = (uint8_t)(sha->state[i / 4] >> (24 - 8 * (i % 4)));
}

void sha256_finish(Sha256 *sha, char digits[SHA256_DIGITS + 1]) {
  static const char hex[] = "0123456789abcdef";
  uint8_t digest[SHA256_BYTES];
  sha256_bytes(sha, digest);
  for (int i = 0; i < SHA256_DIGITS; i++)
    digits[i] = hex[digest[i / 2] >> (i % 2 ? 0 : 4) & 15];
  digits[SHA256_DIGITS] = 0;
}
