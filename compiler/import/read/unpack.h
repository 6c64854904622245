/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Memory for what protobuf-c unpacks: of an arena, and no more than a multiple of the file, so that
 * a small file cannot ask for much. */
#ifndef GRUS_IMPORT_UNPACK_H
#define GRUS_IMPORT_UNPACK_H

#include "base/arena.h"

#include <protobuf-c/protobuf-c.h>

typedef struct UnpackBudget {
  Arena *arena;
  size_t left;
} UnpackBudget;

UnpackBudget unpack_budget(Arena *arena, size_t file_bytes);
ProtobufCAllocator unpack_allocator(UnpackBudget *budget);

#endif
