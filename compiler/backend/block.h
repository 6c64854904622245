/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The weights of a module built with --weights=extern, as one block of bytes that the code is given
 * a pointer to. Little-endian:
 *
 *    0  "GRUSWTS" and the version of the layout, 1
 *    8  bytes of the whole block, 4
 *   12  CRC-32 (of Ethernet and zip) of all bytes from 16 on, 4
 *   16  hash of the code that reads it, 8
 *   24  zeros
 *   64  each buffer of weights at its weight_offset, zeros between them
 *
 * The hash is of the kernel IR with its constants but without weights: two models have the same
 * hash when the code that was made of them is the same. */
#ifndef GRUS_BACKEND_BLOCK_H
#define GRUS_BACKEND_BLOCK_H

#include "kir/kir.h"

enum { BLOCK_MAGIC_BYTES = 8, BLOCK_CHECKED_FROM = 16 };
extern const char block_magic[BLOCK_MAGIC_BYTES];

uint64_t block_hash(const KirModule *m, Arena *arena);
/* All weights must be bound. */
void block_write(const KirModule *m, Text *out);

#endif
