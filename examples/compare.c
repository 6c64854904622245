/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* compare: the largest difference between two arrays, as far as the shorter one goes.
 *
 *   cc -O2 -o compare compare.c -lm && ./compare found.npy expected.npy 1e-5
 *
 * In: two .npy files of float32 or float64, little-endian, C order, whose shapes differ in the
 * first axis only (a stream may end before the whole sequence). Out: one line; status 1 beyond the
 * tolerance. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Array {
  FILE *file;    /* at the first element */
  size_t width;  /* bytes of an element */
  char rest[64]; /* the other axes as written, ", 9)" */
} Array;

static void fail(const char *path, const char *why) {
  fprintf(stderr, "%s: %s\n", path, why);
  exit(2);
}

/* The header is a Python literal: {'descr': '<f4', 'fortran_order': False, 'shape': (370, 9), } */
static Array array_open(const char *path) {
  Array array;
  unsigned char start[10];
  char header[1024];
  size_t length;
  array.file = fopen(path, "rb");
  if (!array.file) fail(path, "cannot be opened");
  if (fread(start, 1, 10, array.file) != 10 || memcmp(start, "\x93NUMPY\1", 7))
    fail(path, "is not an .npy file of version 1");
  length = (size_t)start[8] + 256u * start[9];
  if (length >= sizeof header || fread(header, 1, length, array.file) != length)
    fail(path, "ends in its header");
  header[length] = 0;
  if (!strstr(header, "'<f4'") && !strstr(header, "'<f8'")) fail(path, "holds no floats");
  if (!strstr(header, "False")) fail(path, "is in Fortran order");
  array.width = strstr(header, "'<f4'") ? 4 : 8;
  char *shape = strchr(header, '('), *end = shape ? strchr(shape, ')') : NULL;
  if (!end || end - shape >= (long)sizeof array.rest) fail(path, "has no shape");
  end[1] = 0;
  shape += 1 + strspn(shape + 1, "0123456789"); /* the first axis may differ */
  memcpy(array.rest, shape, strlen(shape) + 1);
  return array;
}

/* The next element; false at the end. */
static int array_next(Array *array, double *value) {
  unsigned char bytes[8];
  float single;
  if (fread(bytes, array->width, 1, array->file) != 1) return 0;
  memcpy(array->width == 4 ? (void *)&single : (void *)value, bytes, array->width);
  if (array->width == 4) *value = (double)single;
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "use: %s found.npy expected.npy tolerance\n", argv[0]);
    return 2;
  }
  Array found = array_open(argv[1]), expected = array_open(argv[2]);
  double tolerance = strtod(argv[3], NULL), worst = 0, a, b;
  size_t count = 0;
  if (strcmp(found.rest, expected.rest)) fail(argv[1], "has another shape than what is expected");
  while (array_next(&found, &a) && array_next(&expected, &b)) {
    double difference = fabs(a - b);
    if (!(difference <= worst)) worst = difference; /* NaN is the worst of all */
    count++;
  }
  fclose(found.file);
  fclose(expected.file);
  if (count == 0) fail(argv[1], "holds nothing to compare");
  printf("largest difference %.2g over %zu values\n", worst, count);
  return worst <= tolerance ? 0 : 1;
}
