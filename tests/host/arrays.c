/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Makes and shows the files of the tests, sharing no code with the runtime.
 *
 *   arrays npy FILE TYPE C|F SHAPE VALUE...    TYPE <f4 >i2 |u1 ..., SHAPE 4,3 or - for ()
 *   arrays wav FILE RATE CHANNELS BITS VALUE...  BITS 8 16 24 32 f32; values as stored
 *   arrays raw FILE TYPE VALUE...
 *   arrays show FILE...                        .npy and .wav written by the runtime
 *   arrays exec CMD...                         with SIGINT as an interactive shell leaves it
 *
 * A VALUE is a number, nan, inf, or ramp:N for 0 1 ... N-1, or zero:N. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void die(const char *what) {
  fprintf(stderr, "arrays: %s\n", what);
  exit(2);
}

static void put(FILE *f, uint64_t bits, int size, int big) {
  for (int i = 0; i < size; i++)
    fputc((int)(bits >> 8 * (big ? size - 1 - i : i) & 255), f);
}

/* Halves are only ever given values that need no rounding. */
static uint64_t half_bits(double v) {
  int exponent;
  if (v == 0) return 0;
  double m = frexp(fabs(v), &exponent);
  return (v < 0 ? 0x8000u : 0u) | (uint64_t)(exponent + 14) << 10 | (uint64_t)(m * 2048 - 1024);
}

static void put_number(FILE *f, const char *type, double v) {
  int big = type[0] == '>', size = atoi(type + 2);
  uint64_t bits = 0;
  float narrow = (float)v;
  uint32_t word;
  memcpy(&word, &narrow, 4);
  if (type[1] != 'f')
    bits = (uint64_t)(int64_t)v;
  else if (size == 2)
    bits = half_bits(v);
  else if (size == 4)
    bits = word;
  else
    memcpy(&bits, &v, 8);
  put(f, bits, size, big);
}

static void put_values(FILE *f, const char *type, int argc, char **argv) {
  for (int i = 0; i < argc; i++) {
    if (strncmp(argv[i], "ramp:", 5) == 0)
      for (int k = 0; k < atoi(argv[i] + 5); k++)
        put_number(f, type, k);
    else if (strncmp(argv[i], "zero:", 5) == 0)
      for (int k = 0; k < atoi(argv[i] + 5); k++)
        put_number(f, type, 0);
    else
      put_number(f, type, strtod(argv[i], NULL));
  }
}

static void make_npy(FILE *f, int argc, char **argv) {
  char head[256], shape[64];
  if (argc < 3) die("npy FILE TYPE ORDER SHAPE VALUE...");
  snprintf(shape, sizeof shape, "%s%s", strcmp(argv[2], "-") ? argv[2] : "",
           strchr(argv[2], ',') || argv[2][0] == '-' ? "" : ",");
  int n = snprintf(head, sizeof head, "{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }",
                   argv[0], argv[1][0] == 'F' ? "True" : "False", shape);
  while ((n + 11) % 64)
    head[n++] = ' ';
  head[n++] = '\n';
  fwrite("\x93NUMPY\1", 1, 8, f);
  put(f, (uint64_t)n, 2, 0);
  fwrite(head, 1, (size_t)n, f);
  put_values(f, argv[0], argc - 3, argv + 3);
}

static void make_wav(FILE *f, int argc, char **argv) {
  if (argc < 3) die("wav FILE RATE CHANNELS BITS VALUE...");
  int is_float = argv[2][0] == 'f', bits = atoi(argv[2] + is_float);
  uint64_t rate = (uint64_t)atoi(argv[0]), frame = (uint64_t)(atoi(argv[1]) * bits / 8);
  char type[16];
  snprintf(type, sizeof type, "<%c%d", is_float ? 'f' : 'i', bits / 8);
  fwrite("RIFF\0\0\0\0WAVELIST\3\0\0\0abc\0fmt ", 1, 28, f); /* an odd chunk to skip */
  put(f, 16, 4, 0);
  put(f, is_float ? 3 : 1, 2, 0);
  put(f, (uint64_t)atoi(argv[1]), 2, 0);
  put(f, rate, 4, 0);
  put(f, rate * frame, 4, 0);
  put(f, frame, 2, 0);
  put(f, (uint64_t)bits, 2, 0);
  fwrite("data\0\0\0\0", 1, 8, f);
  long start = ftell(f);
  put_values(f, type, argc - 3, argv + 3);
  long end = ftell(f);
  fseek(f, start - 4, SEEK_SET);
  put(f, (uint64_t)(end - start), 4, 0);
  fseek(f, 4, SEEK_SET);
  put(f, (uint64_t)(end - 8), 4, 0);
}

