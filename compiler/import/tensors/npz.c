/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads .npz, a zip archive of .npy files. An array of objects is a pickle; the names of its
 * tensors begin with the name of the array. */
#include "import/tensors/archive.h"
#include "import/tensors/tree.h"

#include <string.h>

TensorFile *npz_parse(Arena *arena, Mapped map, const char **reason) {
  Archive *archive = archive_open(arena, map, reason);
  if (!archive) return NULL;
  Tree tree;
  tree_begin(&tree, arena, map.len);
  for (int64_t i = 0, n = archive_count(archive); i < n; i++) {
    Mapped member;
    const char *why = NULL, *name = archive_name(archive, i);
    size_t len = strlen(name);
    if (len < 5 || strcmp(name + len - 4, ".npy") != 0)
      continue; /* not an array, but a file that another program added */
    if (!archive_read(archive, i, &member, reason)) return NULL;
    if (!npy_parse_named(&tree, member, arena_strndup(arena, name, len - 4), &why)) {
      *reason = arena_printf(arena, "`%s`: %s", name, why);
      return NULL;
    }
  }
  *reason = "it holds no arrays";
  return tree.n ? tree_end(&tree, reason) : NULL;
}
