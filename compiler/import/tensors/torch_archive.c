/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Archives of PyTorch; see torch_archive.h. */
#include "import/tensors/torch_archive.h"

#include <string.h>

bool torch_archive_storage(void *context, const char *key, Mapped *out, const char **reason) {
  const TorchStorages *in = context;
  const char *name = arena_printf(in->arena, "%s%s", in->folder, key);
  int64_t at = archive_find(in->archive, name);
  *reason = arena_printf(in->arena, "its data, `%s`, is not in the archive", name);
  return at >= 0 && archive_read(in->archive, at, out, reason);
}

bool torch_archive_order(Archive *archive, Arena *arena, const char *folder, const char **reason) {
  int64_t at = archive_find(archive, arena_printf(arena, "%sbyteorder", folder));
  Mapped order;
  if (at < 0) return true;
  if (!archive_read(archive, at, &order, reason)) return false;
  *reason = "its numbers are big-endian; save it again on another machine";
  return order.len != 3 || memcmp(order.data, "big", 3) != 0;
}
