/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A bump allocator over a list of blocks. Large requests get a block of their own, which the system
 * gives as zeros. In other blocks each piece becomes zeros when it is given out, because the arena
 * of a short step uses little of its block. */
#include "base/arena.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK_SIZE = 64 * 1024, ALIGN = 16 };

typedef struct ArenaBlock {
  struct ArenaBlock *next;
  size_t used, size;
  bool lone; /* of one large allocation */
} ArenaBlock;

typedef struct Deferred {
  struct Deferred *next;
  void (*fn)(void *);
  void *arg;
} Deferred;

struct Arena {
  jmp_buf *oom;
  Arena *parent, *children; /* children: the first of a list */
  Arena *next, *previous;   /* among the parent's children */
  ArenaBlock *blocks;
  Deferred *deferred;
  size_t total;
};

static const size_t header = (sizeof(ArenaBlock) + ALIGN - 1) / ALIGN * ALIGN;

void arena_leave(Arena *arena, ArenaLeave why) {
  longjmp(*arena->oom, (int)why);
}

void arena_out_of_memory(Arena *arena) {
  arena_leave(arena, LEAVE_NO_MEMORY);
}

Arena *arena_new(jmp_buf *oom) {
  Arena *arena = mem_alloc(sizeof *arena);
  if (!arena) return NULL;
  *arena = (Arena){.oom = oom};
  return arena;
}

Arena *arena_child(Arena *parent) {
  Arena *child = arena_new(parent->oom);
  if (!child) arena_out_of_memory(parent);
  child->parent = parent;
  child->next = parent->children;
  if (child->next) child->next->previous = child;
  parent->children = child;
  return child;
}

static void unlink_child(Arena *arena) {
  if (arena->next) arena->next->previous = arena->previous;
  if (arena->previous)
    arena->previous->next = arena->next;
  else if (arena->parent)
    arena->parent->children = arena->next;
}

void arena_free(Arena *arena) {
  if (!arena) return;
  while (arena->children)
    arena_free(arena->children);
  unlink_child(arena);
  for (Deferred *d = arena->deferred; d; d = d->next)
    d->fn(d->arg);
  for (ArenaBlock *b = arena->blocks, *next; b; b = next) {
    next = b->next;
    mem_free(b);
  }
  mem_free(arena);
}

static ArenaBlock *block_new(Arena *arena, size_t size, bool lone) {
  ArenaBlock *b = lone ? mem_zeroed(header + size) : mem_alloc(header + size);
  if (!b) arena_out_of_memory(arena);
  *b = (ArenaBlock){.size = size, .lone = lone};
  return b;
}

void *arena_alloc(Arena *arena, size_t size) {
  if (size > SIZE_MAX / 2) arena_out_of_memory(arena);
  size = (size + ALIGN - 1) / ALIGN * ALIGN;
  ArenaBlock *b = arena->blocks;
  if (!b || b->size - b->used < size) {
    if (size > BLOCK_SIZE / 4 && b) { /* its own block, after the current one */
      ArenaBlock *own = block_new(arena, size, true);
      own->next = b->next;
      b->next = own;
      b = own;
    } else {
      b = block_new(arena, size > BLOCK_SIZE ? size : BLOCK_SIZE, size > BLOCK_SIZE);
      b->next = arena->blocks;
      arena->blocks = b;
    }
  }
  char *p = (char *)b + header + b->used;
  b->used += size;
  arena->total += size;
  return b->lone ? p : memset(p, 0, size);
}

bool arena_release(Arena *arena, const void *pointer) {
  for (ArenaBlock **at = &arena->blocks; *at; at = &(*at)->next) {
    ArenaBlock *b = *at;
    if (!b->lone || (const char *)b + header != pointer) continue;
    *at = b->next;
    arena->total -= b->used;
    mem_free(b);
    return true;
  }
  return false;
}

void *arena_array(Arena *arena, size_t n, size_t size) {
  if (size && n > SIZE_MAX / size) arena_out_of_memory(arena);
  return arena_alloc(arena, n * size);
}

void *arena_grow(Arena *arena, void *array, size_t *cap, size_t need, size_t size) {
  if (need <= *cap) return array;
  size_t bigger = *cap ? *cap : 4;
  while (bigger < need) {
    if (bigger > SIZE_MAX / 2) arena_out_of_memory(arena);
    bigger *= 2;
  }
  void *moved = arena_array(arena, bigger, size);
  if (*cap) memcpy(moved, array, *cap * size);
  *cap = bigger;
  return moved;
}

char *arena_strndup(Arena *arena, const char *s, size_t n) {
  if (n == SIZE_MAX) arena_out_of_memory(arena);
  char *copy = arena_alloc(arena, n + 1);
  if (n) memcpy(copy, s, n);
  return copy;
}

void *arena_copy(Arena *arena, const void *from, size_t n, size_t size) {
  void *to = arena_array(arena, n, size);
  if (n) memcpy(to, from, n * size);
  return to;
}

char *arena_strdup(Arena *arena, const char *s) {
  return arena_strndup(arena, s, strlen(s));
}

char *arena_vprintf(Arena *arena, const char *format, va_list args) {
  va_list again;
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, format, args);
  char *s = arena_alloc(arena, n < 0 ? 1 : (size_t)n + 1);
  if (n > 0) vsnprintf(s, (size_t)n + 1, format, again);
  va_end(again);
  return s;
}

char *arena_printf(Arena *arena, const char *format, ...) {
  va_list args;
  va_start(args, format);
  char *s = arena_vprintf(arena, format, args);
  va_end(args);
  return s;
}

void arena_defer(Arena *arena, void (*fn)(void *), void *arg) {
  Deferred *d = ARENA_NEW(arena, Deferred);
  *d = (Deferred){.next = arena->deferred, .fn = fn, .arg = arg};
  arena->deferred = d;
}

size_t arena_used(const Arena *arena) {
  return arena->total;
}
