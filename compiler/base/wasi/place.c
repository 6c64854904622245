/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Whoever runs the module gives it the folders it may read, and no others: there is nothing to
 * confine. */
#include "base/place.h"

#include "base/input.h"

#include <string.h>

bool files_confine(Arena *arena, const char *folder, const char **reason) {
  (void)arena;
  if (!folder) return true;
  *reason =
      "--root has no effect here: grus as WebAssembly reads only the folders that its host passes";
  return false;
}

bool place_is_allowed(int fd, const char *path) {
  (void)fd, (void)path;
  return true;
}

/* Folders are given without links in them: "a/b", "./a/b" and "/a/b" are one. */
const char *place_real(Arena *arena, const char *path) {
  while (path[0] == '.' && path[1] == '/')
    path += 2;
  if (strcmp(path, ".") == 0) path = "";
  return *path == '/' ? path : arena_printf(arena, "/%s", path);
}

bool place_same_time(const struct stat *a, const struct stat *b) {
  return a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool place_is_same(const char *a, const char *b) {
  struct stat x, y;
  return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}
