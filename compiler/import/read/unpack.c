/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* An allocator for protobuf-c that takes from an arena and stops at a limit. See unpack.h. */
#include "import/read/unpack.h"

enum { MEMORY_PER_BYTE = 40, MEMORY_AT_LEAST = 65536 };

static void *budget_alloc(void *data, size_t size) {
  UnpackBudget *b = data;
  if (size > b->left) return NULL;
  b->left -= size;
  return arena_alloc(b->arena, size);
}

static void budget_free(void *data, void *pointer) {
  (void)data; /* goes with the arena */
  (void)pointer;
}

UnpackBudget unpack_budget(Arena *arena, size_t file_bytes) {
  return (UnpackBudget){arena, file_bytes * MEMORY_PER_BYTE + MEMORY_AT_LEAST};
}

ProtobufCAllocator unpack_allocator(UnpackBudget *budget) {
  return (ProtobufCAllocator){budget_alloc, budget_free, budget};
}
