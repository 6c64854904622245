/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A string-keyed hash table in an arena; keeps no order, is never iterated. */
#ifndef GRUS_BASE_MAP_H
#define GRUS_BASE_MAP_H

#include "base/arena.h"

#include <stdint.h>

typedef struct MapSlot {
  const char *key;
  void *value;
  uint64_t hash;
} MapSlot;

typedef struct Map {
  MapSlot *slot;
  size_t n, cap;
} Map;

/* The value stored under key, or NULL. */
void *map_get(const Map *map, const char *key);
/* Stores value (not NULL) under key, which is kept, not copied. Replaces an earlier value. */
void map_put(Arena *arena, Map *map, const char *key, void *value);

#endif
