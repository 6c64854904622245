/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What flatbuffer.h declares. */
#include "import/read/tflite/flatbuffer.h"

#include <string.h>

/* `bytes` bytes at `at` as a little-endian number; 0 after marking the file as broken. */
static uint64_t number(FlatBuffer *flat, size_t at, size_t bytes) {
  uint64_t value = 0;
  if (at > flat->len || flat->len - at < bytes) {
    flat->broken = true;
    return 0;
  }
  for (size_t i = 0; i < bytes; i++)
    value |= (uint64_t)flat->data[at + i] << (8 * i);
  return value;
}

/* The place to which the distance at `at` points; 0 if it is outside of the file. */
static size_t ahead(FlatBuffer *flat, size_t at) {
  uint64_t to = at + number(flat, at, 4);
  if (to > at && to < flat->len) return (size_t)to;
  flat->broken = true;
  return 0;
}

/* The place of field `id` of a table; 0 if it is absent. */
static size_t field(FlatBuffer *flat, size_t table, unsigned id) {
  if (!table) return 0;
  int64_t back = (int32_t)(uint32_t)number(flat, table, 4), vtable = (int64_t)table - back;
  if (vtable < 0 || vtable >= (int64_t)flat->len) {
    flat->broken = true;
    return 0;
  }
  size_t entry = 4 + 2 * (size_t)id;
  if (entry + 2 > number(flat, (size_t)vtable, 2)) return 0;
  size_t offset = (size_t)number(flat, (size_t)vtable + entry, 2);
  return offset ? table + offset : 0;
}

size_t flat_root(FlatBuffer *flat) {
  return ahead(flat, 0);
}

bool flat_has(FlatBuffer *flat, size_t table, unsigned id) {
  return field(flat, table, id) != 0;
}

uint8_t flat_u8(FlatBuffer *flat, size_t table, unsigned id) {
  size_t at = field(flat, table, id);
  return at ? (uint8_t)number(flat, at, 1) : 0;
}

int32_t flat_i32(FlatBuffer *flat, size_t table, unsigned id, int32_t if_absent) {
  size_t at = field(flat, table, id);
  return at ? (int32_t)(uint32_t)number(flat, at, 4) : if_absent;
}

float flat_f32(FlatBuffer *flat, size_t table, unsigned id) {
  uint32_t bits = (uint32_t)flat_i32(flat, table, id, 0);
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

size_t flat_table(FlatBuffer *flat, size_t table, unsigned id) {
  size_t at = field(flat, table, id);
  return at ? ahead(flat, at) : 0;
}

FlatVector flat_vector(FlatBuffer *flat, size_t table, unsigned id, size_t element) {
  size_t at = flat_table(flat, table, id);
  if (!at) return (FlatVector){0};
  uint64_t n = number(flat, at, 4);
  if (flat->broken || n > (flat->len - at - 4) / element) {
    flat->broken = true;
    return (FlatVector){0};
  }
  return (FlatVector){at + 4, (uint32_t)n};
}

size_t flat_element_table(FlatBuffer *flat, FlatVector vector, uint32_t i) {
  return i < vector.n ? ahead(flat, vector.at + 4 * (size_t)i) : 0;
}

int32_t flat_element_i32(FlatBuffer *flat, FlatVector vector, uint32_t i) {
  return i < vector.n ? (int32_t)(uint32_t)number(flat, vector.at + 4 * (size_t)i, 4) : 0;
}
