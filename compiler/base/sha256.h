/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* SHA-256 (FIPS 180-4) of bytes that come in pieces. */
#ifndef GRUS_BASE_SHA256_H
#define GRUS_BASE_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA256_DIGITS = 64, SHA256_BLOCK = 64, SHA256_BYTES = 32 };

typedef struct Sha256 {
  uint32_t state[8];
  uint64_t length; /* bytes so far */
  uint8_t block[SHA256_BLOCK];
} Sha256;

Sha256 sha256_new(void);
void sha256_add(Sha256 *sha, const void *data, size_t len);
void sha256_bytes(Sha256 *sha, uint8_t digest[SHA256_BYTES]);
/* 64 hexadecimal digits and a NUL. */
void sha256_finish(Sha256 *sha, char digits[SHA256_DIGITS + 1]);

/* The 64 constants of the rounds. */
extern const uint32_t sha256_constant[64];
/* Adds n whole blocks to the state, on any processor. */
void sha256_compress(uint32_t state[8], const uint8_t *block, size_t n);
/* sha256_x86.c: the same by the instructions that some processors have for it. False if this one
 * has none. */
bool sha256_x86_compress(uint32_t state[8], const uint8_t *block, size_t n);

#endif
