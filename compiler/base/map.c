/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Open addressing with linear probing, at most half full. */
#include "base/map.h"

#include <stdint.h>
#include <string.h>

static uint64_t hash(const char *s) { /* FNV-1a */
  uint64_t h = 14695981039346656037u;
  for (; *s; s++)
    h = (h ^ (unsigned char)*s) * 1099511628211u;
  return h ^ (h >> 32);
}

static MapSlot *map_find(const Map *map, const char *key) {
  size_t i = (size_t)hash(key) & (map->cap - 1);
  while (map->slot[i].key && strcmp(map->slot[i].key, key) != 0)
    i = (i + 1) & (map->cap - 1);
  return &map->slot[i];
}

void *map_get(const Map *map, const char *key) {
  return map->cap ? map_find(map, key)->value : NULL;
}

void map_put(Arena *arena, Map *map, const char *key, void *value) {
  if (2 * (map->n + 1) > map->cap) {
    Map bigger = {.cap = map->cap ? 2 * map->cap : 16};
    bigger.slot = ARENA_ARRAY(arena, MapSlot, bigger.cap);
    for (size_t i = 0; i < map->cap; i++)
      if (map->slot[i].key) *map_find(&bigger, map->slot[i].key) = map->slot[i];
    bigger.n = map->n;
    *map = bigger;
  }
  MapSlot *slot = map_find(map, key);
  if (!slot->key) map->n++;
  *slot = (MapSlot){key, value};
}
