/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What archives need: deflate's inverse and the checksum of zip. */
#ifndef GRUS_HOST_INFLATE_H
#define GRUS_HOST_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The n bytes at `to` out of deflated ones (RFC 1951); true if they are exactly what comes out. */
bool host_inflate(const unsigned char *from, size_t length, unsigned char *to, size_t n);

/* The CRC-32 of zip, continued from `crc`, which begins as 0. */
uint32_t host_crc32(uint32_t crc, const unsigned char *bytes, size_t n);

#endif
