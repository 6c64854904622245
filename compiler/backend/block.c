/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The block of weights; see block.h. */
#include "backend/block.h"

#include <string.h>

const char block_magic[BLOCK_MAGIC_BYTES] = {'G', 'R', 'U', 'S', 'W', 'T', 'S', 1};

/* FNV-1a of the kernel IR, but for its first line, which has the model's name. */
uint64_t block_hash(const KirModule *m, Arena *arena) {
  Text text = text_new(arena);
  uint64_t hash = 0xcbf29ce484222325u;
  kir_print(m, &text);
  const char *s = strchr(text_str(&text), '\n');
  for (; s && *s; s++)
    hash = (hash ^ (unsigned char)*s) * 0x100000001b3u;
  return hash;
}

static uint32_t crc_of(const char *bytes, size_t n) {
  uint32_t crc = 0xffffffffu;
  for (size_t i = 0; i < n; i++) {
    crc ^= (unsigned char)bytes[i];
    for (int bit = 0; bit < 8; bit++)
      crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}

static void put(char *to, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++)
    to[i] = (char)(unsigned char)(value >> (8 * i));
}

/* One buffer, element by element, least byte first whatever this machine does. */
static void put_buffer(char *to, const KirBuffer *b) {
  int size = kir_elem_size(b->elem);
  for (int64_t i = 0; i < b->count; i++) {
    const char *from = (const char *)b->data + i * size;
    uint64_t value = 0;
    if (size == 1)
      value = *(const uint8_t *)from;
    else if (size == 2) {
      uint16_t half;
      memcpy(&half, from, sizeof half);
      value = half;
    } else {
      uint32_t word;
      memcpy(&word, from, sizeof word);
      value = word;
    }
    put(to + i * size, value, size);
  }
}

void block_write(const KirModule *m, Text *out) {
  enum { SIZE_AT = 8, CRC_AT = 12, HASH_AT = 16 };
  char *block = ARENA_ARRAY(out->arena, char, m->block_bytes);
  memcpy(block, block_magic, BLOCK_MAGIC_BYTES);
  put(block + SIZE_AT, (uint64_t)m->block_bytes, 4);
  put(block + HASH_AT, block_hash(m, out->arena), 8);
  for (int i = 0; i < m->n_buffers; i++)
    if (m->buffer[i]->space == KIR_CONST)
      put_buffer(block + m->buffer[i]->weight_offset, m->buffer[i]);
  put(block + CRC_AT,
      crc_of(block + BLOCK_CHECKED_FROM, (size_t)m->block_bytes - BLOCK_CHECKED_FROM), 4);
  text_add_n(out, block, (size_t)m->block_bytes);
}
