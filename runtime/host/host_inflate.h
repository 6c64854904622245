/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* For zip archives: the decoder of deflate, and the checksum. */
#ifndef GRUS_HOST_INFLATE_H
#define GRUS_HOST_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes deflated bytes (RFC 1951) to the n bytes at `to`. False if they do not give exactly n
 * bytes. */
bool host_inflate(const unsigned char *from, size_t length, unsigned char *to, size_t n);

/* The CRC-32 of zip, continued from `crc`, which begins as 0. */
uint32_t host_crc32(uint32_t crc, const unsigned char *bytes, size_t n);

#endif
