/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any bytes as the blocks of a checkpoint's index, in a folder of their own. A block with a wrong
 * checksum is refused before it is read, so the checksums are made here:
 *
 *   2 bytes   the size of the block of tensors, at most what is there
 *   rest      the block of tensors, then the block of the index, which says where blocks are
 *
 * checkpoint/ has those of fixtures. */
#include "import/read/tf/reader.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TRAILER = 5, FOOTER = 48, MOST = 1 << 16 };

static char folder[] = "/tmp/grus_checkpoint_XXXXXX";

static void remove_folder(void) {
  char path[sizeof folder + 40];
  snprintf(path, sizeof path, "%s/variables/variables.index", folder);
  unlink(path);
  snprintf(path, sizeof path, "%s/variables", folder);
  rmdir(path);
  rmdir(folder);
}

static void make_folder(void) {
  char path[sizeof folder + 40];
  if (!mkdtemp(folder)) abort();
  snprintf(path, sizeof path, "%s/variables", folder);
  if (mkdir(path, 0700) != 0) abort();
  atexit(remove_folder);
}

/* CRC-32C, bit by bit, as TensorFlow stores it. */
static uint32_t checksum(const uint8_t *bytes, size_t n) {
  uint32_t sum = ~0u;
  for (size_t i = 0; i < n; i++) {
    sum ^= bytes[i];
    for (int bit = 0; bit < 8; bit++)
      sum = sum & 1 ? sum >> 1 ^ 0x82f63b78u : sum >> 1;
  }
  sum = ~sum;
  return (sum >> 15 | sum << 17) + 0xa282ead8u;
}

static size_t put_little(uint8_t *to, uint64_t value, int n) {
  for (int i = 0; i < n; i++)
    to[i] = (uint8_t)(value >> 8 * i);
  return (size_t)n;
}

static size_t put_number(uint8_t *to, uint64_t value) {
  size_t n = 0;
  for (; value >= 0x80; value >>= 7)
    to[n++] = (uint8_t)(value | 0x80);
  to[n++] = (uint8_t)value;
  return n;
}

static size_t put_block(uint8_t *to, const uint8_t *block, size_t n) {
  memcpy(to, block, n);
  to[n] = 0; /* as it is */
  put_little(to + n + 1, checksum(to, n + 1), TRAILER - 1);
  return n + TRAILER;
}

/* Tensors, index, footer. */
static size_t build(uint8_t *to, const uint8_t *data, size_t size) {
  size_t tensors = (size_t)(data[0] | data[1] << 8), rest = size - 2;
  if (tensors > rest) tensors = rest;
  size_t n = put_block(to, data + 2, tensors), index = n;
  n += put_block(to + n, data + 2 + tensors, rest - tensors);
  uint8_t *footer = to + n;
  memset(footer, 0, FOOTER);
  size_t at = put_number(footer, 0);
  at += put_number(footer + at, 0);
  at += put_number(footer + at, index);
  put_number(footer + at, rest - tensors);
  put_little(footer + FOOTER - 8, 0xdb4775248b80fb57u, 8);
  return n + FOOTER;
}

static void write_index(const uint8_t *bytes, size_t n) {
  char path[sizeof folder + 40];
  snprintf(path, sizeof path, "%s/variables/variables.index", folder);
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(bytes, 1, n, file) != n || fclose(file) != 0) abort();
}

/* Refused with a message, or a checkpoint in which a tensor is found or said to be missing. */
static void read_index(Arena *arena) {
  Sources sources = {.arena = arena};
  Diags *diags = diags_new(arena, &sources);
  ForeignFile file = {.arena = arena, .path = arena_printf(arena, "%s/saved_model.pb", folder)};
  ImportOptions options = {0};
  TfReader r;
  TfStored stored;
  tf_reader_start(&r, &file, &options, diags);
  r.bundle = tf_bundle_open(&r);
  bool found = r.bundle && tf_bundle_find(&r, TENSOR, &stored);
  if (!found && !diags->n_errors) __builtin_trap(); /* refused without a word */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static uint8_t bytes[MOST + 2 * TRAILER + FOOTER];
  static bool ready;
  jmp_buf oom;
  Arena *volatile arena = NULL;
  if (size < 2 || size > MOST) return 0;
  if (!ready) make_folder();
  ready = true;
  write_index(bytes, build(bytes, data, size));
  if (setjmp(oom) == 0) {
    arena = arena_new(&oom);
    if (arena) read_index(arena);
  }
  arena_free(arena);
  return 0;
}
