/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Whole files in, whole files out. */
#include "driver/files.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads fd to its end, or to one byte beyond limit. */
static char *read_all(Arena *arena, int fd, size_t limit, size_t *len, const char **reason) {
  size_t cap = 0, n = 0;
  char *data = arena_grow(arena, NULL, &cap, 4096, 1);
  while (n <= limit) {
    data = arena_grow(arena, data, &cap, n + 4097, 1);
    ssize_t got = read(fd, data + n, cap - n - 1);
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

char *file_read(Arena *arena, const char *path, size_t limit, size_t *len, const char **reason) {
  if (strcmp(path, "-") == 0) return read_all(arena, STDIN_FILENO, limit, len, reason);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat st;
  if (fd < 0 || fstat(fd, &st) != 0) {
    *reason = strerror(errno);
    if (fd >= 0) close(fd);
    return NULL;
  }
  char *data = NULL;
  if (S_ISDIR(st.st_mode)) *reason = "it is a directory";
  else data = read_all(arena, fd, limit, len, reason);
  close(fd);
  return data;
}

static bool same_content(Arena *arena, const char *path, const char *data, size_t len) {
  struct stat st;
  if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || (size_t)st.st_size != len) return false;
  size_t have;
  const char *reason, *old = file_read(arena, path, len, &have, &reason);
  return old && have == len && memcmp(old, data, len) == 0;
}

static bool write_all(int fd, const char *data, size_t len) {
  while (len) {
    ssize_t n = write(fd, data, len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    data += n;
    len -= (size_t)n;
  }
  return true;
}

bool file_write(Arena *arena, const char *path, const char *data, size_t len, const char **reason) {
  if (strcmp(path, "-") == 0) {
    if (write_all(STDOUT_FILENO, data, len)) return true;
    *reason = strerror(errno);
    return false;
  }
  if (same_content(arena, path, data, len)) return true;
  struct stat st;
  bool exists = stat(path, &st) == 0;
  if (exists && !S_ISREG(st.st_mode)) { /* a device or a pipe: nothing to rename */
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write_all(fd, data, len);
    if (!ok) *reason = strerror(errno);
    if (fd >= 0 && close(fd) != 0 && ok) {
      *reason = strerror(errno);
      ok = false;
    }
    return ok;
  }
  char *temp = arena_printf(arena, "%s.tmp%ld", path, (long)getpid());
  int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, exists ? st.st_mode & 0777 : 0666);
  bool ok = fd >= 0 && write_all(fd, data, len);
  int error = errno;
  if (fd >= 0 && close(fd) != 0 && ok) {
    ok = false;
    error = errno;
  }
  if (ok && rename(temp, path) != 0) {
    ok = false;
    error = errno;
  }
  if (!ok) {
    if (fd >= 0) unlink(temp);
    *reason = strerror(error);
  }
  return ok;
}

const char *file_dir(Arena *arena, const char *path) {
  const char *slash = strrchr(path, '/');
  if (!slash) return ".";
  return slash == path ? "/" : arena_strndup(arena, path, (size_t)(slash - path));
}

const char *file_join(Arena *arena, const char *dir, const char *name) {
  if (name[0] == '/' || strcmp(dir, ".") == 0) return name;
  return arena_printf(arena, "%s%s%s", dir, dir[strlen(dir) - 1] == '/' ? "" : "/", name);
}

bool file_exists(const char *path) { return access(path, F_OK) == 0; }

bool file_make_executable(const char *path) {
  struct stat st;
  if (stat(path, &st) != 0) return false;
  mode_t mode = st.st_mode & 0777;
  return chmod(path, mode | (mode & 0444) >> 2) == 0;
}
