/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* check FILE...: a mutator without a fuzzer. Of many changes of each file enough are of its
 * structure, not the fuzzer's own, and are no longer what they were; each has room. */
#include "mutators.h"

#include <stdio.h>
#include <stdlib.h>

enum { CHANGES = 400, LEAST = CHANGES / 4, MORE = 4096 };

static const uint8_t *whole; /* the file: changed here, it was the fuzzer's own change */
static int of_bytes;

/* In place of libFuzzer's: one byte. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) {
  of_bytes |= data == whole;
  if (size && max_size) data[size / 2] ^= 1;
  return size;
}

static uint8_t *read_file(const char *path, size_t *size, uint8_t *room) {
  FILE *file = fopen(path, "rb");
  if (!file) {
    perror(path);
    exit(2);
  }
  *size = fread(room, 1, MUTATOR_ROOM - MORE, file);
  fclose(file);
  return room;
}

int main(int argc, char **argv) {
  static uint8_t room[MUTATOR_ROOM], copy[MUTATOR_ROOM];
  int bad = argc < 2;
  for (int i = 1; i < argc; i++) {
    size_t size;
    int structured = 0;
    read_file(argv[i], &size, room);
    for (unsigned seed = 0; seed < CHANGES; seed++) {
      memcpy(copy, room, size);
      whole = copy;
      of_bytes = 0;
      size_t n = LLVMFuzzerCustomMutator(copy, size, size + MORE, seed);
      if (n > size + MORE) {
        printf("%s: %zu bytes where there is room for %zu\n", argv[i], n, size + MORE);
        bad = 1;
      }
      structured += !of_bytes && (n != size || memcmp(copy, room, n) != 0);
    }
    printf("%s: %d of %d\n", argv[i], structured, CHANGES);
    bad |= structured < LEAST;
  }
  return bad;
}
