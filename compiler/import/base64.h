/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Bytes as text of base64, in which a file of JSON or HDF5 holds them. */
#ifndef GRUS_IMPORT_BASE64_H
#define GRUS_IMPORT_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads n characters: digits of 6 bits, with line ends anywhere and '=' behind the last digit. out
 * has room for n bytes and gets *len of them. False: there is another character. */
bool base64_read(const char *s, size_t n, uint8_t *out, size_t *len);

#endif
