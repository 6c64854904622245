/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tables of a FlatBuffers file, without its schema. In, bytes; out, fields by their number. Every
 * access is checked: a field that lies outside the file reads as absent and sets `broken`, so that
 * a reader can look at `broken` once, after it has read all that it needs.
 *
 * grus has its own functions because the systems on which it is built (Debian 12, Ubuntu 22.04)
 * package no C library that verifies FlatBuffers, and because a reader needs little of the format:
 *
 *     file    u32 place of the root table
 *     table   i32 distance back to its vtable, then the fields
 *     vtable  u16 its bytes, u16 bytes of the table, u16 offset of each field (0: absent)
 *     vector  u32 length, then the elements; tables and vectors are reached by u32 distances
 * ahead */
#ifndef GRUS_IMPORT_FLATBUFFER_H
#define GRUS_IMPORT_FLATBUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct FlatBuffer {
  const uint8_t *data;
  size_t len;
  bool broken; /* whether something that was read points out of the file */
} FlatBuffer;

/* A place is an offset from the start of the file; 0 stands for what is absent. */
typedef struct FlatVector {
  size_t at; /* of the first element */
  uint32_t n;
} FlatVector;

/* The place of the root table. */
size_t flat_root(FlatBuffer *flat);
/* The number in field `id` of a table; 0, or if_absent, where the table does not have it. */
uint8_t flat_u8(FlatBuffer *flat, size_t table, unsigned id);
int32_t flat_i32(FlatBuffer *flat, size_t table, unsigned id, int32_t if_absent);
float flat_f32(FlatBuffer *flat, size_t table, unsigned id);
bool flat_has(FlatBuffer *flat, size_t table, unsigned id);
/* The place of the table in field `id` of a table. */
size_t flat_table(FlatBuffer *flat, size_t table, unsigned id);
/* The vector in field `id` of a table, whose elements have `element` bytes each. All of them lie
 * inside the file. */
FlatVector flat_vector(FlatBuffer *flat, size_t table, unsigned id, size_t element);
/* Element i of a vector: the place of a table, or a number. 0 if there is none. */
size_t flat_element_table(FlatBuffer *flat, FlatVector vector, uint32_t i);
int32_t flat_element_i32(FlatBuffer *flat, FlatVector vector, uint32_t i);

#endif
