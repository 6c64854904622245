/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Real paths, and the folder that reading is confined to. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "base/place.h"

#include "base/input.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char confined_to[PATH_MAX]; /* ends with a slash; "": everywhere */

bool files_confine(Arena *arena, const char *folder, const char **reason) {
  char real[PATH_MAX];
  struct stat st;
  confined_to[0] = 0;
  if (!folder) return true;
  if (!realpath(folder, real) || stat(real, &st) != 0)
    *reason = strerror(errno);
  else if (!S_ISDIR(st.st_mode))
    *reason = "it is not a folder";
  else if (strlen(real) + 2 > sizeof confined_to)
    *reason = strerror(ENAMETOOLONG);
  else {
    snprintf(confined_to, sizeof confined_to, "%s%s", real, strcmp(real, "/") == 0 ? "" : "/");
    return true;
  }
  *reason = arena_strdup(arena, *reason);
  return false;
}

/* Where an open file really is: asked of the kernel, since a path may lead elsewhere by now. */
bool place_is_allowed(int fd, const char *path) {
  char link[64], real[PATH_MAX];
  if (!*confined_to) return true;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, real, sizeof real - 1);
  if (n <= 0 && !realpath(path, real)) return false;
  if (n > 0) real[n] = 0;
  return strncmp(real, confined_to, strlen(confined_to)) == 0;
}

const char *place_real(Arena *arena, const char *path) {
  char *found = realpath(path, NULL);
  const char *out = found ? arena_strdup(arena, found) : NULL;
  free(found);
  return out;
}

/* Nanoseconds beside the seconds of st_mtime, for which macOS has a name of its own. */
#ifdef __APPLE__
#define MTIME_NS st_mtimensec
#else
#define MTIME_NS st_mtim.tv_nsec
#endif

bool place_same_time(const struct stat *a, const struct stat *b) {
  return a->st_mtime == b->st_mtime && a->MTIME_NS == b->MTIME_NS;
}

bool place_is_same(const char *a, const char *b) {
  struct stat x, y;
  return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}
