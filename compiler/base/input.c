/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reading files; see input.h. Files are copied into memory, so that nothing changes under a reader
 * that has checked it. Only very large ones are mapped: if such a file shrinks, the kernel says so
 * by a signal, and the command ends as it does when memory runs out (arena_leave). */
#include "base/input.h"

#include "base/mapping.h"
#include "base/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_STEP = 1 << 20 };
static const size_t largest_copy = (size_t)256 << 20;

bool input_holds(Mapped file, const char *word) {
  size_t n = strlen(word);
  const uint8_t *end = file.data + file.len;
  for (const uint8_t *at = file.data; (size_t)(end - at) >= n; at++) {
    at = memchr(at, word[0], (size_t)(end - at) - n + 1);
    if (!at) return false;
    if (memcmp(at, word, n) == 0) return true;
  }
  return false;
}

static const char *kind_of(const struct stat *st) {
  return S_ISDIR(st->st_mode)    ? "it is a directory"
         : S_ISFIFO(st->st_mode) ? "it is a pipe, not a regular file"
         : S_ISSOCK(st->st_mode) ? "it is a socket, not a regular file"
                                 : "it is a device, not a regular file";
}

static void close_file(void *arg) {
  int *fd = arg;
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

/* A descriptor that is closed with the arena when memory runs out while reading. */
static int *descriptor_new(Arena *arena) {
  int *fd = ARENA_NEW(arena, int);
  *fd = -1;
  arena_defer(arena, close_file, fd);
  return fd;
}

/* Opens a regular file; what is none is not touched. */
static bool open_regular(const char *path, int *fd, struct stat *st, const char **reason) {
  if (stat(path, st) != 0)
    *reason = strerror(errno);
  else if (!S_ISREG(st->st_mode))
    *reason = kind_of(st);
  else {
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0 || fstat(*fd, st) != 0)
      *reason = strerror(errno);
    else if (!S_ISREG(st->st_mode))
      *reason = kind_of(st);
    else if (!place_is_allowed(*fd, path))
      *reason = "it is outside the folder given by --root";
    else
      return true;
  }
  close_file(fd);
  return false;
}

static bool same_state(int fd, const struct stat *before) {
  struct stat now;
  return fstat(fd, &now) == 0 && now.st_size == before->st_size && place_same_time(&now, before);
}

/* Reads fd to its end, or to one byte beyond limit. Files of /proc have no size: `expected` is a
 * guess. */
static char *read_all(Arena *arena, int fd, size_t expected, size_t limit, size_t *len,
                      const char **reason) {
  size_t cap = (expected < limit ? expected : limit) + 2,
         n = 0; /* one to see the end, one for the NUL */
  char *data = arena_alloc(arena, cap);
  while (n <= limit) {
    data = arena_grow(arena, data, &cap, n + 2, 1);
    size_t room = cap - n - 1, wanted = limit + 1 - n;
    if (wanted && room > wanted) room = wanted;
    ssize_t got = read(fd, data + n, room < READ_STEP ? room : READ_STEP);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      *reason = strerror(errno);
      return NULL;
    }
    if (got == 0) break;
    n += (size_t)got;
  }
  data[n] = 0;
  *len = n;
  return data;
}

static char *read_regular(Arena *arena, const char *path, size_t limit, size_t *len,
                          const char **reason) {
  int *fd = descriptor_new(arena);
  struct stat st;
  if (!open_regular(path, fd, &st, reason)) return NULL;
  char *data = read_all(arena, *fd, (size_t)st.st_size, limit, len, reason);
  bool changed = data && ((st.st_size && *len <= limit && *len != (size_t)st.st_size) ||
                          !same_state(*fd, &st));
  if (changed) *reason = "it changed while it was read";
  close_file(fd);
  return changed ? NULL : data;
}

char *file_read_named(Arena *arena, const char *path, size_t limit, size_t *len,
                      const char **reason) {
  return read_regular(arena, path, limit, len, reason);
}

char *file_read(Arena *arena, const char *path, size_t limit, size_t *len, const char **reason) {
  struct stat st;
  if (strcmp(path, "-") == 0) return read_all(arena, STDIN_FILENO, 0, limit, len, reason);
  int *fd = descriptor_new(arena);
  char *data = NULL;
  *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (*fd < 0 || fstat(*fd, &st) != 0)
    *reason = strerror(errno);
  else if (S_ISDIR(st.st_mode))
    *reason = kind_of(&st);
  else
    data = read_all(arena, *fd, 0, limit, len, reason);
  close_file(fd);
  return data;
}

/* ---- very large files ---- */

bool file_map(Arena *arena, const char *path, Mapped *out, const char **reason) {
  int *fd = descriptor_new(arena);
  struct stat st;
  if (!open_regular(path, fd, &st, reason)) return false;
  if ((size_t)st.st_size > largest_copy) {
    bool ok = mapping_make(arena, *fd, (size_t)st.st_size, out, reason);
    close_file(fd);
    return ok;
  }
  close_file(fd);
  size_t len = 0;
  const char *data = read_regular(arena, path, largest_copy, &len, reason);
  if (data && len > largest_copy) *reason = "it changed while it was read";
  if (!data || len > largest_copy) return false;
  *out = (Mapped){(const uint8_t *)data, len};
  return true;
}
