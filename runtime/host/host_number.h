/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Numbers as files and ports store them. Everything passes through double, which holds every value
 * of every port type exactly. */
#ifndef GRUS_HOST_NUMBER_H
#define GRUS_HOST_NUMBER_H

#include "grus_host.h"

#include <stdbool.h>

/* How a file stores one number. */
typedef struct HostNumber {
  char kind; /* 'f' IEEE float, 'i' two's complement, 'u' unsigned, 'b' bool */
  int size;  /* bytes: f 2 4 8, i u 1 2 3 4 8, b 1 */
  bool big;  /* most significant byte first */
} HostNumber;

/* The number type a port has in memory, as a little-endian file would store it. */
HostNumber host_number_of_elem(GrusElem elem);

/* Decodes n numbers. Integers of 8 bytes beyond 2^53 are rounded. */
void host_number_decode(HostNumber type, const unsigned char *bytes, double *values, size_t n);

/* Encodes n numbers. Each must fit the type; floats are rounded to nearest, ties to even. */
void host_number_encode(HostNumber type, const double *values, unsigned char *bytes, size_t n);

size_t host_elem_size(GrusElem elem);
const char *host_elem_name(GrusElem elem);
bool host_elem_is_float(GrusElem elem);
/* Smallest and largest value of an integer type. */
void host_elem_range(GrusElem elem, double *low, double *high);

/* Converts between double and the type of a port in memory, in the byte order of the processor. */
void host_elem_decode(GrusElem elem, const void *from, double *values, size_t n);
void host_elem_encode(GrusElem elem, const double *values, void *to, size_t n);

#endif
