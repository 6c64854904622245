/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any bytes as a pickle, with themselves as every storage that it names: refused with a reason, or
 * a list of tensors that can be read to their last element. */
#include "import/tensors/tree.h"

#include <setjmp.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool storage(void *context, const char *key, Mapped *out, const char **reason) {
  (void)key;
  (void)reason;
  *out = *(const Mapped *)context;
  return true;
}

static void read_tensors(Arena *arena, Mapped data) {
  static volatile double sum; /* so that the reads are made */
  const char *reason = NULL;
  size_t at = 0;
  Tree tree;
  const PickleValue *value = pickle_read(arena, data, &at, NULL, &reason);
  tree_begin(&tree, arena, data.len);
  tree.storage = storage;
  tree.context = &data;
  TensorFile *file =
      value && tree_add_root(&tree, value, &reason) ? tree_end(&tree, &reason) : NULL;
  if (!file && !reason) abort();
  for (int i = 0; file && i < file->n; i++)
    for (int64_t k = 0; k < file->tensor[i].count && k < 1000; k++)
      sum = sum + tensor_get(&file->tensor[i], file->tensor[i].count - 1 - k);
}

static void read_bytes(Arena *arena, const uint8_t *data, size_t size) {
  read_tensors(arena, (Mapped){data, size});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  jmp_buf oom;
  Arena *volatile arena = NULL;
  if (setjmp(oom) == 0) {
    arena = arena_new(&oom);
    if (arena) read_bytes(arena, data, size);
  }
  arena_free(arena);
  return 0;
}
