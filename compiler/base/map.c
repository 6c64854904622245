/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Open addressing with linear probing, at most half full. Slots keep the hash, so that keys are
 * compared, and read at all, only when they are likely equal. */
#include "base/map.h"

#include <string.h>

static uint64_t hash(const char *s) { /* FNV-1a */
  uint64_t h = 14695981039346656037u;
  for (; *s; s++)
    h = (h ^ (unsigned char)*s) * 1099511628211u;
  return h ^ (h >> 32);
}

/* The slot of key, or the free one where it belongs. */
static MapSlot *map_find(const Map *map, const char *key, uint64_t h) {
  size_t i = (size_t)h & (map->cap - 1);
  while (map->slot[i].key && (map->slot[i].hash != h || strcmp(map->slot[i].key, key) != 0))
    i = (i + 1) & (map->cap - 1);
  return &map->slot[i];
}

static void map_double(Arena *arena, Map *map) {
  Map bigger = {.cap = map->cap ? 2 * map->cap : 16, .n = map->n};
  bigger.slot = ARENA_ARRAY(arena, MapSlot, bigger.cap);
  for (size_t i = 0; i < map->cap; i++) {
    if (!map->slot[i].key) continue;
    size_t k = (size_t)map->slot[i].hash & (bigger.cap - 1);
    while (bigger.slot[k].key)
      k = (k + 1) & (bigger.cap - 1);
    bigger.slot[k] = map->slot[i];
  }
  *map = bigger;
}

void *map_get(const Map *map, const char *key) {
  return map->cap ? map_find(map, key, hash(key))->value : NULL;
}

void map_put(Arena *arena, Map *map, const char *key, void *value) {
  if (2 * (map->n + 1) > map->cap) map_double(arena, map);
  uint64_t h = hash(key);
  MapSlot *slot = map_find(map, key, h);
  if (!slot->key) map->n++;
  *slot = (MapSlot){key, value, h};
}
