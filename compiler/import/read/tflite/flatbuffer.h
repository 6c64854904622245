/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tables of a FlatBuffers file, without its schema. In, bytes; out, fields by their number. Every
 * access is checked: what lies outside the file reads as absent and marks the file as broken, so
 * that a reader asks once, after it has read all that it needs.
 *
 * Ours because the systems grus is built on (Debian 12, Ubuntu 22.04) package no C library that
 * verifies FlatBuffers; the part of the format that a reader needs is this page.
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
  bool broken; /* something pointed out of the file */
} FlatBuffer;

/* Places are offsets from the start of the file; 0 is what is absent. */
typedef struct FlatVector {
  size_t at; /* of the first element */
  uint32_t n;
} FlatVector;

size_t flat_root(FlatBuffer *flat);
/* A number in field `id` of a table. */
uint8_t flat_u8(FlatBuffer *flat, size_t table, unsigned id);
int32_t flat_i32(FlatBuffer *flat, size_t table, unsigned id, int32_t if_absent);
float flat_f32(FlatBuffer *flat, size_t table, unsigned id);
bool flat_has(FlatBuffer *flat, size_t table, unsigned id);
size_t flat_table(FlatBuffer *flat, size_t table, unsigned id);
/* A vector of elements of so many bytes, all of them inside the file. */
FlatVector flat_vector(FlatBuffer *flat, size_t table, unsigned id, size_t element);
size_t flat_element_table(FlatBuffer *flat, FlatVector vector, uint32_t i);
int32_t flat_element_i32(FlatBuffer *flat, FlatVector vector, uint32_t i);

#endif