static uint64_t get(const unsigned char *b, int size) {
  uint64_t bits = 0;
  for (int i = 0; i < size; i++)
    bits |= (uint64_t)b[i] << 8 * i;
  return bits;
}

static double get_number(const unsigned char *b, char kind, int size) {
  uint64_t bits = get(b, size);
  uint32_t word = (uint32_t)bits;
  float narrow;
  double wide;
  memcpy(&narrow, &word, 4);
  memcpy(&wide, &bits, 8);
  if (kind == 'f') return size == 4 ? (double)narrow : wide;
  if (kind == 'i' && bits >> (8 * size - 1)) return (double)bits - ldexp(1, 8 * size);
  return (double)bits;
}

static void show(const char *path) {
  static unsigned char b[1 << 20];
  FILE *f = fopen(path, "rb");
  if (!f) die("cannot open the file to show");
  size_t n = fread(b, 1, sizeof b, f), at, end = n;
  fclose(f);
  char kind = 'i';
  int size;
  printf("%s:", path);
  if (memcmp(b, "\x93NUMPY", 6) == 0) {
    at = 10 + (size_t)get(b + 8, 2);
    if (at % 64 || b[at - 1] != '\n') die("header not padded");
    printf(" %.*s", (int)strcspn((char *)b + 10, "}") + 1, b + 10);
    const char *descr = strstr((char *)b + 10, "'descr': '") + 10;
    kind = descr[1];
    size = descr[2] - '0';
  } else {
    if (get(b + 4, 4) != n - 8 && get(b + 4, 4) != UINT32_MAX) die("RIFF size is wrong");
    for (at = 12; memcmp(b + at, "fmt ", 4) != 0;)
      at += 8 + (size_t)get(b + at + 4, 4);
    size = (int)get(b + at + 22, 2) / 8;
    kind = get(b + at + 8, 2) == 3 ? 'f' : 'i';
    printf(" %d Hz, %d channels, %d bit %s,", (int)get(b + at + 12, 4), (int)get(b + at + 10, 2),
           8 * size, kind == 'f' ? "float" : "PCM");
    at += 8 + (size_t)get(b + at + 4, 4);
    uint64_t data = get(b + at + 4, 4);
    at += 8;
    if (data != UINT32_MAX) end = at + (size_t)data;
  }
  if (end > n || (end - at) % (size_t)size) die("wrong size");
  size_t count = (end - at) / (size_t)size;
  printf(" %zu values:", count);
  for (size_t i = 0; i < count && i < 40; i++)
    printf(" %g", get_number(b + at + i * (size_t)size, kind, size));
  printf(count > 40 ? " ...\n" : "\n");
}

int main(int argc, char **argv) {
  if (argc < 3) die("npy, wav, raw or show");
  if (strcmp(argv[1], "show") == 0) {
    for (int i = 2; i < argc; i++)
      show(argv[i]);
    return 0;
  }
  if (strcmp(argv[1], "exec") == 0) {
    signal(SIGINT, SIG_DFL);
    execv(argv[2], argv + 2);
    die("cannot run the program");
  }
  FILE *f = fopen(argv[2], "wb");
  if (!f) die("cannot create the file");
  if (strcmp(argv[1], "npy") == 0)
    make_npy(f, argc - 3, argv + 3);
  else if (strcmp(argv[1], "wav") == 0)
    make_wav(f, argc - 3, argv + 3);
  else if (argc > 3)
    put_values(f, argv[3], argc - 4, argv + 4);
  return fclose(f) ? 2 : 0;
}
