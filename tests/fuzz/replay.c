/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A main for fuzz targets without a fuzzer: replay FILE... runs each file, and each of its
 * beginnings if it is short, through the target. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ALL_PREFIXES = 512, LARGEST = 1 << 24 };

/* Each run gets memory of exactly the size, so that sanitizers see a read beyond it. */
static void replay(const uint8_t *data, size_t size) {
  uint8_t *copy = malloc(size ? size : 1);
  if (!copy) exit(2);
  for (size_t i = 0; i < size; i++)
    copy[i] = data[i];
  LLVMFuzzerTestOneInput(copy, size);
  free(copy);
}

int main(int argc, char **argv) {
  uint8_t *data = malloc(LARGEST);
  if (!data || argc < 2) {
    fprintf(stderr, "replay: needs the files of a corpus\n");
    return 2;
  }
  for (int i = 1; i < argc; i++) {
    FILE *file = fopen(argv[i], "rb");
    if (!file) {
      perror(argv[i]);
      return 2;
    }
    size_t size = fread(data, 1, LARGEST, file);
    fclose(file);
    replay(data, size);
    for (size_t n = 0; size <= ALL_PREFIXES && n < size; n++)
      replay(data, n);
  }
  free(data);
  printf("%d files\n", argc - 1);
  return 0;
}
