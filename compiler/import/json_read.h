/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* JSON whose memory is the arena's: it is freed with the arena, and nobody calls json_decref or
 * free. What allocates or frees parts of such JSON is done by the functions here. Outside them
 * jansson's allocator is the one there was, so that others may use jansson beside them as they do
 * anywhere. When memory runs out inside jansson, which does not survive that everywhere, the
 * arena's handler is entered instead. */
#ifndef GRUS_IMPORT_JSON_READ_H
#define GRUS_IMPORT_JSON_READ_H

#include "base/arena.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* As json_loadb. NULL with *error if the text is not JSON. */
json_t *json_read(Arena *arena, const char *text, size_t len, size_t flags, json_error_t *error);

/* A deep copy; NULL of NULL. */
json_t *json_copy_in(Arena *arena, const json_t *value);

/* Sets and removes a key of an object in the arena; value is in the same arena. */
void json_put(Arena *arena, json_t *object, const char *key, json_t *value);
/* Appends to an array in the arena; value is in the same arena. */
void json_add(Arena *arena, json_t *array, json_t *value);
void json_drop(Arena *arena, json_t *object, const char *key);

/* As json_dumps. */
const char *json_text(Arena *arena, const json_t *value, size_t flags);

/* Every array has its length, every leaf is a number. */
bool json_shape_is(const json_t *array, int rank, const int64_t *dim);

#endif
