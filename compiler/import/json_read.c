/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* jansson with memory of an arena; see json_read.h. Each piece is in a list, so that jansson can
 * free and move what it has while it works, and the arena frees the rest. */
#include "import/json_read.h"

#include "base/mem.h"

#include <stdint.h>

typedef union JsonPiece {
  struct {
    union JsonPiece *next, **at; /* at: what points to this piece */
  } list;
  max_align_t align;
} JsonPiece;

typedef struct JsonPieces {
  Arena *arena;
  JsonPiece *first;
} JsonPieces;

static JsonPieces *current; /* jansson's allocator has no context */

/* Who allocates outside the functions below: their memory is never ours to free, nor ours
 * theirs. */
static json_malloc_t others_malloc;
static json_free_t others_free;

static void pieces_free(void *arg) {
  JsonPieces *pieces = arg;
  if (current == pieces) current = NULL;
  for (JsonPiece *p = pieces->first, *next; p; p = next) {
    next = p->list.next;
    mem_free(p);
  }
}

static void *piece_new(size_t size) {
  JsonPiece *p = size < SIZE_MAX - sizeof *p ? mem_alloc(size + sizeof *p) : NULL;
  if (!p) {
    json_set_alloc_funcs(others_malloc, others_free); /* nobody comes back here */
    arena_out_of_memory(current->arena);
  }
  p->list.next = current->first;
  p->list.at = &current->first;
  if (p->list.next) p->list.next->list.at = &p->list.next;
  current->first = p;
  return p + 1;
}

static void piece_free(void *memory) {
  if (!memory) return;
  JsonPiece *p = (JsonPiece *)memory - 1;
  *p->list.at = p->list.next;
  if (p->list.next) p->list.next->list.at = p->list.at;
  mem_free(p);
}

static void pieces_begin(Arena *arena) {
  if (!current || current->arena != arena) {
    JsonPieces *pieces = ARENA_NEW(arena, JsonPieces);
    pieces->arena = arena;
    arena_defer(arena, pieces_free, pieces);
    current = pieces;
  }
  json_get_alloc_funcs(&others_malloc, &others_free);
  json_set_alloc_funcs(piece_new, piece_free);
}

static void pieces_end(void) {
  json_set_alloc_funcs(others_malloc, others_free);
}

json_t *json_read(Arena *arena, const char *text, size_t len, size_t flags, json_error_t *error) {
  pieces_begin(arena);
  json_t *out = json_loadb(text, len, flags, error);
  pieces_end();
  return out;
}

json_t *json_copy_in(Arena *arena, const json_t *value) {
  pieces_begin(arena);
  json_t *out = json_deep_copy(value);
  pieces_end();
  return out;
}

void json_put(Arena *arena, json_t *object, const char *key, json_t *value) {
  pieces_begin(arena);
  json_object_set(object, key, value);
  pieces_end();
}

void json_add(Arena *arena, json_t *array, json_t *value) {
  pieces_begin(arena);
  json_array_append(array, value);
  pieces_end();
}

void json_drop(Arena *arena, json_t *object, const char *key) {
  pieces_begin(arena);
  json_object_del(object, key);
  pieces_end();
}

const char *json_text(Arena *arena, const json_t *value, size_t flags) {
  pieces_begin(arena);
  const char *out = json_dumps(value, flags);
  pieces_end();
  return out;
}

bool json_shape_is(const json_t *array, int rank, const int64_t *dim) {
  if (rank == 0) return json_is_number(array);
  if (!json_is_array(array) || (int64_t)json_array_size(array) != *dim) return false;
  for (size_t i = 0; i < json_array_size(array); i++)
    if (!json_shape_is(json_array_get(array, i), rank - 1, dim + 1)) return false;
  return true;
}
