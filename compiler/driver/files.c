/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Whole files in, whole files out. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "driver/files.h"

#include "base/mem.h"
#include "driver/interrupts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

static void close_file(void *arg) {
  int *fd = arg;
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

char *file_read(Arena *arena, const char *path, size_t limit, size_t *len, const char **reason) {
  if (strcmp(path, "-") == 0) return read_all(arena, STDIN_FILENO, limit, len, reason);
  int *fd = ARENA_NEW(arena, int); /* closed with the arena when memory runs out while reading */
  *fd = -1;
  arena_defer(arena, close_file, fd);
  *fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat st;
  char *data = NULL;
  if (*fd < 0 || fstat(*fd, &st) != 0) *reason = strerror(errno);
  else if (S_ISDIR(st.st_mode)) *reason = "it is a directory";
  else data = read_all(arena, *fd, limit, len, reason);
  close_file(fd);
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

/* What is not a file that can be renamed over: standard output, a device, a pipe. */
static bool write_straight(const FileOut *file, const char **reason) {
  bool to_stdout = strcmp(file->path, "-") == 0;
  int fd = to_stdout ? STDOUT_FILENO : open(file->path, O_WRONLY | O_CLOEXEC);
  bool ok = fd >= 0 && write_all(fd, file->data, file->len);
  if (!ok) *reason = strerror(errno);
  if (fd >= 0 && !to_stdout && close(fd) != 0 && ok) {
    *reason = strerror(errno);
    ok = false;
  }
  return ok;
}

/* Temporary files of one write, and where each goes: the file itself, not a link to it. */
typedef struct Staged {
  char **temp; /* NULL: nothing to rename */
  char **target;
  int n; /* 0 once all is over */
} Staged;

/* Called by files_write, and by the arena when memory runs out in the middle of it. */
static void staged_end(void *arg) {
  Staged *staged = arg;
  if (!staged->n) return;
  for (int i = 0; i < staged->n; i++)
    if (staged->temp[i]) unlink(staged->temp[i]);
  staged->n = 0;
  interrupts_release();
}

static char *link_target(Arena *arena, const char *path) {
  char real[PATH_MAX];
  return arena_strdup(arena, realpath(path, real) ? real : path);
}

/* Writes file to *temp beside its target; *temp is NULL when nothing is to be renamed. */
static bool stage(Arena *arena, const FileOut *file, char **target, char **temp, const char **reason) {
  struct stat st;
  bool exists = strcmp(file->path, "-") != 0 && stat(file->path, &st) == 0;
  mode_t mode = exists ? st.st_mode & 0777 : 0666;
  *temp = NULL;
  if (strcmp(file->path, "-") == 0 || (exists && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) return true;
  if (exists && S_ISDIR(st.st_mode)) {
    *reason = "it is a directory";
    return false;
  }
  if (file->executable) mode |= (mode & 0444) >> 2;
  if (exists && mode == (st.st_mode & 0777) && same_content(arena, file->path, file->data, file->len)) return true;
  *target = link_target(arena, file->path);
  char *path = arena_printf(arena, "%s.tmp%ld", *target, (long)getpid());
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd >= 0) *temp = path;
  bool ok = fd >= 0 && (!exists || fchmod(fd, mode) == 0) && write_all(fd, file->data, file->len);
  if (!ok) *reason = strerror(errno);
  if (fd >= 0 && close(fd) != 0 && ok) {
    *reason = strerror(errno);
    ok = false;
  }
  return ok;
}

bool files_write(Arena *arena, const FileOut *files, int n, const char **failed, const char **reason) {
  Staged *staged = ARENA_NEW(arena, Staged);
  staged->temp = ARENA_ARRAY(arena, char *, n + 1);
  staged->target = ARENA_ARRAY(arena, char *, n + 1);
  arena_defer(arena, staged_end, staged);
  bool ok = true;
  interrupts_hold();
  staged->n = n;
  for (int i = 0; i < n && ok; i++) {
    *failed = files[i].path;
    ok = stage(arena, &files[i], &staged->target[i], &staged->temp[i], reason);
    if (ok && interrupts_noted()) {
      *reason = "interrupted";
      ok = false;
    }
  }
  for (int i = 0; i < n && ok; i++) { /* straight ones first: a full device keeps the others as they were */
    struct stat st;
    bool plain = strcmp(files[i].path, "-") != 0 && (stat(files[i].path, &st) != 0 || S_ISREG(st.st_mode));
    *failed = files[i].path;
    ok = plain || write_straight(&files[i], reason);
  }
  for (int i = 0; i < n && ok; i++) {
    *failed = files[i].path;
    if (!staged->temp[i]) continue;
    ok = rename(staged->temp[i], staged->target[i]) == 0;
    if (ok) staged->temp[i] = NULL;
    else *reason = strerror(errno);
  }
  staged_end(staged);
  return ok;
}

bool file_write(Arena *arena, const char *path, const char *data, size_t len, const char **reason) {
  const char *failed;
  return files_write(arena, &(FileOut){.path = path, .data = data, .len = len}, 1, &failed, reason);
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

bool file_same(const char *a, const char *b) {
  struct stat x, y;
  return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}
