/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* FlatBuffers files without their schema: tables are found from the root by what looks like one; a
 * field is taken out of a vtable or exchanged with another, a distance leads to another object, a
 * vector gets another length, a number another value. */
#include "mutators.h"

enum { MOST_SLOTS = 8192, MOST_DEPTH = 12, LONGEST_VTABLE = 200 };

typedef struct Slot {
  size_t entry;  /* in a vtable: u16; 0: an element of a vector */
  size_t at;     /* the field */
  size_t target; /* what it leads to, if it is a distance; else 0 */
} Slot;

typedef struct Walk {
  const uint8_t *data;
  size_t size;
  Slot slot[MOST_SLOTS];
  size_t n;
} Walk;

static uint32_t word(const Walk *w, size_t at) {
  uint32_t x = 0;
  if (at + sizeof x <= w->size) memcpy(&x, w->data + at, sizeof x);
  return x;
}

static uint16_t half(const Walk *w, size_t at) {
  uint16_t x = 0;
  if (at + sizeof x <= w->size) memcpy(&x, w->data + at, sizeof x);
  return x;
}

/* The vtable of a table; 0: it is none. */
static size_t vtable_of(const Walk *w, size_t table) {
  int64_t at = (int64_t)table - (int32_t)word(w, table);
  if (table + 4 > w->size || at < 4 || at + 4 > (int64_t)w->size) return 0;
  uint16_t bytes = half(w, (size_t)at);
  return bytes >= 4 && bytes <= LONGEST_VTABLE && bytes % 2 == 0 && (size_t)at + bytes <= w->size
             ? (size_t)at
             : 0;
}

static void walk_table(Walk *w, size_t table, int depth);

/* A distance at `at`: remembered, and followed where it leads to a table or to a vector of
 * tables. */
static void walk_slot(Walk *w, size_t entry, size_t at, int depth) {
  size_t target = at + word(w, at);
  if (w->n == MOST_SLOTS || at + 4 > w->size) return;
  w->slot[w->n++] = (Slot){entry, at, target > at && target + 4 <= w->size ? target : 0};
  if (!w->slot[w->n - 1].target || depth >= MOST_DEPTH) return;
  if (vtable_of(w, target)) {
    walk_table(w, target, depth + 1);
    return;
  }
  uint32_t n = word(w, target);
  for (uint32_t i = 0; n <= 1000 && i < n; i++) {
    size_t element = target + 4 + 4 * (size_t)i, to = element + word(w, element);
    if (to + 4 > w->size || !vtable_of(w, to)) return;
    walk_slot(w, 0, element, depth + 1);
  }
}

static void walk_table(Walk *w, size_t table, int depth) {
  size_t vtable = vtable_of(w, table);
  unsigned bytes = vtable ? half(w, vtable) : 0;
  for (unsigned i = 4; i < bytes; i += 2) {
    uint16_t offset = half(w, vtable + i);
    if (offset) walk_slot(w, vtable + i, table + offset, depth);
  }
}

static void write_half(uint8_t *data, size_t at, uint16_t x) {
  memcpy(data + at, &x, sizeof x);
}
static void write_word(uint8_t *data, size_t at, uint32_t x) {
  memcpy(data + at, &x, sizeof x);
}

static void change(uint8_t *data, const Walk *w, uint64_t *state) {
  const Slot *s = &w->slot[mutator_below(state, w->n)],
             *other = &w->slot[mutator_below(state, w->n)];
  switch (mutator_below(state, 5)) {
  case 0:
    if (s->entry) write_half(data, s->entry, 0);
    break;
  case 1:
    if (s->entry && other->entry) write_half(data, s->entry, half(w, other->entry));
    break;
  case 2:
    if (other->target > s->at) write_word(data, s->at, (uint32_t)(other->target - s->at));
    break;
  case 3:
    if (s->target)
      write_word(data, s->target,
                 mutator_below(state, 2)
                     ? word(w, s->target) + 1 - 2 * (uint32_t)mutator_below(state, 2)
                     : (uint32_t)mutator_number(state));
    break;
  default: write_word(data, s->at, (uint32_t)mutator_number(state)); break;
  }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
  static Walk walk;
  uint64_t state = seed;
  walk = (Walk){.data = data, .size = size};
  if (size >= 8 && mutator_below(&state, 2)) walk_table(&walk, word(&walk, 0), 0);
  if (!walk.n) return LLVMFuzzerMutate(data, size, max_size);
  for (size_t i = 1 + mutator_below(&state, 3); i; i--)
    change(data, &walk, &state);
  return size;
}
